// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/rollout.hpp"

namespace sluice::crds {
namespace rollout_status {

constexpr std::pair<PauseReason, const char*> pause_reasons[] = {
    {PauseReason::CanaryPauseStep, "CanaryPauseStep"},
    {PauseReason::BlueGreenPause, "BlueGreenPause"},
    {PauseReason::InconclusiveAnalysisRun, "InconclusiveAnalysisRun"},
    {PauseReason::InconclusiveExperiment, "InconclusiveExperiment"},
};

PauseReason pause_reason(const Field& field) {
    const std::string text = field.required_text();
    for (const auto& [reason, name] : pause_reasons)
        if (text == name) return reason;
    field.complain(concat("unknown pause reason \"", text, "\""));
    return PauseReason::CanaryPauseStep;
}

ConditionStatus condition_status(const Field& field) {
    const std::string text = field.required_text();
    if (text == "True") return ConditionStatus::True;
    return text == "False" ? ConditionStatus::False : ConditionStatus::Unknown;
}

Condition condition(const Field& field) {
    return {.type = field.at("type").required_text(),
            .status = condition_status(field.at("status")),
            .reason = field.at("reason").text().value_or(""),
            .message = field.at("message").text().value_or(""),
            .last_update_time = field.at("lastUpdateTime").time().value_or(TimePoint{}),
            .last_transition_time = field.at("lastTransitionTime").time().value_or(TimePoint{})};
}

std::optional<RunStatus> run_status(const Field& field) {
    if (!field.present()) return std::nullopt;
    return RunStatus{.name = field.at("name").text().value_or(""),
                     .status = field.at("status").text().value_or(""),
                     .message = field.at("message").text().value_or("")};
}

WeightDestination destination(const Field& field) {
    return {.weight = field.at("weight").integer().value_or(0),
            .service_name = field.at("serviceName").text().value_or(""),
            .pod_template_hash = field.at("podTemplateHash").text().value_or("")};
}

std::optional<TrafficWeights> weights(const Field& field) {
    if (!field.present()) return std::nullopt;
    TrafficWeights decoded{.canary = destination(field.at("canary")),
                           .stable = destination(field.at("stable")),
                           .verified = field.at("verified").boolean()};
    for (const auto& item : field.at("additional").items())
        decoded.additional.push_back(destination(item));
    return decoded;
}

CanaryStatus canary(const Field& field) {
    return {.current_step_analysis_run = run_status(field.at("currentStepAnalysisRunStatus")),
            .current_background_analysis_run =
                run_status(field.at("currentBackgroundAnalysisRunStatus")),
            .current_experiment = field.at("currentExperiment").text().value_or(""),
            .weights = weights(field.at("weights")),
            .stable_ping_pong = field.at("stablePingPong").text().value_or("")};
}

BlueGreenStatus blue_green(const Field& field) {
    return {.preview_selector = field.at("previewSelector").text().value_or(""),
            .active_selector = field.at("activeSelector").text().value_or(""),
            .scale_up_preview_check_point =
                field.at("scaleUpPreviewCheckPoint").boolean().value_or(false),
            .pre_promotion_analysis_run = run_status(field.at("prePromotionAnalysisRunStatus")),
            .post_promotion_analysis_run = run_status(field.at("postPromotionAnalysisRunStatus"))};
}

// Go's omitempty: what is zero is not written, so that patches look as upstream's do.
void put(Json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}
void put(Json& object, const char* key, long value) {
    if (value != 0) object[key] = value;
}
void put_flag(Json& object, const char* key, bool value) {
    if (value) object[key] = true;
}
void put_time(Json& object, const char* key, const std::optional<TimePoint>& value) {
    if (value) object[key] = format_rfc3339(*value);
}

Json encode(const Condition& value) {
    return {{"type", value.type},
            {"status", to_text(value.status)},
            {"lastUpdateTime", format_rfc3339(value.last_update_time)},
            {"lastTransitionTime", format_rfc3339(value.last_transition_time)},
            {"reason", value.reason},
            {"message", value.message}};
}

void put_run(Json& object, const char* key, const std::optional<RunStatus>& run) {
    if (!run) return;
    object[key] = {{"name", run->name}, {"status", run->status}};
    put(object[key], "message", run->message);
}

Json encode(const WeightDestination& value) {
    Json object{{"weight", value.weight}};
    put(object, "serviceName", value.service_name);
    put(object, "podTemplateHash", value.pod_template_hash);
    return object;
}

Json encode(const TrafficWeights& value) {
    Json object{{"canary", encode(value.canary)}, {"stable", encode(value.stable)}};
    for (const auto& item : value.additional) object["additional"].push_back(encode(item));
    if (value.verified) object["verified"] = *value.verified;
    return object;
}

Json encode(const CanaryStatus& value) {
    Json object = Json::object();
    put_run(object, "currentStepAnalysisRunStatus", value.current_step_analysis_run);
    put_run(object, "currentBackgroundAnalysisRunStatus", value.current_background_analysis_run);
    put(object, "currentExperiment", value.current_experiment);
    if (value.weights) object["weights"] = encode(*value.weights);
    put(object, "stablePingPong", value.stable_ping_pong);
    return object;
}

Json encode(const BlueGreenStatus& value) {
    Json object = Json::object();
    put(object, "previewSelector", value.preview_selector);
    put(object, "activeSelector", value.active_selector);
    put_flag(object, "scaleUpPreviewCheckPoint", value.scale_up_preview_check_point);
    put_run(object, "prePromotionAnalysisRunStatus", value.pre_promotion_analysis_run);
    put_run(object, "postPromotionAnalysisRunStatus", value.post_promotion_analysis_run);
    return object;
}

void put_counters(Json& object, const RolloutStatus& value) {
    put(object, "replicas", value.replicas);
    put(object, "updatedReplicas", value.updated_replicas);
    put(object, "readyReplicas", value.ready_replicas);
    put(object, "availableReplicas", value.available_replicas);
    put(object, "HPAReplicas", value.hpa_replicas);
    if (value.collision_count) object["collisionCount"] = *value.collision_count;
}

void put_lists(Json& object, const RolloutStatus& value) {
    for (const auto& pause : value.pause_conditions)
        object["pauseConditions"].push_back(
            {{"reason", to_text(pause.reason)}, {"startTime", format_rfc3339(pause.start_time)}});
    for (const auto& item : value.conditions) object["conditions"].push_back(encode(item));
}

}  // namespace rollout_status

std::string to_text(PauseReason reason) {
    for (const auto& [known, name] : rollout_status::pause_reasons)
        if (known == reason) return name;
    return {};
}

std::string to_text(ConditionStatus status) {
    switch (status) {
        case ConditionStatus::True: return "True";
        case ConditionStatus::False: return "False";
        case ConditionStatus::Unknown: return "Unknown";
    }
    return {};
}

RolloutStatus decode_status(const Field& field) {
    using namespace rollout_status;
    // Fields of upstream's status that we do not keep are no mistake of anybody's.
    static_cast<void>(field.document());
    RolloutStatus status{
        .abort = field.at("abort").boolean().value_or(false),
        .aborted_at = field.at("abortedAt").time(),
        .controller_pause = field.at("controllerPause").boolean().value_or(false),
        .current_pod_hash = field.at("currentPodHash").text().value_or(""),
        .current_step_hash = field.at("currentStepHash").text().value_or(""),
        .current_step_index = field.at("currentStepIndex").integer(),
        .stable_rs = field.at("stableRS").text().value_or(""),
        .promote_full = field.at("promoteFull").boolean().value_or(false),
        .replicas = field.at("replicas").integer().value_or(0),
        .updated_replicas = field.at("updatedReplicas").integer().value_or(0),
        .ready_replicas = field.at("readyReplicas").integer().value_or(0),
        .available_replicas = field.at("availableReplicas").integer().value_or(0),
        .hpa_replicas = field.at("HPAReplicas").integer().value_or(0),
        .selector = field.at("selector").text().value_or(""),
        .collision_count = field.at("collisionCount").integer(),
        .observed_generation = field.at("observedGeneration").text().value_or(""),
        .workload_observed_generation = field.at("workloadObservedGeneration").text().value_or(""),
        .restarted_at = field.at("restartedAt").time(),
        .phase = field.at("phase").text().value_or(""),
        .message = field.at("message").text().value_or(""),
        .canary = canary(field.at("canary")),
        .blue_green = blue_green(field.at("blueGreen")),
        .duration = decode_duration(field.at("duration"))};
    for (const auto& item : field.at("pauseConditions").items())
        status.pause_conditions.push_back(
            {pause_reason(item.at("reason")), item.at("startTime").time().value_or(TimePoint{})});
    for (const auto& item : field.at("conditions").items())
        status.conditions.push_back(condition(item));
    return status;
}

Json encode_status(const RolloutStatus& value) {
    using namespace rollout_status;
    Json object = Json::object();
    put_flag(object, "abort", value.abort);
    put_time(object, "abortedAt", value.aborted_at);
    put_flag(object, "controllerPause", value.controller_pause);
    put(object, "currentPodHash", value.current_pod_hash);
    put(object, "currentStepHash", value.current_step_hash);
    if (value.current_step_index) object["currentStepIndex"] = *value.current_step_index;
    put(object, "stableRS", value.stable_rs);
    put_flag(object, "promoteFull", value.promote_full);
    put_counters(object, value);
    put(object, "selector", value.selector);
    put(object, "observedGeneration", value.observed_generation);
    put(object, "workloadObservedGeneration", value.workload_observed_generation);
    put_time(object, "restartedAt", value.restarted_at);
    put(object, "phase", value.phase);
    put(object, "message", value.message);
    put_lists(object, value);
    object["canary"] = encode(value.canary);
    object["blueGreen"] = encode(value.blue_green);
    if (value.duration) object["duration"] = encode_duration(*value.duration);
    return object;
}

}  // namespace sluice::crds
