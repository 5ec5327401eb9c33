// SPDX-License-Identifier: Apache-2.0
// Waiting for an outcome that has no sign of its own, in another process or behind an API.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/time.hpp"

namespace sluice::test {

// Asks `holds` every few milliseconds until it says true; false at the deadline.
inline bool eventually(const std::function<bool()>& holds,
                       Duration deadline = std::chrono::seconds{60}) {
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        never.wait_for(lock, std::chrono::milliseconds{5});
    }
    return true;
}

}  // namespace sluice::test
