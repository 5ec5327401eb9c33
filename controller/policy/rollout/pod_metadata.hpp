// SPDX-License-Identifier: Apache-2.0
// canaryMetadata and stableMetadata: what pods carry for as long as they are canary or stable
// (argo-rollouts.md 2.18); and anti-affinity between the two (1.5).
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// What a ReplicaSet of the declared version is to be born with.
crds::PodMetadata metadata_at_birth(const Pass& pass);
std::optional<crds::AntiAffinity> wanted_anti_affinity(const Pass& pass);
// Templates first, so that pods made meanwhile are right, then pods; what is taken away is
// forgotten only once no pod carries it.
void reconcile_pod_metadata(Pass& pass);

}  // namespace sluice::policy::rollout
