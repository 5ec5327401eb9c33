// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/object_metrics.hpp"

#include <algorithm>
#include <functional>

#include "base/text.hpp"

namespace sluice::shell {
namespace {

std::string_view strategy_of(const crds::Rollout& rollout) {
    if (rollout.spec.canary) return "canary";
    return rollout.spec.blue_green ? "blueGreen" : "none";
}

std::string_view router_of(const crds::Rollout& rollout) {
    const auto& canary = rollout.spec.canary;
    if (!canary || !canary->traffic_routing) return "";
    if (canary->traffic_routing->istio) return "Istio";
    return canary->traffic_routing->nginx ? "Nginx" : "";
}

// Derived from the Progressing condition's reason, not from status.phase, as upstream does.
std::string_view phase_of(const crds::Rollout& rollout) {
    std::string_view phase = "Progressing";
    for (const auto& condition : rollout.status.conditions) {
        if (condition.type == "InvalidSpec" && condition.status == crds::ConditionStatus::True)
            return "InvalidSpec";
        if (condition.type != "Progressing") continue;
        if (condition.reason == "NewReplicaSetAvailable") phase = "Completed";
        if (condition.reason == "RolloutPaused") phase = "Paused";
        if (condition.reason == "ProgressDeadlineExceeded") phase = "Timeout";
        if (condition.reason == "ReplicaSetCreateError") phase = "Error";
        if (condition.reason == "RolloutAborted") phase = "Abort";
    }
    return phase;
}

void head(std::string& text, std::string_view name, std::string_view help) {
    text += concat("# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n");
}

// Names are DNS labels: nothing in them needs escaping.
void line(std::string& text, std::string_view metric, std::string_view ns, std::string_view name,
          std::string_view labels, long value) {
    text +=
        concat(metric, "{name=\"", name, "\",namespace=\"", ns, "\"", labels, "} ", value, "\n");
}

void replicas(std::string& text, const RolloutPointers& rollouts, std::string_view which,
              const std::function<long(const crds::Rollout&)>& value) {
    const auto name = concat("rollout_info_replicas_", which);
    head(text, name, concat("The number of ", which, " replicas per rollout."));
    for (const auto& rollout : rollouts)
        line(text, name, rollout->metadata.ns, rollout->metadata.name, "", value(*rollout));
}

void rollout_series(std::string& text, const RolloutPointers& rollouts) {
    head(text, "rollout_info", "Information about rollout.");
    for (const auto& r : rollouts)
        line(text, "rollout_info", r->metadata.ns, r->metadata.name,
             concat(",phase=\"", phase_of(*r), "\",strategy=\"", strategy_of(*r),
                    "\",traffic_router=\"", router_of(*r), "\""),
             1);
    replicas(text, rollouts, "available",
             [](const crds::Rollout& r) { return r.status.available_replicas; });
    replicas(text, rollouts, "unavailable", [](const crds::Rollout& r) {
        return std::max(0L, r.spec.replicas.value_or(1) - r.status.available_replicas);
    });
    replicas(text, rollouts, "desired",
             [](const crds::Rollout& r) { return r.spec.replicas.value_or(1); });
    replicas(text, rollouts, "updated",
             [](const crds::Rollout& r) { return r.status.updated_replicas; });
}

void analysis_run_series(std::string& text, const AnalysisRunPointers& runs) {
    head(text, "analysis_run_info", "Information about analysis run.");
    for (const auto& run : runs)
        line(text, "analysis_run_info", run->ns, run->seen.name,
             concat(",phase=\"", to_text(run->seen.phase), "\""), 1);
}

}  // namespace

std::string object_metrics(const RolloutPointers& rollouts, const AnalysisRunPointers& runs) {
    std::string text;
    rollout_series(text, rollouts);
    analysis_run_series(text, runs);
    return text;
}

}  // namespace sluice::shell
