// SPDX-License-Identifier: Apache-2.0
// Upstream's static validation (argo-rollouts.md 1.19): its rules, its order, its words.
#include <algorithm>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "crds/go_json.hpp"
#include "crds/rollout.hpp"

namespace sluice::crds {
namespace rollout_rules {

class Findings {
public:
    void required(std::string path, std::string_view detail) {
        problems_.push_back(
            {std::move(path), concat("Required value", detail.empty() ? "" : ": ", detail)});
    }
    void invalid(std::string path, long value, std::string_view detail) {
        refuse(std::move(path), std::to_string(value), detail);
    }
    void invalid(std::string path, const std::string& value, std::string_view detail) {
        refuse(std::move(path), go_text(value), detail);
    }
    // `value` as JSON text.
    void refuse(std::string path, const std::string& value, std::string_view detail) {
        problems_.push_back({std::move(path), concat("Invalid value: ", value, ": ", detail)});
    }
    void internal(std::string path, std::string_view detail) {
        problems_.push_back({std::move(path), concat("Internal error: ", detail)});
    }
    void not_negative(std::string path, long value) {
        if (value < 0) invalid(std::move(path), value, "must be greater than or equal to 0");
    }
    std::vector<Problem> take() { return std::move(problems_); }

private:
    std::vector<Problem> problems_;
};

std::string text_of(const TextMap& labels) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : labels)
        parts.push_back(concat(go_text(key), ":", go_text(value)));
    return concat("{", join(parts, ","), "}");
}

void check_selector(const RolloutSpec& spec, Findings& findings) {
    if (spec.workload_ref) {
        if (spec.has_template)
            findings.internal("spec.template",
                              "template must be empty for workload reference rollout");
        return;
    }
    if (!spec.selector)
        findings.required("spec.selector", "Rollout has missing field '.spec.selector'");
    else if (spec.selector->match_labels.empty() && spec.selector->match_expressions.empty())
        findings.refuse("spec.selector", "{}", "empty selector is invalid for deployment");
}

// The part of ReplicaSet validation that a Rollout can break by itself; the rest is the API
// server's, when the ReplicaSet is made.
void check_template(const Rollout& rollout, Findings& findings) {
    if (rollout.spec.workload_ref || !rollout.spec.selector) return;
    if (!matches(*rollout.spec.selector, rollout.pod_template.labels))
        findings.refuse("spec.template.metadata.labels", text_of(rollout.pod_template.labels),
                        "`selector` does not match template `labels`");
    if (rollout.pod_template.containers == 0)
        findings.required("spec.template.spec.containers", "");
}

void check_numbers(const RolloutSpec& spec, Findings& findings) {
    findings.not_negative("spec.minReadySeconds", spec.min_ready_seconds);
    findings.not_negative("spec.revisionHistoryLimit", spec.revision_history_limit);
    findings.not_negative("spec.progressDeadlineSeconds", spec.progress_deadline_seconds);
    if (spec.progress_deadline_seconds <= spec.min_ready_seconds)
        findings.invalid("spec.progressDeadlineSeconds", spec.progress_deadline_seconds,
                         "must be greater than minReadySeconds");
}

void check_anti_affinity(const std::optional<PodAntiAffinity>& rule, const std::string& path,
                         Findings& findings) {
    if (!rule) return;
    const auto said = [](bool value) { return value ? "true" : "false"; };
    if (rule->preferred == rule->required)
        findings.invalid(path,
                         concat("antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: ",
                                said(rule->preferred),
                                " antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: ",
                                said(rule->required)),
                         "AntiAffinity must have exactly one strategy listed");
    if (rule->preferred && (rule->weight < 1 || rule->weight > 100))
        findings.invalid(concat(path, ".weight"), rule->weight,
                         "AntiAffinity weight must be between 1-100");
}

void check_blue_green(const RolloutSpec& spec, Findings& findings) {
    const BlueGreenStrategy& strategy = *spec.blue_green;
    if (strategy.active_service == strategy.preview_service)
        findings.invalid("spec.strategy.activeService", strategy.active_service,
                         "This rollout uses the same service for the active and preview services, "
                         "but two different services are required.");
    const auto& limit = strategy.scale_down_delay_revision_limit;
    if (limit && spec.revision_history_limit < *limit)
        findings.invalid("spec.strategy.scaleDownDelayRevisionLimit", *limit,
                         "This rollout's revision history limit can not be smaller than the "
                         "rollout's scale down limit");
    check_anti_affinity(strategy.anti_affinity, "spec.strategy.antiAffinity", findings);
}

