// SPDX-License-Identifier: Apache-2.0
// spec.restartAt: every pod older than it is replaced, a few at a time (argo-rollouts.md 2.17).
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Evicts what may go now; true where something does. Then sizes must stay as they are until the
// counts show it. Once no older pod is left, status.restartedAt says so.
bool restart_pods(Pass& pass);
// The only canary pod is next: its users go back to stable before it goes.
bool restart_takes_canary(const Pass& pass);

}  // namespace sluice::policy::rollout
