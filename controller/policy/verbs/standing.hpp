// SPDX-License-Identifier: Apache-2.0
// How a Rollout stands, as a client tells it: status.phase is the controller's last word, and it
// may not have seen yet what the user just did (argo-rollouts.md 1.14).
#pragma once

#include <string>

#include "base/json_value.hpp"

namespace sluice::policy::verbs {

struct Standing {
    std::string phase;  // Healthy, Degraded, Progressing, Paused
    std::string message;
    bool operator==(const Standing&) const = default;
};

Standing standing_of(const Json& rollout);
// "Paused - CanaryPauseStep", "Healthy".
std::string to_text(const Standing& standing);

}  // namespace sluice::policy::verbs
