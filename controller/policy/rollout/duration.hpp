// SPDX-License-Identifier: Apache-2.0
// status.duration (argo-rollouts.md 2.10).
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Once the rest of the status stands. What has ended in this pass is in decision.ended, for
// metrics.
void track_duration(Pass& pass);

}  // namespace sluice::policy::rollout
