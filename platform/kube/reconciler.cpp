// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/reconciler.hpp"

namespace sluice::kube {

Reconciler::Reconciler(Options options, Reconcile reconcile, const Clock& clock, Log& log)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      clock_(clock),
      log_(log),
      queue_(options_.backoff) {}

Reconciler::~Reconciler() {
    stop();
}

void Reconciler::start() {
    for (int i = 0; i < options_.workers; ++i)
        workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

void Reconciler::stop() {
    for (auto& worker : workers_) worker.request_stop();
    workers_.clear();
}

void Reconciler::add(const std::string& key) {
    add_after(key, Duration{0});
}

void Reconciler::add_after(const std::string& key, Duration delay) {
    {
        const std::lock_guard lock(mutex_);
        queue_.add(key, clock_.now() + delay);
    }
    changed_.notify_one();
}

bool Reconciler::step() {
    std::unique_lock lock(mutex_);
    return step(lock);
}

std::optional<TimePoint> Reconciler::next() {
    const std::lock_guard lock(mutex_);
    return queue_.next();
}

// `lock` is on mutex_ and let go while the key is worked on.
bool Reconciler::step(std::unique_lock<std::mutex>& lock) {
    const auto key = queue_.take(clock_.now());
    if (!key) return false;
    lock.unlock();
    const auto outcome = attempt(*key);
    lock.lock();
    queue_.done(*key);
    settle(*key, outcome);
    return true;
}

void Reconciler::work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (step(lock)) {
            changed_.notify_one();
            continue;
        }
        const auto now = clock_.now();
        const auto next = queue_.next();
        // Nothing due: until something is, at most a second, so that a clock that jumps is noticed.
        const auto longest = Duration{std::chrono::seconds{1}};
        const auto wait = next ? std::min(longest, std::max(*next - now, Duration{1})) : longest;
        const auto seen = queue_.next();
        changed_.wait_for(lock, stop, next ? wait : std::chrono::hours{1},
                          [&] { return queue_.next() != seen; });
    }
}

// A library's exception that nobody expected is a bug of ours; it costs this key a back-off, not
// everybody the process.
Result<std::optional<Duration>> Reconciler::attempt(const std::string& key) const {
    try {
        return reconcile_(key);
    } catch (const std::exception& problem) {
        return internal(problem.what());
    }
}

// mutex_ is held.
void Reconciler::settle(const std::string& key, const Result<std::optional<Duration>>& outcome) {
    if (outcome.ok()) {
        queue_.forget_failures(key);
        if (*outcome) queue_.add(key, clock_.now() + **outcome);
        return;
    }
    // A lost compare-and-swap is ordinary: the watch brings the newer object.
    const auto& error = outcome.error();
    const auto level = error.kind == ErrorKind::Conflict   ? LogLevel::Debug
                       : error.kind == ErrorKind::Internal ? LogLevel::Error
                                                           : LogLevel::Warning;
    log_.write(level, "reconcile failed",
               {{"controller", options_.name}, {"key", key}, {"error", error.message}});
    queue_.add_after_failure(key, clock_.now());
}

}  // namespace sluice::kube
