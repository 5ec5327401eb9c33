// SPDX-License-Identifier: Apache-2.0
// Performs the actions of a decision, one by one. Each is safe to repeat and checks what it was
// decided on against the API server, never against a cache.
#pragma once

#include "controller/policy/rollout/decision.hpp"
#include "crds/rollout.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

enum class Effect {
    Changed,  // something was written
    Done,     // it already was so
    Stale,    // the world is not as it was when this was decided: drop the pass, observe again
};

// Errors are the client's: the pass ends, the key comes back after its back-off.
Result<Effect> execute(const kube::Client& client, const crds::Rollout& rollout,
                       const policy::rollout::Action& action);

}  // namespace sluice::shell
