// SPDX-License-Identifier: Apache-2.0
#include "base/work_queue.hpp"

#include <algorithm>

namespace sluice {
namespace {

// So many failures in a row are ordinary (a lost compare-and-swap, whose cure is the very news).
constexpr int overtaken_at_once = 3;
// Afterwards news waits until that long after the failure, or for the back-off where it is shorter.
constexpr Duration longest_deaf = std::chrono::seconds{1};

// splitmix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

}  // namespace

void WorkQueue::Line::put(const std::string& key, TimePoint when) {
    due[key] = when;
    order.insert({when, key});
}

void WorkQueue::Line::drop(const std::string& key) {
    const auto found = due.find(key);
    if (found == due.end()) return;
    order.erase({found->second, key});
    due.erase(found);
}

void WorkQueue::Line::add(const std::string& key, TimePoint when) {
    if (const auto waiting = due.find(key); waiting != due.end()) {
        if (waiting->second <= when) return;
        drop(key);
    }
    put(key, when);
}

void WorkQueue::Line::wait_until(const std::string& key, TimePoint earliest) {
    const auto waiting = due.find(key);
    if (waiting == due.end() || waiting->second >= earliest) return;
    drop(key);
    put(key, earliest);
}

void WorkQueue::Line::set_aside(const std::string& key) {
    const auto entry = due.find(key);
    if (entry == due.end()) return;
    again[key] = entry->second;
    drop(key);
}

void WorkQueue::Line::bring_back(const std::string& key) {
    const auto waiting = again.find(key);
    if (waiting == again.end()) return;
    add(key, waiting->second);
    again.erase(waiting);
}

void WorkQueue::add(const std::string& key, TimePoint when, Lane lane) {
    auto& to = line(lane);
    if (working_.contains(key)) {
        const auto [waiting, fresh] = to.again.try_emplace(key, when);
        if (!fresh) waiting->second = std::min(waiting->second, when);
        return;
    }
    const auto failing = failing_.find(key);
    to.add(key, failing == failing_.end() ? when : std::max(when, failing->second.not_before));
}

void WorkQueue::add_after_failure(const std::string& key, TimePoint now) {
    Failing& failing = failing_[key];
    const int exponent = std::min(failing.count++, 20);
    auto delay = std::min<long>(backoff_.longest.count(), backoff_.first.count() << exponent);
    if (failing.count > overtaken_at_once)
        failing.not_before = now + std::min(Duration{delay}, longest_deaf);
    delay += static_cast<long>(next_random(jitter_) % static_cast<std::uint64_t>(delay / 2 + 1));
    // News that came during the failed attempt waits as long as news that comes after it.
    for (auto& each : lines_) each.wait_until(key, failing.not_before);
    add(key, now + Duration{delay});
}

void WorkQueue::wake_all(TimePoint now) {
    for (auto& each : lines_) {
        each.order.clear();
        for (auto& [key, when] : each.due) {
            if (!failing_.contains(key)) when = std::min(when, now);
            each.order.insert({when, key});
        }
    }
    for (const auto& key : working_) add(key, now);
}

std::optional<std::string> WorkQueue::take(TimePoint now, Lane lane) {
    auto& from = line(lane);
    if (from.order.empty() || from.order.begin()->first > now) return std::nullopt;
    std::string key = from.order.begin()->second;
    from.drop(key);
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
