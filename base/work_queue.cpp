// SPDX-License-Identifier: Apache-2.0
#include "base/work_queue.hpp"

#include <algorithm>

namespace sluice {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

}  // namespace

void WorkQueue::add(const std::string& key, TimePoint when) {
    if (working_.contains(key)) {
        const auto [waiting, fresh] = again_.try_emplace(key, when);
        if (!fresh) waiting->second = std::min(waiting->second, when);
        return;
    }
    const auto [entry, fresh] = due_.try_emplace(key, when);
    if (!fresh) {
        if (entry->second <= when) return;
        order_.erase({entry->second, key});
        entry->second = when;
    }
    order_.insert({when, key});
}

void WorkQueue::add_after_failure(const std::string& key, TimePoint now) {
    const int exponent = std::min(failures_[key]++, 30);
    const auto longest = backoff_.longest.count();
    auto delay = std::min<long>(longest, backoff_.first.count() << std::min(exponent, 20));
    delay += static_cast<long>(next_random(jitter_) % static_cast<std::uint64_t>(delay / 2 + 1));
    add(key, now + Duration{delay});
}

std::optional<std::string> WorkQueue::take(TimePoint now) {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    std::string key = order_.begin()->second;
    order_.erase(order_.begin());
    due_.erase(key);
    working_.insert(key);
    return key;
}

void WorkQueue::done(const std::string& key) {
    working_.erase(key);
    const auto waiting = again_.find(key);
    if (waiting == again_.end()) return;
    const TimePoint when = waiting->second;
    again_.erase(waiting);
    add(key, when);
}

std::optional<TimePoint> WorkQueue::next() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
}

}  // namespace sluice
