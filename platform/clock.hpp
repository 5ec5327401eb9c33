// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.hpp"

namespace sluice {

// The machine's clock: the only place that asks it.
class SystemClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override;
    [[nodiscard]] TimePoint steady() const override;
};

}  // namespace sluice
