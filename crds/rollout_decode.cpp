// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/pod_template.hpp"
#include "crds/rollout.hpp"

namespace sluice::crds {
namespace rollout_decode {

std::optional<LabelSelector> label_selector(const Field& field) {
    if (!field.present()) return std::nullopt;
    LabelSelector selector{.match_labels = field.at("matchLabels").text_map()};
    for (const auto& rule : field.at("matchExpressions").items()) {
        SelectorRequirement requirement{.key = rule.at("key").required_text(),
                                        .op = rule.at("operator").required_text()};
        for (const auto& value : rule.at("values").items())
            requirement.values.push_back(value.text().value_or(""));
        selector.match_expressions.push_back(std::move(requirement));
    }
    return selector;
}

AnalysisArgument argument(const Field& field) {
    const Field from = field.at("valueFrom");
    return {.name = field.at("name").required_text(),
            .value = field.at("value").text(),
            .pod_template_hash_value = from.at("podTemplateHashValue").text().value_or(""),
            .field_path = from.at("fieldRef").at("fieldPath").text().value_or("")};
}

RolloutAnalysis analysis(const Field& field) {
    RolloutAnalysis decoded;
    for (const auto& item : field.at("templates").items())
        decoded.templates.push_back({item.at("templateName").required_text(),
                                     item.at("clusterScope").boolean().value_or(false)});
    for (const auto& item : field.at("args").items()) decoded.args.push_back(argument(item));
    for (const auto& item : field.at("dryRun").items())
        decoded.dry_run.push_back(item.at("metricName").required_text());
    for (const auto& item : field.at("measurementRetention").items())
        decoded.measurement_retention.push_back(
            {item.at("metricName").required_text(), item.at("limit").integer().value_or(0)});
    const Field metadata = field.at("analysisRunMetadata");
    decoded.run_labels = metadata.at("labels").text_map();
    decoded.run_annotations = metadata.at("annotations").text_map();
    return decoded;
}

std::optional<RolloutAnalysis> optional_analysis(const Field& field) {
    if (!field.present()) return std::nullopt;
    return analysis(field);
}

// Seconds as a number, as digits, or a Go duration. What is none of them is negative, which
// validation refuses in upstream's words.
Duration pause_duration(const IntOrString& written) {
    if (written.number) return std::chrono::seconds{*written.number};
    if (const auto digits = parse_integer(written.text)) return std::chrono::seconds{*digits};
    const auto parsed = parse_duration(written.text);
    return parsed.ok() ? *parsed : Duration{-1000};
}

PauseStep pause(const Field& field) {
    const auto written = field.at("duration").int_or_string();
    if (!written) return {};
    return {.duration = pause_duration(*written),
            .text = written->number ? std::to_string(*written->number) : written->text};
}

SetCanaryScaleStep canary_scale(const Field& field) {
    return {.weight = field.at("weight").integer(),
            .replicas = field.at("replicas").integer(),
            .match_traffic_weight = field.at("matchTrafficWeight").boolean().value_or(false)};
}

StringMatch string_match(const Field& field) {
    return {.exact = field.at("exact").text().value_or(""),
            .prefix = field.at("prefix").text().value_or(""),
            .regex = field.at("regex").text().value_or("")};
}

SetHeaderRouteStep header_route(const Field& field) {
    SetHeaderRouteStep step{.name = field.at("name").text().value_or("")};
    for (const auto& item : field.at("match").items())
        step.match.push_back(
            {item.at("headerName").text().value_or(""), string_match(item.at("headerValue"))});
    return step;
}

std::optional<StringMatch> optional_match(const Field& field) {
    if (!field.present()) return std::nullopt;
    return string_match(field);
}

SetMirrorRouteStep mirror_route(const Field& field) {
    SetMirrorRouteStep step{.name = field.at("name").text().value_or(""),
                            .percentage = field.at("percentage").integer()};
    for (const auto& item : field.at("match").items()) {
        RouteMatch match{optional_match(item.at("method")), optional_match(item.at("path"))};
        for (const auto& [name, value] : item.at("headers").entries())
            match.headers[name] = string_match(value);
        step.match.push_back(std::move(match));
    }
    return step;
}

ExperimentStep experiment(const Field& field) {
    const Json& document = field.document();
    ExperimentStep step;
    const Json* templates = find(document, {"templates"});
    if (!templates || !templates->is_array()) return step;
    for (const auto& item : *templates) {
        step.template_names.push_back(text_at(item, {"name"}));
        step.any_weight = step.any_weight || find(item, {"weight"}) != nullptr;
    }
    return step;
}

PluginStep plugin(const Field& field) {
    static_cast<void>(field.at("config").document());
    return {.name = field.at("name").required_text()};
}

constexpr std::array step_kinds{"setWeight",      "pause",          "experiment",     "analysis",
                                "setCanaryScale", "setHeaderRoute", "setMirrorRoute", "plugin"};

CanaryStep one_step(const Field& field, std::string_view kind) {
    const Field inner = field.at(kind);
    if (kind == "setWeight") return SetWeightStep{inner.integer().value_or(0)};
    if (kind == "pause") return pause(inner);
    if (kind == "experiment") return experiment(inner);
    if (kind == "analysis") return AnalysisStep{analysis(inner)};
    if (kind == "setCanaryScale") return canary_scale(inner);
    if (kind == "setHeaderRoute") return header_route(inner);
    if (kind == "setMirrorRoute") return mirror_route(inner);
    return plugin(inner);
}

CanaryStep step(const Field& field) {
    if (field.describes())
        for (const char* kind : step_kinds) static_cast<void>(one_step(field, kind));
    if (field.describes()) return MalformedStep{};
    std::vector<std::string> present;
    for (const char* kind : step_kinds)
        if (field.at(kind).present()) present.emplace_back(kind);
    if (present.size() != 1) {
        static_cast<void>(field.document());
        const auto exclusive = std::count_if(present.begin(), present.end(), [](const auto& kind) {
            return kind == "setWeight" || kind == "pause" || kind == "experiment" ||
                   kind == "analysis";
        });
        if (present.empty() || exclusive > 1) return MalformedStep{std::move(present)};
        return CombinedStep{std::move(present)};
    }
    return one_step(field, present.front());
}

NginxConfig nginx(const Field& field) {
    NginxConfig config;
    const Field one = field.at("stableIngress");
    const Field several = field.at("stableIngresses");
    if (one.present() == several.present())
        field.complain(
            concat("Internal error: Either stableIngress or stableIngresses must be configured. ",
                   one.present() ? "Both" : "Neither", " are configured."));
    if (one.present()) config.stable_ingresses.push_back(one.text().value_or(""));
    for (const auto& item : several.items())
        config.stable_ingresses.push_back(item.text().value_or(""));
    if (const auto prefix = field.at("annotationPrefix").text()) config.annotation_prefix = *prefix;
    config.additional_ingress_annotations = field.at("additionalIngressAnnotations").text_map();
    config.canary_ingress_annotations = field.at("canaryIngressAnnotations").text_map();
    return config;
}

IstioVirtualService virtual_service(const Field& field) {
    IstioVirtualService decoded{.name = field.at("name").required_text()};
    for (const auto& route : field.at("routes").items())
        decoded.routes.push_back(route.text().value_or(""));
    for (const auto& route : field.at("tlsRoutes").items()) {
        IstioTlsRoute tls{.port = route.at("port").integer().value_or(0)};
        for (const auto& host : route.at("sniHosts").items())
            tls.sni_hosts.push_back(host.text().value_or(""));
        decoded.tls_routes.push_back(std::move(tls));
    }
    for (const auto& route : field.at("tcpRoutes").items())
        decoded.tcp_routes.push_back({route.at("port").integer().value_or(0)});
    return decoded;
}

IstioConfig istio(const Field& field) {
    IstioConfig config;
    const Field one = field.at("virtualService");
    const auto several = field.at("virtualServices").items();
    if (one.present() != several.empty())
        field.complain(
            "Internal error: either VirtualService or VirtualServices must be configured");
    if (one.present()) config.virtual_services.push_back(virtual_service(one));
    for (const auto& item : several) config.virtual_services.push_back(virtual_service(item));
    const Field rule = field.at("destinationRule");
    if (!rule.present()) return config;
    static_cast<void>(rule.at("additionalSubsetNames").document());
    config.destination_rule =
        IstioDestinationRule{.name = rule.at("name").required_text(),
                             .canary_subset_name = rule.at("canarySubsetName").required_text(),
                             .stable_subset_name = rule.at("stableSubsetName").required_text()};
    return config;
}

constexpr std::array other_routers{"alb", "smi", "ambassador", "appMesh", "traefik", "apisix"};

std::optional<TrafficRouting> traffic_routing(const Field& field) {
    if (!field.present()) return std::nullopt;
    TrafficRouting routing;
    if (field.at("nginx").present()) routing.nginx = nginx(field.at("nginx"));
    if (field.at("istio").present()) routing.istio = istio(field.at("istio"));
    for (const char* name : other_routers) {
        if (!field.at(name).present()) continue;
        static_cast<void>(field.at(name).document());
        routing.others.emplace_back(name);
    }
    for (const auto& [name, config] : field.at("plugins").entries()) {
        static_cast<void>(config.document());
        routing.plugins.push_back(name);
    }
    for (const auto& route : field.at("managedRoutes").items())
        routing.managed_routes.push_back(route.at("name").required_text());
    routing.max_traffic_weight = field.at("maxTrafficWeight").integer();
    return routing;
}

std::optional<PodAntiAffinity> anti_affinity(const Field& field) {
    if (!field.present()) return std::nullopt;
    const Field preferred = field.at("preferredDuringSchedulingIgnoredDuringExecution");
    const Field required = field.at("requiredDuringSchedulingIgnoredDuringExecution");
    return PodAntiAffinity{.preferred = preferred.present(),
                           .required = required.present(),
                           .weight = preferred.at("weight").integer().value_or(0)};
}

PodMetadata pod_metadata(const Field& field) {
    return {field.at("labels").text_map(), field.at("annotations").text_map()};
}

std::optional<ProgressThreshold> progress_threshold(const Field& field) {
    if (!field.present()) return std::nullopt;
    return ProgressThreshold{.percent = field.at("type").required_text() == "Percent",
                             .value = field.at("value").integer().value_or(0)};
}

std::optional<BackgroundAnalysis> background(const Field& field) {
    if (!field.present()) return std::nullopt;
    return BackgroundAnalysis{analysis(field), field.at("startingStep").integer()};
}

std::optional<CanaryStrategy> canary(const Field& field) {
    if (!field.present()) return std::nullopt;
    CanaryStrategy decoded{
        .canary_service = field.at("canaryService").text().value_or(""),
        .stable_service = field.at("stableService").text().value_or(""),
        .traffic_routing = traffic_routing(field.at("trafficRouting")),
        .max_surge = field.at("maxSurge").int_or_string(),
        .max_unavailable = field.at("maxUnavailable").int_or_string(),
        .analysis = background(field.at("analysis")),
        .anti_affinity = anti_affinity(field.at("antiAffinity")),
        .canary_metadata = pod_metadata(field.at("canaryMetadata")),
        .stable_metadata = pod_metadata(field.at("stableMetadata")),
        .scale_down_delay_seconds = field.at("scaleDownDelaySeconds").integer(),
        .scale_down_delay_revision_limit = field.at("scaleDownDelayRevisionLimit").integer(),
        .abort_scale_down_delay_seconds = field.at("abortScaleDownDelaySeconds").integer(),
        .dynamic_stable_scale = field.at("dynamicStableScale").boolean().value_or(false),
        .ping_pong = field.at("pingPong").present(),
        .ping_service = field.at("pingPong").at("pingService").text().value_or(""),
        .pong_service = field.at("pingPong").at("pongService").text().value_or(""),
        .min_pods_per_replica_set = field.at("minPodsPerReplicaSet").integer(),
        .replica_progress_threshold = progress_threshold(field.at("replicaProgressThreshold"))};
    for (const auto& item : field.at("steps").items()) decoded.steps.push_back(step(item));
    return decoded;
}

std::optional<BlueGreenStrategy> blue_green(const Field& field) {
    if (!field.present()) return std::nullopt;
    return BlueGreenStrategy{
        .active_service = field.at("activeService").text().value_or(""),
        .preview_service = field.at("previewService").text().value_or(""),
        .preview_replica_count = field.at("previewReplicaCount").integer(),
        .auto_promotion_enabled = field.at("autoPromotionEnabled").boolean().value_or(true),
        .auto_promotion_seconds = field.at("autoPromotionSeconds").integer().value_or(0),
        .max_unavailable = field.at("maxUnavailable").int_or_string(),
        .scale_down_delay_seconds = field.at("scaleDownDelaySeconds").integer(),
        .scale_down_delay_revision_limit = field.at("scaleDownDelayRevisionLimit").integer(),
        .abort_scale_down_delay_seconds = field.at("abortScaleDownDelaySeconds").integer(),
        .pre_promotion_analysis = optional_analysis(field.at("prePromotionAnalysis")),
        .post_promotion_analysis = optional_analysis(field.at("postPromotionAnalysis")),
        .anti_affinity = anti_affinity(field.at("antiAffinity")),
        .preview_metadata = pod_metadata(field.at("previewMetadata")),
        .active_metadata = pod_metadata(field.at("activeMetadata"))};
}

std::optional<WorkloadRef> workload_ref(const Field& field) {
    if (!field.present()) return std::nullopt;
    return WorkloadRef{.api_version = field.at("apiVersion").text().value_or(""),
                       .kind = field.at("kind").text().value_or(""),
                       .name = field.at("name").text().value_or(""),
                       .scale_down = field.at("scaleDown").text().value_or("")};
}

// As the status can hold it.
std::optional<TimePoint> whole_seconds(std::optional<TimePoint> time) {
    if (time) time = std::chrono::floor<std::chrono::seconds>(*time);
    return time;
}

RolloutSpec spec(const Field& field) {
    const Field analysis = field.at("analysis");
    return {
        .replicas = field.at("replicas").integer(),
        .selector = label_selector(field.at("selector")),
        .has_template = field.at("template").present(),
        .workload_ref = workload_ref(field.at("workloadRef")),
        .min_ready_seconds = field.at("minReadySeconds").integer().value_or(0),
        .rollback_window_revisions = field.at("rollbackWindow").at("revisions").integer(),
        .canary = canary(field.at("strategy").at("canary")),
        .blue_green = blue_green(field.at("strategy").at("blueGreen")),
        .revision_history_limit = field.at("revisionHistoryLimit").integer().value_or(10),
        .paused = field.at("paused").boolean().value_or(false),
        .progress_deadline_seconds = field.at("progressDeadlineSeconds").integer().value_or(600),
        .progress_deadline_abort = field.at("progressDeadlineAbort").boolean().value_or(false),
        .restart_at = whole_seconds(field.at("restartAt").time()),
        .successful_run_history_limit =
            analysis.at("successfulRunHistoryLimit").integer().value_or(5),
        .unsuccessful_run_history_limit =
            analysis.at("unsuccessfulRunHistoryLimit").integer().value_or(5)};
}

PodTemplateFacts pod_template(const Field& field, std::optional<long> collision_count) {
    const Json& document = field.document();
    const Json* containers = find(document, {"spec", "containers"});
    return {.hash = pod_template_hash(document, collision_count),
            .digest = template_digest(document),
            .labels = field.at("metadata").at("labels").text_map(),
            .containers =
                containers && containers->is_array() ? static_cast<long>(containers->size()) : 0};
}

}  // namespace rollout_decode

Rollout decode_rollout(const Json& document) {
    Rollout rollout;
    const Field root(document, rollout.problems);
    static_cast<void>(root.at("apiVersion"));
    static_cast<void>(root.at("kind"));
    rollout.metadata = decode_metadata(root.at("metadata"));
    rollout.spec = rollout_decode::spec(root.at("spec"));
    rollout.status = decode_status(root.at("status"));
    rollout.pod_template = rollout_decode::pod_template(root.at("spec").at("template"),
                                                        rollout.status.collision_count);
    if (rollout.spec.canary && !rollout.spec.blue_green)
        rollout.step_hash =
            step_hash(root.at("spec").at("strategy").at("canary").at("steps").peek());
    report_unknown(root);
    return rollout;
}

void describe_rollout(const Field& root) {
    const Field spec = root.at("spec");
    static_cast<void>(spec.at("template").document());
    static_cast<void>(rollout_decode::spec(spec));
    static_cast<void>(decode_status(root.at("status")));
}

}  // namespace sluice::crds
