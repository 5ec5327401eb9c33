// SPDX-License-Identifier: Apache-2.0
// What a pod on this node needs next: pure. Restart and termination follow
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ with one difference, documented
// in docs/differences.md: SIGTERM waits for a short settle time, so that proxies hear of the end
// first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "standalone/kubelet/pod.hpp"
#include "standalone/kubelet/runtime.hpp"

namespace sluice::standalone::kubelet {

// From the moment that the pod is seen to be going (its endpoint says terminating then) to SIGTERM.
inline constexpr Duration settle_time = std::chrono::milliseconds{200};

enum class PodActionKind {
    Bind,       // to this node
    Start,      // a container
    Terminate,  // SIGTERM to its process group
    Kill,       // SIGKILL
    Remove,     // the object: everything of it has ended
    Forget,     // what we keep of it: the object is gone
};

struct PodAction {
    PodActionKind kind;
    std::string container;  // Start, Terminate, Kill
    bool operator==(const PodAction&) const = default;
};

struct PodDecision {
    std::vector<PodAction> actions;
    std::optional<Duration> look_again;
    bool operator==(const PodDecision&) const = default;
};

// `pod` null: the object is gone from the API. runtime.containers are those of the pod, in its
// order.
PodDecision decide_pod(const Pod* pod, const PodRuntime& runtime, TimePoint now);

// How long a container that has ended `crashes` times in a row stays down: 0, 10 s, 20 s … 5 min.
Duration restart_delay(int crashes);
// How long after the `count`th refusal to start in a row the next attempt is due. Looking at a
// local folder is cheap, so this is quicker than upstream's pull: 1 s doubling to 30 s.
Duration refusal_delay(int count);

// Applies a simulated pod's script up to `now`: readiness and exits. When it has more to say later:
// that long.
std::optional<Duration> advance_simulation(const Simulation& simulation, PodRuntime& runtime,
                                           TimePoint now);

}  // namespace sluice::standalone::kubelet
