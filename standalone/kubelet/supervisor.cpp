// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/supervisor.hpp"

extern "C" {  // glibc 2.36 declares it without C linkage
#include <sys/pidfd.h>
}

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <vector>

#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

constexpr int tick_ms = 1000;

// Leaves the zombie: its number keeps the process group from being somebody else's.
ProcessEnd peek_end(int pidfd) {
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return {};
    if (info.si_code == CLD_EXITED) return {true, info.si_status, 0};
    return {true, 128 + info.si_status, info.si_status};
}

}  // namespace

Supervisor::Supervisor(OnEnd on_end, OnTick on_tick, Log& log)
    : on_end_(std::move(on_end)),
      on_tick_(std::move(on_tick)),
      log_(log),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Supervisor::~Supervisor() {
    thread_.request_stop();
    wake();
}

void Supervisor::wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
}

Result<void> Supervisor::watch(const std::string& id, const ProcessId& process) {
    UniqueFd pidfd(::pidfd_open(static_cast<pid_t>(process.pid), 0));
    if (pidfd.get() < 0)
        return not_found(concat("watch process ", process.pid, ": ", std::strerror(errno)));
    // The descriptor pins the process; only now is the comparison safe from a reused number. A
    // child of ours that has ended already is a zombie that nobody else can reap.
    const auto now = identify_process(process.pid);
    if (!now.ok() || now->start_ticks != process.start_ticks || now->boot_id != process.boot_id)
        return not_found(concat("watch process ", process.pid, ": it is another process now"));
    {
        const std::lock_guard lock(mutex_);
        entries_.insert_or_assign(id, Entry{process, std::move(pidfd)});
    }
    wake();
    return {};
}

bool Supervisor::watches(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return entries_.contains(id);
}

bool Supervisor::wait_for_none(Duration deadline) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, deadline, [this] { return entries_.empty(); });
}

void Supervisor::reap(const std::string& id) {
    ProcessEnd end;
    {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(id);
        if (found == entries_.end()) return;
        const auto& [process, pidfd] = found->second;
        end = peek_end(pidfd.get());
        // What the leader left behind goes with it. For a process that is not our child, its number
        // may have been given away already, to somebody who is then no group leader of that number.
        const auto now = identify_process(process.pid);
        if (!now.ok() || now->start_ticks == process.start_ticks)
            ::kill(-static_cast<pid_t>(process.pid), SIGKILL);
        siginfo_t info{};
        if (end.known) ::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED | WNOHANG);
    }
    on_end_(id, end);
    {
        const std::lock_guard lock(mutex_);
        entries_.erase(id);
    }
    none_.notify_all();
}

void Supervisor::run(const std::stop_token& stop) {
    auto next_tick = std::chrono::steady_clock::now() + std::chrono::milliseconds{tick_ms};
    while (!stop.stop_requested()) {
        std::vector<pollfd> polled{{wakeup_.get(), POLLIN, 0}};
        std::vector<std::string> ids;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [id, entry] : entries_) {
                polled.push_back({entry.pidfd.get(), POLLIN, 0});
                ids.push_back(id);
            }
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            next_tick - std::chrono::steady_clock::now());
        ::poll(polled.data(), polled.size(), std::max(0, static_cast<int>(left.count())));
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(wakeup_.get(), &count, sizeof count);
        if (stop.stop_requested()) return;
        for (size_t i = 0; i < ids.size(); ++i)
            if (polled[i + 1].revents != 0) reap(ids[i]);
        if (std::chrono::steady_clock::now() < next_tick) continue;
        on_tick_();
        next_tick = std::chrono::steady_clock::now() + std::chrono::milliseconds{tick_ms};
    }
}

}  // namespace sluice::standalone::kubelet
