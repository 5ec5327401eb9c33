// SPDX-License-Identifier: Apache-2.0
// A wait that began later than now: the machine's clock was set back, or another controller's that
// wrote it runs ahead. It begins anew, so that nobody waits for longer than the spec says, and the
// condition ClockSet says so for as long as it lasts. (Waits of analysis runs do the same by
// themselves: analysis/run.hpp.)
#pragma once

#include "controller/policy/rollout/pass.hpp"

namespace sluice::policy::rollout {

// Clocks that are kept in step differ by less.
inline constexpr Duration clock_tolerance = std::chrono::seconds{10};

// Timed pauses that began later than now begin now. After the pauses of this pass are known.
void begin_early_pauses_anew(Pass& pass);

}  // namespace sluice::policy::rollout
