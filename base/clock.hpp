// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/time.hpp"

namespace sluice {

// Where the shell asks the time. Pure code gets `now` as an argument. Any thread.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual TimePoint now() const = 0;
    // For waits: runs with now(), but nobody ever sets it. Its zero means nothing, so it may be
    // compared with itself only. A clock that is never set is its own.
    [[nodiscard]] virtual TimePoint steady() const { return now(); }
};

}  // namespace sluice
