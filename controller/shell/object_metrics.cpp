// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/object_metrics.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/resource.hpp"
#include "controller/shell/packs.hpp"
#include "crds/analysis.hpp"

namespace sluice::shell {
namespace {

constexpr std::array rollout_phases{"Completed", "Progressing", "Paused",
                                    "Timeout",   "Error",       "Abort"};
constexpr std::array run_phases{"Pending",    "Error",   "Failed",
                                "Successful", "Running", "Inconclusive"};

// Keys of a metric's provider, and what upstream calls them.
constexpr std::array<std::pair<const char*, const char*>, 11> provider_types{
    {{"prometheus", "Prometheus"},
     {"job", "Job"},
     {"kayenta", "Kayenta"},
     {"web", "Web"},
     {"wavefront", "Wavefront"},
     {"newRelic", "NewRelic"},
     {"datadog", "Datadog"},
     {"cloudWatch", "CloudWatch"},
     {"graphite", "Graphite"},
     {"influxdb", "Influxdb"},
     {"skywalking", "SkyWalking"}}};

std::string_view strategy_of(const crds::Rollout& rollout) {
    if (rollout.spec.blue_green) return "blueGreen";
    return rollout.spec.canary ? "canary" : "none";
}

// The last one wins where several are set, as with upstream.
std::string_view router_of(const crds::Rollout& rollout) {
    const auto& canary = rollout.spec.canary;
    if (!canary || !canary->traffic_routing) return "";
    if (canary->traffic_routing->nginx) return "Nginx";
    return canary->traffic_routing->istio ? "Istio" : "";
}

// Derived from the Progressing condition's reason, not from status.phase, as upstream does.
std::string_view phase_of(const crds::Rollout& rollout) {
    std::string_view phase = "Progressing";
    for (const auto& condition : rollout.status.conditions) {
        if (condition.type == "InvalidSpec") return "InvalidSpec";
        if (condition.type != "Progressing") continue;
        if (condition.reason == "NewReplicaSetAvailable") phase = "Completed";
        if (condition.reason == "RolloutPaused") phase = "Paused";
        if (condition.reason == "ProgressDeadlineExceeded") phase = "Timeout";
        if (condition.reason == "ReplicaSetCreateError") phase = "Error";
        if (condition.reason == "RolloutAborted") phase = "Abort";
    }
    return phase;
}

using Figures = std::vector<RolloutFigures>;

MetricLabels labels_of(const RolloutFigures& rollout, const MetricLabels& more = {}) {
    MetricLabels labels{{"namespace", rollout.ns}, {"name", rollout.name}};
    labels.insert(labels.end(), more.begin(), more.end());
    return labels;
}

void write_replicas(MetricText& text, const Figures& rollouts, const std::string& which,
                    const std::function<long(const RolloutFigures&)>& value) {
    text.family("rollout_info_replicas_" + which, "gauge",
                "The number of " + which + " replicas per rollout.");
    for (const auto& rollout : rollouts)
        text.sample(labels_of(rollout), static_cast<double>(value(rollout)));
}

void write_rollouts(MetricText& text, const kube::RowStore& store) {
    Figures rollouts;
    store.visit_at_leisure([&](kube::Row&& row) { rollouts.push_back(rollout_figures_of(row)); });
    text.family("rollout_info", "gauge", "Information about rollout.");
    for (const auto& r : rollouts)
        text.sample(
            labels_of(r,
                      {{"strategy", r.strategy}, {"traffic_router", r.router}, {"phase", r.phase}}),
            1);
    write_replicas(text, rollouts, "available", [](const auto& r) { return r.available; });
    write_replicas(text, rollouts, "unavailable",
                   [](const auto& r) { return r.replicas - r.available; });
    write_replicas(text, rollouts, "desired", [](const auto& r) { return r.desired; });
    write_replicas(text, rollouts, "updated", [](const auto& r) { return r.updated; });
    text.family("rollout_phase", "gauge",
                "Information on the state of the rollout (DEPRECATED - use rollout_info)");
    for (const auto& r : rollouts)
        for (const char* phase : rollout_phases)
            text.sample(labels_of(r, {{"strategy", r.strategy}, {"phase", phase}}),
                        r.phase == phase ? 1 : 0);
}

// ---- analysis ----

std::string type_of(const crds::MetricDocument& metric) {
    const auto document = parse_json(metric.text);
    const Json* provider = document.ok() ? find(*document, {"provider"}) : nullptr;
    if (!provider || !provider->is_object()) return "Unknown";
    for (const auto& [key, name] : provider_types)
        if (provider->contains(key)) return name;
    const Json* plugin = find(*provider, {"plugin"});
    return plugin && plugin->is_object() && !plugin->empty() ? plugin->begin().key() : "Unknown";
}

std::string_view shown(crds::AnalysisPhase phase) {
    return phase == crds::AnalysisPhase::None ? "Pending" : crds::phase_text(phase);
}

MetricLabels labels_of(const kube::Row& row, const MetricLabels& more) {
    MetricLabels labels{{"namespace", row.ns}, {"name", row.name}};
    labels.insert(labels.end(), more.begin(), more.end());
    return labels;
}

// Metrics are known of runs that are under way: what has ended is kept small.
void write_run_metrics(MetricText& text, const kube::RowStore& runs) {
    text.family("analysis_run_metric_type", "gauge",
                "Information on the type of a specific metric in the Analysis Runs");
    runs.visit_at_leisure([&](kube::Row&& row) {
        if (has_ended(row)) return;
        for (const auto& metric : analysis_run_of(row).spec.metrics)
            text.sample(labels_of(row, {{"metric", metric.name}, {"type", type_of(metric)}}), 1);
    });
    text.family("analysis_run_metric_phase", "gauge",
                "Information on the duration of a specific metric in the Analysis Run");
    runs.visit_at_leisure([&](kube::Row&& row) {
        if (has_ended(row)) return;
        const auto run = analysis_run_of(row);
        for (const auto& metric : run.spec.metrics) {
            const auto& results = run.status.metric_results;
            const auto result = std::ranges::find(results, metric.name, &crds::MetricResult::name);
            const bool there = result != results.end();
            const auto type = type_of(metric);
            for (const char* phase : run_phases)
                text.sample(
                    labels_of(row, {{"metric", metric.name},
                                    {"type", type},
                                    {"dry_run", there && result->dry_run ? "true" : "false"},
                                    {"phase", phase}}),
                    shown(there ? result->phase : crds::AnalysisPhase::None) == phase);
        }
    });
}

void write_runs(MetricText& text, const kube::RowStore& runs) {
    text.family("analysis_run_info", "gauge", "Information about analysis run.");
    runs.visit_at_leisure([&](kube::Row&& row) {
        text.sample(labels_of(row, {{"phase", crds::phase_text(run_phase_of(row))}}), 1);
    });
    text.family(
        "analysis_run_phase", "gauge",
        "Information on the state of the Analysis Run (DEPRECATED - use analysis_run_info)");
    runs.visit_at_leisure([&](kube::Row&& row) {
        const auto now = shown(run_phase_of(row));
        for (const char* phase : run_phases)
            text.sample(labels_of(row, {{"phase", phase}}), now == phase);
    });
    write_run_metrics(text, runs);
}

// ---- deliveries ----

void write_deliveries(MetricText& text, const kube::RowStore& deliveries) {
    std::map<std::array<std::string, 3>, long> count;
    std::map<std::string, size_t> owed;
    deliveries.visit_at_leisure([&](kube::Row&& row) {
        const auto delivery = delivery_of(row);
        const auto phase = delivery.status.phase.value_or(crds::DeliveryPhase::Progressing);
        ++count[{delivery.ns, delivery.spec.rollout, std::string(crds::to_text(phase))}];
        if (delivery.spec.source)
            owed[delivery.spec.source->git_source] += delivery.status.outbox.size();
    });
    text.family("sluice_deliveries", "gauge", "Attempts to bring a version to users, by outcome.");
    for (const auto& [labels, number] : count)
        text.sample({{"namespace", labels[0]}, {"rollout", labels[1]}, {"phase", labels[2]}},
                    static_cast<double>(number));
    text.family("sluice_git_outbox_writes", "gauge", "Writes that Git is still owed.");
    for (const auto& [source, number] : owed) {
        if (source.empty()) continue;
        const auto [ns, name] = split_key(source);
        text.sample({{"namespace", ns}, {"gitsource", name}}, static_cast<double>(number));
    }
}

}  // namespace

RolloutFigures figures_of(const crds::Rollout& rollout) {
    return {.ns = rollout.metadata.ns,
            .name = rollout.metadata.name,
            .phase = std::string(phase_of(rollout)),
            .strategy = std::string(strategy_of(rollout)),
            .router = std::string(router_of(rollout)),
            .desired = rollout.spec.replicas.value_or(1),
            .replicas = rollout.status.replicas,
            .available = rollout.status.available_replicas,
            .updated = rollout.status.updated_replicas};
}

void write_object_metrics(MetricText& text, const ToldStores& objects) {
    write_rollouts(text, objects.rollouts);
    write_runs(text, objects.runs);
    write_deliveries(text, objects.deliveries);
}

}  // namespace sluice::shell
