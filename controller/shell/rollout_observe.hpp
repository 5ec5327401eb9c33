// SPDX-License-Identifier: Apache-2.0
// From caches to a value: what decide() is told about one Rollout.
#pragma once

#include <memory>
#include <string>

#include "controller/policy/rollout/observation.hpp"
#include "controller/shell/world.hpp"
#include "crds/rollout.hpp"
#include "traffic/router.hpp"

namespace sluice::shell {

// The routers that a Rollout's trafficRouting sets, in the order in which upstream reconciles them.
std::vector<std::unique_ptr<traffic::Router>> routers_of(const crds::Rollout& rollout);

// Whose traffic they move. The hashes are those of the status and of the pod template.
traffic::Target target_of(const crds::Rollout& rollout);

// What the subsets of its DestinationRule select in these documents; empty where nothing.
struct SubsetHashes {
    std::string canary;
    std::string stable;
};
SubsetHashes subsets_of(const crds::Rollout& rollout, const traffic::Documents& documents);

policy::rollout::Observation observe(const World& world, const crds::Rollout& rollout);

}  // namespace sluice::shell
