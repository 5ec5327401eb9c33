// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/reconciler.hpp"

#include <random>

namespace sluice::kube {
namespace {

// Less is the clock's being kept in step with others (NTP slews), or one of ours read late.
constexpr Duration jump = std::chrono::milliseconds{500};

}  // namespace

Reconciler::Reconciler(Options options, Reconcile reconcile, const Clock& clock, Log& log)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      clock_(clock),
      log_(log),
      queue_(options_.backoff),
      offset_(clock.now() - clock.steady()) {}

Reconciler::~Reconciler() {
    stop();
}

void Reconciler::start() {
    queue_.reseed(std::random_device{}());
    for (int i = 0; i < options_.workers; ++i)
        workers_.emplace_back([this](const std::stop_token& stop) { work(stop, Lane::Front); });
    for (int i = 0; i < options_.back_workers; ++i)
        workers_.emplace_back([this](const std::stop_token& stop) { work(stop, Lane::Back); });
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
        queue_.add(key, clock_.steady() + delay);
    }
    changed(Lane::Front).notify_one();
}

void Reconciler::put_back(const std::string& key) {
    const std::lock_guard lock(mutex_);
    queue_.add(key, clock_.steady(), Lane::Back);
}

bool Reconciler::step() {
    std::unique_lock lock(mutex_);
    notice_jump(Lane::Front);
    return step(lock, Lane::Front) || step(lock, Lane::Back);
}

size_t Reconciler::depth() {
    const std::lock_guard lock(mutex_);
    return queue_.size();
}

std::optional<TimePoint> Reconciler::next() {
    const std::lock_guard lock(mutex_);
    notice_jump(Lane::Front);
    const auto front = queue_.next(Lane::Front), back = queue_.next(Lane::Back);
    return front && back ? std::min(front, back) : front ? front : back;
}

// `lock` is on mutex_ and let go while the key is worked on.
bool Reconciler::step(std::unique_lock<std::mutex>& lock, Lane lane) {
    const auto key = queue_.take(clock_.steady(), lane);
    if (!key) return false;
    lock.unlock();
    const auto start = clock_.steady();
    const auto outcome = attempt(*key, lane);
    if (options_.done) options_.done(*key, clock_.steady() - start, outcome.ok());
    lock.lock();
    queue_.done(*key);
    settle(*key, outcome);
    return true;
}

void Reconciler::work(const std::stop_token& stop, Lane lane) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (step(lock, lane)) {
            for (auto& each : changed_) each.notify_one();
            continue;
        }
        if (notice_jump(lane)) continue;
        const auto now = clock_.steady();
        const auto next = queue_.next(lane);
        // Nothing due: until something is, at most a second, so that a clock that is set is
        // noticed.
        const auto longest = Duration{std::chrono::seconds{1}};
        const auto wait = next ? std::min(longest, std::max(*next - now, Duration{1})) : longest;
        changed(lane).wait_for(lock, stop, next ? wait : std::chrono::hours{1},
                               [&] { return queue_.next(lane) != next; });
    }
}

// mutex_ is held. Waits are steady, but many wait for a time of day (a pause's end): when the
// machine's clock was set, each key says anew how long. True where that woke something in `lane`.
bool Reconciler::notice_jump(Lane lane) {
    const Duration offset = clock_.now() - clock_.steady();
    const Duration moved = std::chrono::abs(offset - offset_);
    offset_ = offset;
    if (moved < jump) return false;
    log_.info("the machine's clock was set",
              {{"controller", options_.name}, {"by", format_duration(moved)}});
    queue_.wake_all(clock_.steady());
    for (auto& each : changed_) each.notify_all();
    return queue_.next(lane).has_value();
}

// A library's exception that nobody expected is a bug of ours; it costs this key a back-off, not
// everybody the process.
Result<std::optional<Duration>> Reconciler::attempt(const std::string& key, Lane lane) const {
    try {
        return lane == Lane::Front ? reconcile_(key) : options_.back(key);
    } catch (const std::exception& problem) {
        return internal(problem.what());
    }
}

// mutex_ is held.
void Reconciler::settle(const std::string& key, const Result<std::optional<Duration>>& outcome) {
    if (outcome.ok()) {
        // What was put back has yet to succeed.
        if (!queue_.waits(key, Lane::Back)) queue_.forget_failures(key);
        if (*outcome) queue_.add(key, clock_.steady() + **outcome);
        return;
    }
    // A lost compare-and-swap is ordinary: the watch brings the newer object.
    const auto& error = outcome.error();
    const auto level = error.kind == ErrorKind::Conflict   ? LogLevel::Debug
                       : error.kind == ErrorKind::Internal ? LogLevel::Error
                                                           : LogLevel::Warning;
    log_.write(level, "reconcile failed",
               {{"controller", options_.name}, {"key", key}, {"error", error.message}});
    queue_.add_after_failure(key, clock_.steady());
}

}  // namespace sluice::kube