// As upstream reads them here: "25%" counts 25, "0%" and 0 count nothing.
long fencepost(const std::optional<IntOrString>& value) {
    if (!value) return 25;
    if (value->number) return *value->number;
    std::string_view text = value->text;
    if (text.ends_with('%')) text.remove_suffix(1);
    return parse_integer(text).value_or(0);
}

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool needs_services(const CanaryStrategy& canary) {
    if (!canary.traffic_routing) return false;
    const TrafficRouting& routing = *canary.traffic_routing;
    if (has(routing.others, "alb") && !canary.ping_pong) return true;
    if (routing.istio && !routing.istio->destination_rule && !canary.ping_pong) return true;
    if (routing.nginx) return true;
    return std::any_of(routing.others.begin(), routing.others.end(),
                       [](const auto& name) { return name != "alb"; });
}

void check_ping_pong(const CanaryStrategy& canary, Findings& findings) {
    if (!canary.ping_pong) return;
    if (canary.traffic_routing && !has(canary.traffic_routing->others, "alb") &&
        !canary.traffic_routing->istio && canary.traffic_routing->plugins.empty())
        findings.refuse("spec.strategy.trafficRouting.alb", "null",
                        "Ping-pong feature works with the ALB, Istio, and plugin-based traffic "
                        "routers only");
    constexpr const char* both =
        "Ping service and Pong service must to be set to use Ping-Pong feature";
    if (canary.ping_service.empty())
        findings.invalid("spec.strategy.pingPong.pingService", canary.ping_service, both);
    if (canary.pong_service.empty())
        findings.invalid("spec.strategy.pingPong.pongService", canary.pong_service, both);
    if (canary.ping_service == canary.pong_service)
        findings.invalid("spec.strategy.pingPong.pingService", canary.ping_service,
                         "This rollout uses the same service for the ping and pong services, but "
                         "two different services are required.");
}

void check_services(const CanaryStrategy& canary, Findings& findings) {
    if (!canary.canary_service.empty() && canary.canary_service == canary.stable_service)
        findings.invalid("spec.strategy.stableService", canary.stable_service,
                         "This rollout uses the same service for the stable and canary services, "
                         "but two different services are required.");
    check_ping_pong(canary, findings);
    if (!needs_services(canary)) return;
    constexpr const char* both =
        "Canary service and Stable service must to be set to use Traffic Routing";
    if (canary.stable_service.empty())
        findings.invalid("spec.strategy.stableService", canary.stable_service, both);
    if (canary.canary_service.empty())
        findings.invalid("spec.strategy.canaryService", canary.canary_service, both);
}

void check_traffic(const CanaryStrategy& canary, Findings& findings) {
    const auto& delay = canary.scale_down_delay_seconds;
    if (!canary.traffic_routing) {
        if (delay)
            findings.invalid("spec.strategy.scaleDownDelaySeconds", *delay,
                             "Canary scaleDownDelaySeconds can only be used with traffic routing");
        if (canary.dynamic_stable_scale)
            findings.refuse("spec.strategy.dynamicStableScale", "true",
                            "Canary dynamicStableScale can only be used with traffic routing");
        return;
    }
    if (delay && canary.dynamic_stable_scale)
        findings.refuse("spec.strategy.dynamicStableScale", "true",
                        "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds");
    const TrafficRouting& routing = *canary.traffic_routing;
    if (routing.max_traffic_weight && !routing.nginx && routing.plugins.empty())
        findings.invalid("spec.strategy.trafficRouting.maxTrafficWeight",
                         *routing.max_traffic_weight,
                         "Canary maxTrafficWeight in traffic routing only supported in Nginx and "
                         "Plugins");
}

// One step, as far as it can be wrong.
struct StepRules {
    const CanaryStrategy& canary;
    std::string path;
    Findings& findings;

    [[nodiscard]] const TrafficRouting* routing() const {
        return canary.traffic_routing ? &*canary.traffic_routing : nullptr;
    }

    void managed(const std::string& kind, const std::string& name) const {
        if (!routing()) return;
        if (routing()->managed_routes.empty())
            findings.required("spec.strategy.trafficRouting.managedRoutes",
                              "Rollout has missing field "
                              "'spec.strategy.canary.trafficRouting.managedRoutes'");
        else if (!has(routing()->managed_routes, name))
            findings.invalid(concat(path, ".", kind), name,
                             "Steps define a route that does not exist in "
                             "spec.strategy.canary.trafficRouting.managedRoutes");
    }

    void one_match(const StringMatch& match, const std::string& at) const {
        const int set = !match.exact.empty() + !match.prefix.empty() + !match.regex.empty();
        if (set > 1)
            findings.refuse(at, "{}",
                            "StringMatch match value must have exactly one of the following: "
                            "exact, regex, prefix");
        if (set == 0)
            findings.refuse(at, "{}",
                            "StringMatch value missed, match value must have one of the "
                            "following: exact, regex, prefix");
    }

