// SPDX-License-Identifier: Apache-2.0
// Series about single objects (argo-rollouts.md 1.12), written straight into the scrape from the
// caches: nothing is kept for them, and they are gone with the object (DESIGN D9).
#pragma once

#include <string>

#include "base/metrics.hpp"
#include "crds/rollout.hpp"
#include "platform/kube/row_store.hpp"

namespace sluice::shell {

// What the series of one Rollout say; kept apart from the rest of it, so that a scrape of 10,000
// decodes none.
struct RolloutFigures {
    std::string ns, name;
    std::string phase, strategy, router;  // label values
    long desired = 1;
    long replicas = 0;
    long available = 0;
    long updated = 0;
    bool operator==(const RolloutFigures&) const = default;
};
RolloutFigures figures_of(const crds::Rollout& rollout);

// Stores that hold them as Caches does.
struct ToldStores {
    const kube::RowStore& rollouts;
    const kube::RowStore& runs;
    const kube::RowStore& deliveries;
};

void write_object_metrics(MetricText& text, const ToldStores& objects);

}  // namespace sluice::shell
