// SPDX-License-Identifier: Apache-2.0
// What becomes of a Rollout's Deliveries: which to create, what their status says now, and which
// operations Git is owed (gitops.md 5.5 W0). Nothing here changes the Rollout: it is only watched.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/policy/delivery/record.hpp"
#include "controller/policy/delivery/views.hpp"
#include "crds/delivery.hpp"

namespace sluice::policy::delivery {

struct Observation {
    RolloutView rollout;
    std::optional<SourceView> source;        // the GitSource that declares it
    std::vector<crds::Delivery> deliveries;  // all that name this Rollout, older incarnations' too
    std::vector<RunView> runs;               // of its namespace
};

struct Decision {
    std::vector<crds::Delivery> creates;
    // Deliveries whose source became known: {name, resourceVersion, spec.source}.
    std::vector<crds::Delivery> fills;
    // With their new status; resourceVersion is the one they were decided on (W1's
    // compare-and-swap).
    std::vector<crds::Delivery> updates;
    std::vector<crds::Delivery> deletes;
    std::optional<Duration> look_again;
};

// How long an outcome waits for its evidence, and a Delivery for Git to say where it came from.
inline constexpr Duration evidence_patience = std::chrono::seconds{2};
inline constexpr Duration source_patience = std::chrono::seconds{5};
inline constexpr int reverts_an_hour = 3;
inline constexpr size_t newer_deliveries_kept = 10;

Decision decide(const Observation& seen, const Identity& who, TimePoint now);

// True where users get nothing of that revision any more, as far as the status says.
bool traffic_left(const RolloutView& rollout, std::string_view hash);

}  // namespace sluice::policy::delivery
