// SPDX-License-Identifier: Apache-2.0
// Series about single objects (argo-rollouts.md 1.12), written straight into the scrape from the
// caches: nothing is kept for them, and they are gone with the object (DESIGN D9).
#pragma once

#include <memory>
#include <vector>

#include "base/metrics.hpp"
#include "crds/analysis.hpp"
#include "crds/delivery.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {

struct ToldObjects {
    std::vector<std::shared_ptr<const crds::Rollout>> rollouts;
    std::vector<std::shared_ptr<const crds::AnalysisRun>> runs;
    std::vector<std::shared_ptr<const crds::Delivery>> deliveries;
};

void write_object_metrics(MetricText& text, const ToldObjects& objects);

}  // namespace sluice::shell
