// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.hpp"

namespace sluice {

// Where the shell asks the time. Pure code gets `now` as an argument. Any thread.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual TimePoint now() const = 0;
};

}  // namespace sluice
