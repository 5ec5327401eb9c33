// SPDX-License-Identifier: Apache-2.0
// Where requests go: the weight that the state of affairs allows, and the Services behind it
// (argo-rollouts.md 2.3, 2.4). Users first: these actions stand before all others.
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Records the weights that were seen, and asks for those that should be.
void reconcile_traffic(Pass& pass);
// Points the stable and the canary Service at their ReplicaSets.
void reconcile_services(Pass& pass);

// Both, where the declared version has no ReplicaSet yet: whoever is on another goes back to
// stable.
void lead_users_home(Pass& pass);

// The weight that the steps ask for now, before any care for readiness.
long desired_weight(const Pass& pass);
// Some route still sends users to a version that is neither the declared nor the stable one.
bool another_is_served(const Pass& pass);
// Every route object carries this weight; 0 is that none carries more.
bool weight_in_force(const Pass& pass, long weight);

}  // namespace sluice::policy::rollout
