// SPDX-License-Identifier: Apache-2.0
// What a Deployment says of itself: counts and conditions, in the words that `kubectl rollout
// status` and `kubectl wait` read. Pure.
#pragma once

#include "standalone/workloads/deployment_sizes.hpp"

namespace sluice::standalone::workloads {

using Conditions = std::vector<DeploymentCondition>;

// The condition Progressing where somebody paused or resumed the Deployment.
void note_pause(Conditions& conditions, bool paused, TimePoint now);
void note_new_set(Conditions& conditions, const DeploymentView& deployment, const std::string& name,
                  TimePoint now);
void note_found_set(Conditions& conditions, const DeploymentView& deployment,
                    const std::string& name, TimePoint now);

DeploymentStatus next_status(const DeploymentView& deployment, const DeployedSets& sets,
                             Conditions conditions, TimePoint now);
bool is_complete(const DeploymentView& deployment, const DeploymentStatus& status);
// Nothing where no deadline runs.
std::optional<Duration> until_deadline(const DeploymentView& deployment,
                                       const DeploymentStatus& status, TimePoint now);

}  // namespace sluice::standalone::workloads
