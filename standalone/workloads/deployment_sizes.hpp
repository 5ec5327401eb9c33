// SPDX-License-Identifier: Apache-2.0
// How many pods each ReplicaSet of a Deployment may have next: the arithmetic alone, pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "standalone/workloads/deployment.hpp"

namespace sluice::standalone::workloads {

// A Deployment's ReplicaSets; `current` has the template that is asked for, null: not made yet.
struct DeployedSets {
    const ReplicaSetView* current = nullptr;
    std::vector<const ReplicaSetView*> old;  // oldest first

    [[nodiscard]] std::vector<const ReplicaSetView*> all() const;
};

using Sizes = std::map<std::string, long>;  // of ReplicaSets whose size is to change, by name

// The size of the new ReplicaSet in a rolling update, as far as maxSurge lets it grow.
long rolling_size(const DeploymentView& deployment, const DeployedSets& sets);
// Which old ReplicaSets shrink, and to what: first pods that are not available, then as many as
// minimum availability allows.
Sizes shrink_old_sets(const DeploymentView& deployment, const DeployedSets& sets);
// After a change of spec.replicas: every ReplicaSet in proportion to its size.
Sizes proportional_sizes(const DeploymentView& deployment, const DeployedSets& sets);

}  // namespace sluice::standalone::workloads
