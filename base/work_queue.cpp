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

void WorkQueue::Line::add(const std::string& key, TimePoint when) {
    const auto [entry, fresh] = due.try_emplace(key, when);
    if (!fresh) {
        if (entry->second <= when) return;
        order.erase({entry->second, key});
        entry->second = when;
    }
    order.insert({when, key});
}

void WorkQueue::Line::set_aside(const std::string& key) {
    const auto entry = due.find(key);
    if (entry == due.end()) return;
    order.erase({entry->second, key});
    again[key] = entry->second;
    due.erase(entry);
}

void WorkQueue::Line::bring_back(const std::string& key) {
    const auto waiting = again.find(key);
    if (waiting == again.end()) return;
    add(key, waiting->second);
    again.erase(waiting);
}

void WorkQueue::add(const std::string& key, TimePoint when, Lane lane) {
    auto& to = line(lane);
    if (!working_.contains(key)) return to.add(key, when);
    const auto [waiting, fresh] = to.again.try_emplace(key, when);
    if (!fresh) waiting->second = std::min(waiting->second, when);
}

void WorkQueue::add_after_failure(const std::string& key, TimePoint now) {
    const int exponent = std::min(failures_[key]++, 30);
    const auto longest = backoff_.longest.count();
    auto delay = std::min<long>(longest, backoff_.first.count() << std::min(exponent, 20));
    delay += static_cast<long>(next_random(jitter_) % static_cast<std::uint64_t>(delay / 2 + 1));
    add(key, now + Duration{delay});
}

std::optional<std::string> WorkQueue::take(TimePoint now, Lane lane) {
    auto& from = line(lane);
    if (from.order.empty() || from.order.begin()->first > now) return std::nullopt;
    std::string key = from.order.begin()->second;
    from.order.erase(from.order.begin());
    from.due.erase(key);
    for (auto& each : lines_) each.set_aside(key);
    working_.insert(key);
    return key;
}

void WorkQueue::done(const std::string& key) {
    working_.erase(key);
    for (auto& each : lines_) each.bring_back(key);
}

std::optional<TimePoint> WorkQueue::next(Lane lane) const {
    const auto& order = line(lane).order;
    if (order.empty()) return std::nullopt;
    return order.begin()->first;
}

bool WorkQueue::waits(const std::string& key, Lane lane) const {
    return line(lane).due.contains(key) || line(lane).again.contains(key);
}

}  // namespace sluice
