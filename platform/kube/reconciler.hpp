// SPDX-License-Identifier: Apache-2.0
// Worker threads around a WorkQueue: the loop of every controller, ours and the embedded cluster's.
// Delays and back-offs are steady; when the machine's clock is set, all that waits looks again.
#pragma once

#include <array>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/work_queue.hpp"

namespace sluice::kube {

class Reconciler {
public:
    // Brings one key to rest. The value: when to look again, if nothing wakes it before. An error
    // is logged once and the key comes back after its back-off.
    using Reconcile = std::function<Result<std::optional<Duration>>(const std::string& key)>;

    // Told of each key after its work: how long it took, and whether it came to rest. Called from
    // the workers' threads; must not block.
    using Done = std::function<void(const std::string& key, Duration took, bool ok)>;

    struct Options {
        std::string name;  // in logs: "rollout"
        int workers = 2;
        WorkQueue::Backoff backoff;
        // Threads for keys that were put back; with none of them, put_back() must not be called.
        int back_workers = 0;
        // What is done with a key that was put back; never at once with the front's.
        Reconcile back;
        Done done = {};  // for metrics
    };

    // Keys may be added at once; work begins with start(). Everything referenced must outlive it.
    Reconciler(Options options, Reconcile reconcile, const Clock& clock, Log& log);
    ~Reconciler();
    Reconciler(const Reconciler&) = delete;
    Reconciler& operator=(const Reconciler&) = delete;

    void start();
    // Works, in the caller's thread, on the key that has been due longest, one in front before one
    // that was put back; false where none is due.
    // What the workers do, and what a simulator calls instead of start().
    bool step();
    // When step() will next find a key, in the clock's steady time; nothing where none waits.
    [[nodiscard]] std::optional<TimePoint> next();
    // How many keys wait.
    [[nodiscard]] size_t depth();
    // Asks every worker to stop after its key, and waits for them.
    void stop();
    // Any thread.
    void add(const std::string& key);
    void add_after(const std::string& key, Duration delay);
    // By Reconcile, of the key it works on: the rest of its work may take long, so it is for the
    // back workers. A key in front goes on being looked at while it waits there.
    void put_back(const std::string& key);

private:
    using Lane = WorkQueue::Lane;
    std::condition_variable_any& changed(Lane lane) { return changed_[static_cast<size_t>(lane)]; }
    void work(const std::stop_token& stop, Lane lane);
    bool step(std::unique_lock<std::mutex>& lock, Lane lane);
    bool notice_jump(Lane lane);
    [[nodiscard]] Result<std::optional<Duration>> attempt(const std::string& key, Lane lane) const;
    void settle(const std::string& key, const Result<std::optional<Duration>>& outcome);

    Options options_;
    Reconcile reconcile_;
    const Clock& clock_;
    Log& log_;
    std::mutex mutex_;
    std::array<std::condition_variable_any, 2> changed_;
    WorkQueue queue_;  // in steady time; guarded by mutex_
    Duration offset_;  // of the time of day from steady time when last looked; guarded by mutex_
    std::vector<std::jthread> workers_;
};

}  // namespace sluice::kube
