// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/views.hpp"

#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "base/text.hpp"
#include "crds/pod_template.hpp"

namespace sluice::policy::delivery {
namespace {

const Json& part(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json nothing;
    const Json* found = find(object, path);
    return found ? *found : nothing;
}

std::optional<TimePoint> time_at(const Json& object, std::initializer_list<std::string_view> path) {
    const auto when = parse_rfc3339(text_at(object, path));
    if (!when.ok()) return std::nullopt;
    return *when;
}

std::optional<long> number_at(const Json& object, std::initializer_list<std::string_view> path) {
    const Json* found = find(object, path);
    if (!found || !found->is_number_integer()) return std::nullopt;
    return found->get<long>();
}

void view_rollout_spec(const Json& rollout, RolloutView& view) {
    const Json& pod_template = part(rollout, {"spec", "template"});
    if (pod_template.is_object()) view.template_digest = crds::template_digest(pod_template);
    const Json& containers = part(pod_template, {"spec", "containers"});
    if (containers.is_array() && !containers.empty())
        view.image = text_at(containers.front(), {"image"});
    const Json& canary = part(rollout, {"spec", "strategy", "canary"});
    view.blue_green = part(rollout, {"spec", "strategy", "blueGreen"}).is_object();
    const Json& routing = part(canary, {"trafficRouting"});
    view.traffic_routing = routing.is_object();
    view.max_weight = number_at(routing, {"maxTrafficWeight"}).value_or(100);
    const Json& steps = part(canary, {"steps"});
    if (!steps.is_array()) return;
    for (const auto& step : steps) view.steps.push_back(number_at(step, {"setWeight"}));
}

void view_rollout_status(const Json& status, RolloutView& view) {
    view.observed_generation = parse_integer(text_at(status, {"observedGeneration"})).value_or(0);
    view.current_hash = text_at(status, {"currentPodHash"});
    view.stable_hash = text_at(status, {"stableRS"});
    view.step_index = number_at(status, {"currentStepIndex"});
    view.abort = bool_at(status, {"abort"});
    view.aborted_at = time_at(status, {"abortedAt"});
    const Json& conditions = part(status, {"conditions"});
    if (conditions.is_array())
        for (const auto& condition : conditions)
            if (text_at(condition, {"reason"}) == "RolloutAborted")
                view.abort_message = text_at(condition, {"message"});
    const Json& weights = part(status, {"canary", "weights"});
    view.canary_weight = number_at(weights, {"canary", "weight"});
    view.weight_verified = bool_at(weights, {"verified"}, true);
    view.updated_replicas = integer_at(status, {"updatedReplicas"});
    view.unhealthy = text_at(status, {"phase"}) != "Healthy";
    view.active_hash = text_at(status, {"blueGreen", "activeSelector"});
    for (const auto& run : {part(status, {"canary", "currentStepAnalysisRunStatus"}),
                            part(status, {"canary", "currentBackgroundAnalysisRunStatus"}),
                            part(status, {"blueGreen", "prePromotionAnalysisRunStatus"}),
                            part(status, {"blueGreen", "postPromotionAnalysisRunStatus"})})
        if (run.is_object())
            view.runs.push_back({text_at(run, {"name"}), text_at(run, {"status"})});
}

const Json& controller_of(const Json& object) {
    static const Json nobody;
    const Json& owners = part(object, {"metadata", "ownerReferences"});
    if (!owners.is_array()) return nobody;
    for (const auto& owner : owners)
        if (bool_at(owner, {"controller"})) return owner;
    return nobody;
}

// {{args.name}}, as the run's own arguments say; secrets have no value here and stay as they are.
std::string with_arguments(std::string text, const Json& args) {
    if (!args.is_array()) return text;
    for (const auto& arg : args) {
        const Json* value = find(arg, {"value"});
        if (!value || !value->is_string()) continue;
        const std::string name = text_at(arg, {"name"});
        for (const auto& written : {concat("{{args.", name, "}}"), concat("{{ args.", name, " }}")})
            for (auto at = text.find(written); at != std::string::npos;
                 at = text.find(written, at)) {
                const auto put = value->get<std::string>();
                text.replace(at, written.size(), put);
                at += put.size();
            }
    }
    return text;
}

std::string threshold_of(const Json& metric, const Json& args) {
    const std::string success = with_arguments(text_at(metric, {"successCondition"}), args);
    const std::string failure = with_arguments(text_at(metric, {"failureCondition"}), args);
    if (success.empty()) return failure.empty() ? "" : concat("fails if ", failure);
    return failure.empty() ? success : concat(success, ", fails if ", failure);
}

MetricView view_metric(const Json& result, const Json& run_spec) {
    MetricView view{.name = text_at(result, {"name"}),
                    .query = text_at(result, {"metadata", "ResolvedPrometheusQuery"}),
                    .threshold = {},
                    .phase = text_at(result, {"phase"}),
                    .count = integer_at(result, {"count"}),
                    .dry_run = bool_at(result, {"dryRun"}),
                    .measurements = {}};
    const Json& args = part(run_spec, {"args"});
    const Json& metrics = part(run_spec, {"metrics"});
    if (metrics.is_array())
        for (const auto& metric : metrics) {
            if (text_at(metric, {"name"}) != view.name) continue;
            if (view.query.empty())
                view.query =
                    with_arguments(text_at(metric, {"provider", "prometheus", "query"}), args);
            view.threshold = threshold_of(metric, args);
        }
    const Json& measurements = part(result, {"measurements"});
    if (measurements.is_array())
        for (const auto& one : measurements)
            view.measurements.push_back(
                {text_at(one, {"value"}), text_at(one, {"phase"}), time_at(one, {"finishedAt"})});
    return view;
}

}  // namespace

RolloutView view_rollout(const Json& rollout) {
    RolloutView view;
    view.ns = text_at(rollout, {"metadata", "namespace"});
    view.name = text_at(rollout, {"metadata", "name"});
    view.uid = text_at(rollout, {"metadata", "uid"});
    view.generation = integer_at(rollout, {"metadata", "generation"});
    view.revision = text_at(rollout, {"metadata", "annotations", "rollout.argoproj.io/revision"});
    view.git_source = text_at(rollout, {"metadata", "annotations", "sluice.dev/git-source"});
    view_rollout_spec(rollout, view);
    view_rollout_status(part(rollout, {"status"}), view);
    return view;
}

RunView view_run(const Json& run) {
    RunView view{.ns = text_at(run, {"metadata", "namespace"}),
                 .name = text_at(run, {"metadata", "name"}),
                 .rollout = text_at(controller_of(run), {"name"}),
                 .rollout_uid = text_at(controller_of(run), {"uid"}),
                 .hash = text_at(run, {"metadata", "labels", "rollouts-pod-template-hash"}),
                 .type = text_at(run, {"metadata", "labels", "rollout-type"}),
                 .step_index = parse_integer(text_at(run, {"metadata", "labels", "step-index"})),
                 .phase = text_at(run, {"status", "phase"}),
                 .completed_at = time_at(run, {"status", "completedAt"}),
                 .metrics = {}};
    const Json& results = part(run, {"status", "metricResults"});
    if (results.is_array())
        for (const auto& result : results)
            view.metrics.push_back(view_metric(result, part(run, {"spec"})));
    return view;
}

SourceView view_source(const Json& source) {
    SourceView view;
    view.key =
        key_of(text_at(source, {"metadata", "namespace"}), text_at(source, {"metadata", "name"}));
    view.url = text_at(source, {"spec", "url"});
    view.branch = text_at(source, {"spec", "ref", "branch"}, "main");
    const Json& back = part(source, {"spec", "writeBack"});
    view.write_back = back.is_object();
    view.record_branch = text_at(back, {"records", "branch"}, view.record_branch);
    view.record_steps = bool_at(back, {"records", "onStep"}, true);
    view.record_outcomes = bool_at(back, {"records", "onTerminal"}, true);
    view.revert = text_at(back, {"rollback", "mode"}, "ScopedRevert") == "ScopedRevert";
    view.author_name = text_at(back, {"commit", "author", "name"}, view.author_name);
    view.author_email = text_at(back, {"commit", "author", "email"}, view.author_email);
    const Json& inventory = part(source, {"status", "inventory"});
    if (!inventory.is_array()) return view;
    for (const auto& entry : inventory) {
        if (text_at(entry, {"kind"}) != resources::rollouts.kind ||
            text_at(entry, {"group"}) != resources::rollouts.group)
            continue;
        view.entries.push_back({.ns = text_at(entry, {"namespace"}),
                                .name = text_at(entry, {"name"}),
                                .path = text_at(entry, {"path"}),
                                .digest = text_at(entry, {"digest"}),
                                .commit = text_at(entry, {"commit"}),
                                .author = text_at(entry, {"author"}),
                                .subject = text_at(entry, {"subject"})});
    }
    return view;
}

}  // namespace sluice::policy::delivery
