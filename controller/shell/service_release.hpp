// SPDX-License-Identifier: Apache-2.0
// Services that were pointed at the pods of a Rollout which no longer uses them, or is gone: they
// lose the hash from their selector and the annotation that says whose they are, so that they
// select what their owner wrote (argo-rollouts.md 2.13).
#pragma once

#include <string>
#include <vector>

#include "controller/shell/world.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// By the caches: those that say they are the Rollout's, and are not. `key` is the Rollout's; null
// where it is gone.
std::vector<std::string> services_owed(const World& world, const std::string& key,
                                       const crds::Rollout* rollout);

// Gives them back. Asks the server first whether the Rollout is truly gone (unlike upstream, which
// takes any failure to read it for that).
Result<void> release_services(const kube::Client& client, const std::string& key,
                              const std::vector<std::string>& services, Log& log);

}  // namespace sluice::shell
