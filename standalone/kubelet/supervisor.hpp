// SPDX-License-Identifier: Apache-2.0
// Watches processes by pidfd: one thread for all of them, for our children and for those that an
// earlier sluice started. Also keeps their logs bounded.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "standalone/kubelet/process.hpp"

namespace sluice::standalone::kubelet {

struct ProcessEnd {
    bool known = false;  // false: it was not our child, nobody can say how it ended
    int code = 0;        // 128 + signal where a signal ended it
    int signal = 0;
};

class Supervisor final {
public:
    // Called from the supervisor's thread, once for each process watched.
    using OnEnd = std::function<void(const std::string& id, const ProcessEnd& end)>;
    // Called about once a second.
    using OnTick = std::function<void()>;

    Supervisor(OnEnd on_end, OnTick on_tick, Log& log);
    // Leaves the processes alone.
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    // NotFound where the process is gone already (a child is reaped then).
    Result<void> watch(const std::string& id, const ProcessId& process);
    [[nodiscard]] bool watches(const std::string& id) const;
    // Waits until no process is watched; false at the deadline.
    bool wait_for_none(Duration deadline);

private:
    struct Entry {
        ProcessId process;
        UniqueFd pidfd;
    };

    void run(const std::stop_token& stop);
    void reap(const std::string& id);
    void wake() const;

    OnEnd on_end_;
    OnTick on_tick_;
    Log& log_;
    UniqueFd wakeup_;
    mutable std::mutex mutex_;
    std::condition_variable none_;
    std::map<std::string, Entry> entries_;  // guarded by mutex_
    std::jthread thread_;
};

}  // namespace sluice::standalone::kubelet
