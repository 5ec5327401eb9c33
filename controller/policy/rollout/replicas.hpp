// SPDX-License-Identifier: Apache-2.0
// How many pods the canary and the stable version shall have (argo-rollouts.md 1.18). Pure
// arithmetic.
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

struct ReplicaCounts {
    long canary = 0;
    long stable = 0;
    bool operator==(const ReplicaCounts&) const = default;
};

// maxSurge (rounded up) and maxUnavailable (rounded down), never both 0.
struct Fenceposts {
    long surge = 0;
    long unavailable = 0;
    bool operator==(const Fenceposts&) const = default;
};
Fenceposts fenceposts(const crds::CanaryStrategy& canary, long replicas);

// The best split of `replicas` (or one more, where surging is allowed) for a weight.
ReplicaCounts approximate_counts(long replicas, long weight, long max_weight, long surge);

// What the sizes should be next. `weights` are those recorded, for dynamicStableScale.
ReplicaCounts wanted_counts(const Pass& pass, const std::optional<crds::TrafficWeights>& weights);

// The last setWeight at or before the step in force: 0 when aborted, the maximum after the last
// step.
long current_set_weight(const Pass& pass);

// Sizes and availability are what the step in force asks for.
bool at_desired_counts(const Pass& pass, const std::optional<crds::TrafficWeights>& weights);

// replicaProgressThreshold; without it: exactly `desired` in spec and available.
bool enough_available(const Pass& pass, const ReplicaSetSeen* set, long desired);

// After an abort: how long the canary stays up. Nothing: for ever (abortScaleDownDelaySeconds: 0).
std::optional<Duration> abort_scale_down_delay(const Pass& pass);

}  // namespace sluice::policy::rollout
