// SPDX-License-Identifier: Apache-2.0
// The parts of decide(): a Delivery's phase and steps as its Rollout moves on, and the operations
// that follow from them.
#pragma once

#include "controller/policy/delivery/decide.hpp"

namespace sluice::policy::delivery {

// The status that follows from what the Rollout shows. `newest`: no newer Delivery exists.
crds::DeliveryStatus track(const Observation& seen, const crds::Delivery& delivery, bool newest,
                           TimePoint now);

struct Settled {
    crds::DeliveryStatus status;
    std::optional<Duration> look_again;
};
// Completes the evidence of what has ended and appends the operations that Git is owed for it.
// `all` are the Rollout's Deliveries, oldest first.
Settled settle(const Observation& seen, const crds::Delivery& delivery,
               const std::vector<crds::Delivery>& all, const Identity& who, TimePoint now);

// The newest promoted Delivery older than `number`; nothing where there is none.
const crds::Delivery* last_promoted(const std::vector<crds::Delivery>& all, long number);

}  // namespace sluice::policy::delivery
