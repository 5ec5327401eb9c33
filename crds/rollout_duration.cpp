// SPDX-License-Identifier: Apache-2.0
#include "crds/rollout_duration.hpp"

#include <nlohmann/json.hpp>

namespace sluice::crds {

std::optional<RolloutDuration> decode_duration(const Field& field) {
    if (!field.present()) return std::nullopt;
    return RolloutDuration{
        .started = field.at("rolloutStartedAt").time(),
        .manual_pause_started = field.at("manualPauseStartedAt").time(),
        .manual_pause_seconds = field.at("totalManualPauseDurationSeconds").integer(),
        .finished = field.at("finishedAt").time(),
        .completion = field.at("completionStatus").text().value_or("")};
}

Json encode_duration(const RolloutDuration& duration) {
    Json object = Json::object();
    const auto put = [&](const char* key, const std::optional<TimePoint>& time) {
        if (time) object[key] = format_rfc3339(*time);
    };
    put("rolloutStartedAt", duration.started);
    put("manualPauseStartedAt", duration.manual_pause_started);
    if (duration.manual_pause_seconds)
        object["totalManualPauseDurationSeconds"] = *duration.manual_pause_seconds;
    put("finishedAt", duration.finished);
    if (!duration.completion.empty()) object["completionStatus"] = duration.completion;
    return object;
}

}  // namespace sluice::crds
