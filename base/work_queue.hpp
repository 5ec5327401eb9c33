// SPDX-License-Identifier: Apache-2.0
// Which key is due, and when. A pure data structure that is told the time: one entry a key however
// often it is added, never two workers on one key, back-off a key, and a wake-up for the earliest
// delay. (The semantics of client-go's util/workqueue.)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/time.hpp"

namespace sluice {

class WorkQueue {
public:
    // Back-off doubles from `first` to `longest`, each with up to half of it as jitter.
    struct Backoff {
        Duration first = std::chrono::milliseconds{50};
        Duration longest = std::chrono::seconds{30};
    };

    explicit WorkQueue(Backoff backoff, std::uint64_t jitter_seed = 1)
        : backoff_(backoff), jitter_(jitter_seed) {}

    // Due at `when` or earlier if it already was. A key that is being worked on is due again after.
    void add(const std::string& key, TimePoint when);
    // Due after this key's next back-off.
    void add_after_failure(const std::string& key, TimePoint now);
    // Its next failure starts at the first back-off again.
    void forget_failures(const std::string& key) { failures_.erase(key); }

    // The key that has been due longest, now being worked on; nothing where none is due.
    std::optional<std::string> take(TimePoint now);
    // The work on that key has ended.
    void done(const std::string& key);
    // When take() will next have something; nothing where the queue is empty.
    [[nodiscard]] std::optional<TimePoint> next() const;
    [[nodiscard]] size_t size() const { return due_.size(); }

private:
    Backoff backoff_;
    std::uint64_t jitter_;
    std::map<std::string, TimePoint> due_;
    std::set<std::pair<TimePoint, std::string>> order_;  // the same, by time
    std::set<std::string> working_;
    std::map<std::string, TimePoint> again_;  // added while being worked on
    std::map<std::string, int> failures_;
};

}  // namespace sluice
