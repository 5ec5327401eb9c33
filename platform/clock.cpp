// SPDX-License-Identifier: Apache-2.0
#include "platform/clock.hpp"

namespace sluice {

TimePoint SystemClock::now() const {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace sluice
