// SPDX-License-Identifier: Apache-2.0
// The one way in which a pass becomes a status: counters, pauses, conditions, phase, in this order
// (argo-rollouts.md 1.14, 2.6).
#pragma once

#include <string>
#include <utility>

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Completes pass.decision.status and the events that follow from its change.
void finish(Pass& pass);

// Phase and message of a status whose conditions are complete.
std::pair<std::string, std::string> phase_of(const crds::RolloutSpec& spec,
                                             const crds::RolloutStatus& status);

}  // namespace sluice::policy::rollout
