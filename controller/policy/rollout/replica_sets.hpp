// SPDX-License-Identifier: Apache-2.0
// ReplicaSets: making the new one, revisions, sizes, deadlines, clean-up
// (argo-rollouts.md 1.17, 2.3).
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

void adopt_orphans(Pass& pass);
// The declared template has no ReplicaSet yet.
void create_replica_set(Pass& pass);
// Revision number, copied annotations and minReadySeconds of the new ReplicaSet.
void sync_revision(Pass& pass);
// Old ReplicaSets beyond revisionHistoryLimit, with their analysis runs.
void clean_up_history(Pass& pass);
// Sizes of stable, new and other ReplicaSets, and their scale-down deadlines.
void reconcile_sizes(Pass& pass);

}  // namespace sluice::policy::rollout
