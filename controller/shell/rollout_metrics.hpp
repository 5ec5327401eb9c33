// SPDX-License-Identifier: Apache-2.0
// Upstream's per-Rollout series (argo-rollouts.md 1.12), written straight into the scrape from the
// caches: nothing is kept for them, and they are gone with the object (DESIGN D9).
#pragma once

#include <string>

#include "controller/shell/world.hpp"

namespace sluice::shell {

// Prometheus text format, version 0.0.4.
std::string rollout_metrics(const World& world);

}  // namespace sluice::shell
