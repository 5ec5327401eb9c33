// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/rollout_metrics.hpp"

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

using Rollouts = std::vector<kube::Cache<crds::Rollout>::Pointer>;

void gauge(std::string& text, const Rollouts& rollouts, std::string_view name,
           std::string_view help, const std::function<std::string(const crds::Rollout&)>& labels,
           const std::function<long(const crds::Rollout&)>& value) {
    text += concat("# HELP ", name, " ", help, "\n# TYPE ", name, " gauge\n");
    // Names are DNS labels: nothing in them needs escaping.
    for (const auto& rollout : rollouts)
        text += concat(name, "{name=\"", rollout->metadata.name, "\",namespace=\"",
                       rollout->metadata.ns, "\"", labels(*rollout), "} ", value(*rollout), "\n");
}

}  // namespace

std::string rollout_metrics(const World& world) {
    const auto rollouts = world.rollouts.all();
    std::string text;
    gauge(
        text, rollouts, "rollout_info", "Information about rollout.",
        [](const crds::Rollout& r) {
            return concat(",phase=\"", phase_of(r), "\",strategy=\"", strategy_of(r),
                          "\",traffic_router=\"", router_of(r), "\"");
        },
        [](const crds::Rollout&) { return 1; });
    const auto plain = [](const crds::Rollout&) { return std::string{}; };
    gauge(text, rollouts, "rollout_info_replicas_available",
          "The number of available replicas per rollout.", plain,
          [](const crds::Rollout& r) { return r.status.available_replicas; });
    gauge(text, rollouts, "rollout_info_replicas_unavailable",
          "The number of unavailable replicas per rollout.", plain, [](const crds::Rollout& r) {
              return std::max(0L, r.spec.replicas.value_or(1) - r.status.available_replicas);
          });
    gauge(text, rollouts, "rollout_info_replicas_desired",
          "The number of desired replicas per rollout.", plain,
          [](const crds::Rollout& r) { return r.spec.replicas.value_or(1); });
    gauge(text, rollouts, "rollout_info_replicas_updated",
          "The number of updated replicas per rollout.", plain,
          [](const crds::Rollout& r) { return r.status.updated_replicas; });
    return text;
}

}  // namespace sluice::shell