    void operator()(const SetWeightStep& step) const {
        const long max = routing() ? routing()->max_traffic_weight.value_or(100) : 100;
        if (step.weight < 0 || step.weight > max)
            findings.invalid(concat(path, ".setWeight"), step.weight,
                             concat("SetWeight needs to be between 0 and ", max));
    }
    void operator()(const PauseStep& step) const {
        if (step.duration && *step.duration < Duration{0})
            findings.invalid(concat(path, ".pause.duration"),
                             *step.duration / std::chrono::seconds{1},
                             "Duration needs to be greater than 0");
    }
    void operator()(const SetCanaryScaleStep&) const {
        if (!routing())
            findings.required("spec.strategy.trafficRouting",
                              "SetCanaryScale requires TrafficRouting to be set");
    }
    void operator()(const SetHeaderRouteStep& step) const {
        const bool able =
            routing() && (routing()->istio || has(routing()->others, "alb") ||
                          has(routing()->others, "apisix") || !routing()->plugins.empty());
        if (!able)
            findings.invalid(concat(path, ".setHeaderRoute"), step.name,
                             "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and "
                             "Apisix");
        for (size_t i = 0; able && i < step.match.size(); ++i)
            one_match(step.match[i].header_value, concat(path, ".setHeaderRoute.match[", i, "]"));
        managed("setHeaderRoute", step.name);
    }
    void operator()(const SetMirrorRouteStep& step) const {
        if (!routing() || (!routing()->istio && routing()->plugins.empty()))
            findings.invalid(concat(path, ".setMirrorRoute"), step.name,
                             "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins");
        for (size_t i = 0; i < step.match.size(); ++i) {
            const std::string at = concat(path, ".setMirrorRoute.match[", i, "]");
            if (step.match[i].method) one_match(*step.match[i].method, at);
            if (step.match[i].path) one_match(*step.match[i].path, at);
        }
        managed("setMirrorRoute", step.name);
    }
    void operator()(const ExperimentStep& step) const {
        if (step.any_weight && !routing())
            findings.required(concat(path, ".experiment.templates"),
                              "Experiment template weight cannot be set unless TrafficRouting is "
                              "enabled");
    }
    void operator()(const AnalysisStep& step) const {
        for (const auto& argument : step.analysis.args) check_argument(argument);
    }
    void operator()(const PluginStep&) const {}
    void operator()(const CombinedStep&) const {}
    void operator()(const MalformedStep& step) const {
        findings.invalid(path, join(step.kinds, ", "),
                         "Step must have one of the following set: experiment, setWeight, "
                         "setCanaryScale, plugin or pause");
    }

    // metadata.* must be what the downward API offers of any object.
    void check_argument(const AnalysisArgument& argument) const {
        const std::string& field = argument.field_path;
        if (!field.starts_with("metadata")) return;
        const bool known =
            field == "metadata.name" || field == "metadata.namespace" || field == "metadata.uid" ||
            field == "metadata.labels" || field == "metadata.annotations" ||
            field.starts_with("metadata.labels['") || field.starts_with("metadata.annotations['");
        if (!known)
            findings.invalid(concat(path, ".analyses"), field,
                             "Analyses arguments must refer to valid object metadata supported by "
                             "downwardAPI");
    }
};

void check_canary(const CanaryStrategy& canary, Findings& findings) {
    if (fencepost(canary.max_surge) == 0 && fencepost(canary.max_unavailable) == 0)
        findings.refuse("spec.strategy.maxSurge",
                        canary.max_surge->number ? std::to_string(*canary.max_surge->number)
                                                 : go_text(canary.max_surge->text),
                        "MaxSurge and MaxUnavailable both can not be zero");
    check_services(canary, findings);
    check_traffic(canary, findings);
    for (size_t i = 0; i < canary.steps.size(); ++i)
        std::visit(StepRules{canary, concat("spec.strategy.steps[", i, "]"), findings},
                   canary.steps[i]);
    check_anti_affinity(canary.anti_affinity, "spec.strategy.antiAffinity", findings);
}

void check_strategy(const RolloutSpec& spec, Findings& findings) {
    if (!spec.canary && !spec.blue_green)
        findings.required("spec.strategy.strategy",
                          "Rollout has missing field '.spec.strategy.canary or "
                          ".spec.strategy.blueGreen'");
    else if (spec.canary && spec.blue_green)
        findings.invalid("spec.strategy.strategy", std::string("blueGreen: true canary: true"),
                         "Multiple Strategies can not be listed");
    else if (spec.blue_green)
        check_blue_green(spec, findings);
    else
        check_canary(*spec.canary, findings);
}

}  // namespace rollout_rules

std::vector<Problem> validate(const Rollout& rollout) {
    using namespace rollout_rules;
    Findings findings;
    findings.not_negative("spec.replicas", rollout.spec.replicas.value_or(1));
    check_selector(rollout.spec, findings);
    check_template(rollout, findings);
    check_numbers(rollout.spec, findings);
    check_strategy(rollout.spec, findings);
    return findings.take();
}

std::vector<std::string> refusals(const Rollout& rollout) {
    std::vector<std::string> texts;
    for (const auto& problem : rollout.problems)
        if (!problem.unknown_field) texts.push_back(to_text(problem));
    for (const auto& problem : validate(rollout)) texts.push_back(to_text(problem));
    return texts;
}

}  // namespace sluice::crds
