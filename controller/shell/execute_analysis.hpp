// SPDX-License-Identifier: Apache-2.0
// Makes AnalysisRuns from the templates that a Rollout names.
#pragma once

#include "controller/policy/rollout/decision.hpp"
#include "controller/shell/rollout_execute.hpp"

namespace sluice::shell {

// Invalid where the templates or their arguments do not make a run: the rollout controller tells
// it and tries again, as upstream does.
Result<Effect> start_analysis(const kube::Client& client, const crds::Rollout& rollout,
                              const policy::rollout::StartAnalysis& action);

}  // namespace sluice::shell
