// SPDX-License-Identifier: Apache-2.0
#include "platform/clock.hpp"

namespace sluice {

TimePoint SystemClock::now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

TimePoint SystemClock::steady() const {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return TimePoint{std::chrono::floor<std::chrono::milliseconds>(since)};
}

}  // namespace sluice
