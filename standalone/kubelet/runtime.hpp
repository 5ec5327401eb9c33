// SPDX-License-Identifier: Apache-2.0
// What the kubelet knows of a pod that the API does not: its processes. Written to
// <data>/pods/<uid>/state.json before a process may begin, so that a kubelet that was killed finds
// every one again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::standalone::kubelet {

// A process as the kernel knows it: the pid alone may be somebody else's tomorrow.
struct ProcessId {
    long pid = 0;                   // 0: simulated, there is none
    std::uint64_t start_ticks = 0;  // field 22 of /proc/<pid>/stat
    std::string boot_id;            // /proc/sys/kernel/random/boot_id
    bool operator==(const ProcessId&) const = default;
};

struct RunningContainer {
    std::string id;  // "sluice://<64 hex digits>"
    ProcessId process;
    TimePoint started;
    bool startup_passed = false;
    bool ready = false;
    bool unhealthy = false;                  // liveness or startup failed for good
    std::optional<TimePoint> terminated_at;  // SIGTERM was sent
    std::optional<TimePoint> killed_at;      // SIGKILL was sent
    bool operator==(const RunningContainer&) const = default;
};

struct ContainerExit {
    std::string id;
    int code = 0;        // 128 + signal where a signal ended it
    int signal = 0;      // 0: it exited
    std::string reason;  // Completed, Error, ContainerStatusUnknown
    std::string message;
    TimePoint started;
    TimePoint finished;
    bool operator==(const ContainerExit&) const = default;
};

// Why a container could not be started, in Kubernetes' words.
struct Refusal {
    std::string reason;  // ErrImagePull, CreateContainerConfigError, RunContainerError
    std::string message;
    int count = 0;  // in a row
    TimePoint retry_at;
    bool operator==(const Refusal&) const = default;
};

struct ContainerRuntime {
    std::string name;
    std::optional<RunningContainer> running;
    std::optional<ContainerExit> last;
    std::optional<Refusal> refusal;
    int restarts = 0;
    int crashes = 0;  // ends in a row without ten minutes of running between; drives the back-off
    bool operator==(const ContainerRuntime&) const = default;
};

struct PodRuntime {
    std::string uid;
    std::string ns;
    std::string name;
    std::string ip;
    Duration grace = std::chrono::seconds{30};
    TimePoint admitted;
    std::optional<TimePoint> stop_seen;  // when we first saw that it has to go
    std::vector<ContainerRuntime> containers;
    bool operator==(const PodRuntime&) const = default;

    [[nodiscard]] bool any_running() const {
        for (const auto& container : containers)
            if (container.running) return true;
        return false;
    }
};

// stop_seen is not kept: a kubelet that comes back gives the full settle time again.
Json encode_runtime(const PodRuntime& runtime);
Result<PodRuntime> decode_runtime(const Json& document);

// The container has ended at `exit.finished`: remembers how, and counts it for the back-off.
void record_exit(ContainerRuntime& container, ContainerExit exit);

}  // namespace sluice::standalone::kubelet
