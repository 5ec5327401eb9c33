// SPDX-License-Identifier: Apache-2.0
// Which key is due, and when. A pure data structure that is told the time: one entry a key however
// often it is added, never two workers on one key, back-off a key, and a wake-up for the earliest
// delay. (The semantics of client-go's util/workqueue, with two lanes and two more rules:
// see add().)
#pragma once

#include <array>
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

    // A key may wait in both: what works on the front lane finds out what there is to do and does
    // what is urgent; the rest waits in the back lane, where slow work holds up nobody in front.
    enum class Lane { Front, Back };

    explicit WorkQueue(Backoff backoff, std::uint64_t jitter_seed = 1)
        : backoff_(backoff), jitter_(jitter_seed) {}

    // Due at `when` or earlier if it already was. A key that is being worked on is due again after.
    // News overtakes a back-off, for it may be what the key waits for; but after some failures in a
    // row no sooner than a while after the last one, or a key that fails and makes news by failing
    // would spin.
    void add(const std::string& key, TimePoint when, Lane lane = Lane::Front);
    // Due in front after this key's next back-off.
    void add_after_failure(const std::string& key, TimePoint now);
    // Its next failure starts at the first back-off again.
    void forget_failures(const std::string& key) { failing_.erase(key); }
    // Whatever waits, but for a back-off, is due, and what is being worked on is due again after:
    // what it waits for may be a time of day, reckoned before the clock was set.
    void wake_all(TimePoint now);
    // Another row of jitters: queues of several processes must not return in step.
    void reseed(std::uint64_t jitter_seed) { jitter_ = jitter_seed; }

    // The lane's key that has been due longest, now being worked on; nothing where none is due.
    std::optional<std::string> take(TimePoint now, Lane lane = Lane::Front);
    // The work on that key has ended.
    void done(const std::string& key);
    // When take() will next have something; nothing where the lane is empty.
    [[nodiscard]] std::optional<TimePoint> next(Lane lane = Lane::Front) const;
    // Whether the key waits in that lane, now or once the work on it has ended.
    [[nodiscard]] bool waits(const std::string& key, Lane lane) const;
    // Keys that wait, of both lanes.
    [[nodiscard]] size_t size() const { return lines_[0].due.size() + lines_[1].due.size(); }

private:
    struct Line {
        std::map<std::string, TimePoint> due;
        std::set<std::pair<TimePoint, std::string>> order;  // the same, by time
        std::map<std::string, TimePoint> again;             // of keys that are being worked on
        void put(const std::string& key, TimePoint when);
        void drop(const std::string& key);
        void add(const std::string& key, TimePoint when);
        void wait_until(const std::string& key, TimePoint earliest);
        void set_aside(const std::string& key);
        void bring_back(const std::string& key);
    };
    struct Failing {
        int count = 0;
        TimePoint not_before;  // whatever the news
    };
    [[nodiscard]] const Line& line(Lane lane) const { return lines_[static_cast<size_t>(lane)]; }
    Line& line(Lane lane) { return lines_[static_cast<size_t>(lane)]; }

    Backoff backoff_;
    std::uint64_t jitter_;
    std::array<Line, 2> lines_;
    std::set<std::string> working_;
    std::map<std::string, Failing> failing_;
};

}  // namespace sluice
