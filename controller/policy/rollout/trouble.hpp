// SPDX-License-Identifier: Apache-2.0
// The condition AnalysisTrouble: nothing stops because of an analysis without a sentence that names
// the metric, what was found, since when, and the command that goes on.
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Sets, changes or removes the condition by the runs that the status names. After the abort of this
// pass is known; a verdict that aborted stays said until the update is begun anew.
void tell_analysis_trouble(Pass& pass);

}  // namespace sluice::policy::rollout
