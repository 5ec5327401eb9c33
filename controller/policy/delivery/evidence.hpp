// SPDX-License-Identifier: Apache-2.0
// What AnalysisRuns said about a weight that users were given, and which measurement ended it.
#pragma once

#include <optional>
#include <vector>

#include "controller/policy/delivery/views.hpp"
#include "crds/delivery.hpp"

namespace sluice::policy::delivery {

// A weight that the steps ask for: from the setWeight step `index` up to before `end`.
struct Level {
    long index = 0;
    long weight = 0;
    long end = 0;
    bool operator==(const Level&) const = default;
};
// Where the Rollout is now. Nothing while there are no steps or nothing is stable yet.
std::optional<Level> level_of(const RolloutView& rollout);
// The level of a step that was entered under these steps.
Level level_from(const RolloutView& rollout, long index);

struct Evidence {
    std::vector<crds::DeliveryCheck> checks;
    bool complete = true;  // false while a run that has ended is still seen running
    bool operator==(const Evidence&) const = default;
};
// What the runs of this attempt measured at that step. `ended` runs (by name) must be seen
// completed.
Evidence evidence_of(const crds::DeliveryStep& step, const Level& level,
                     const crds::Delivery& delivery, const std::vector<RunView>& runs,
                     const std::vector<RunRef>& ended);

// Puts the failed measurement into a cause, where a run shows one. Complete is false while the run
// that the Rollout names as failed is not seen so yet.
bool explain_failure(const RolloutView& rollout, const std::vector<RunView>& runs,
                     crds::DeliveryCause& cause);

}  // namespace sluice::policy::delivery
