// SPDX-License-Identifier: Apache-2.0
// status.duration: how long the attempt under way, or the last one, took (argo-rollouts.md 2.10).
#pragma once

#include <optional>
#include <string>

#include "base/field.hpp"
#include "base/time.hpp"

namespace sluice::crds {

namespace completion {
inline constexpr const char* promoted = "Promoted";
inline constexpr const char* fast_promoted = "FastPromoted";
inline constexpr const char* aborted = "Aborted";
inline constexpr const char* superseded =
    "Superseded";  // in metrics alone: the next begins at once
inline constexpr const char* rolled_back = "RolledBack";
inline constexpr const char* fast_rolled_back = "FastRolledBack";
}  // namespace completion

struct RolloutDuration {
    std::optional<TimePoint> started;
    std::optional<TimePoint> manual_pause_started;  // while it waits for a person
    std::optional<long> manual_pause_seconds;       // of the waits that are over
    std::optional<TimePoint> finished;
    std::string completion;  // known before it has finished, or empty
    [[nodiscard]] bool completed() const { return started && finished; }
    bool operator==(const RolloutDuration&) const = default;
};

std::optional<RolloutDuration> decode_duration(const Field& field);
Json encode_duration(const RolloutDuration& duration);

}  // namespace sluice::crds
