// SPDX-License-Identifier: Apache-2.0
// Upstream's series about single objects (argo-rollouts.md 1.12), written straight into the scrape
// from the caches: nothing is kept for them, and they are gone with the object (DESIGN D9).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/shell/projections.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {

using RolloutPointers = std::vector<std::shared_ptr<const crds::Rollout>>;
using AnalysisRunPointers = std::vector<std::shared_ptr<const AnalysisRunView>>;

// Prometheus text format, version 0.0.4.
std::string object_metrics(const RolloutPointers& rollouts, const AnalysisRunPointers& runs);

}  // namespace sluice::shell
