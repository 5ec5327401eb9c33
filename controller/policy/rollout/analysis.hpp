// SPDX-License-Identifier: Apache-2.0
// How analysis runs drive a rollout (argo-rollouts.md 2.8).
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Reads the verdicts of the current runs (pause, abort), starts runs that are due, ends those that
// are not, and deletes old ones. Verdicts count from this pass on, so it comes before traffic.
void reconcile_analysis(Pass& pass);

// The run of the analysis step in force succeeded.
bool step_analysis_succeeded(const Pass& pass);
// A background run is asked for and not there yet: nothing goes on without it.
bool awaits_background_run(const Pass& pass);

}  // namespace sluice::policy::rollout
