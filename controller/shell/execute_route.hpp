// SPDX-License-Identifier: Apache-2.0
// Moves traffic: the one action that users feel.
#pragma once

#include "controller/policy/rollout/decision.hpp"
#include "controller/shell/rollout_execute.hpp"

namespace sluice::shell {

// Reads the router's objects from the server, asks it what to write and writes that in its order.
// A guard that fails (somebody wrote between) is read again, a few times, before it is stale.
Result<Effect> set_weight(const kube::Client& client, const crds::Rollout& rollout,
                          const policy::rollout::SetWeight& action);

}  // namespace sluice::shell
