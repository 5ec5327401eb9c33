// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/lifecycle.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace sluice::standalone::kubelet {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A process that is told to end gets at least this, however late we are.
constexpr Duration least_grace = seconds{2};
// SIGKILL is sent again after this, where the process is still there.
constexpr Duration kill_again = seconds{5};

void look_again_at(PodDecision& decision, TimePoint when, TimePoint now) {
    const auto wait = std::max(when - now, Duration{1});
    decision.look_again = decision.look_again ? std::min(*decision.look_again, wait) : wait;
}

// SIGTERM at `term_at`, SIGKILL at `kill_at`, each when due. A time that is still to come cannot be
// when something was done: the machine's clock was set back, and nobody knows how long ago that
// was. SIGTERM is sent again then, and the grace begins anew: nothing is killed early, nothing
// stays.
void end_container(const ContainerRuntime& container, TimePoint term_at, TimePoint kill_at,
                   TimePoint now, PodDecision& decision) {
    const auto& running = *container.running;
    if (!running.terminated_at || *running.terminated_at > now) {
        if (!running.terminated_at && now < term_at) return look_again_at(decision, term_at, now);
        decision.actions.push_back({PodActionKind::Terminate, container.name});
        return look_again_at(decision, std::max(kill_at, now + Duration{1}), now);
    }
    const auto due = !running.killed_at         ? kill_at
                     : *running.killed_at > now ? now
                                                : *running.killed_at + kill_again;
    if (now < due) return look_again_at(decision, due, now);
    decision.actions.push_back({PodActionKind::Kill, container.name});
    look_again_at(decision, now + kill_again, now);
}

const ContainerSpec* spec_of(const Pod& pod, const std::string& name) {
    const auto found = std::ranges::find(pod.containers, name, &ContainerSpec::name);
    return found == pod.containers.end() ? nullptr : &*found;
}

void stop_pod(const Pod* pod, const PodRuntime& runtime, TimePoint now, PodDecision& decision) {
    const auto seen = runtime.stop_seen.value_or(now);
    for (const auto& container : runtime.containers) {
        if (!container.running) continue;
        auto term_at = seen;
        auto kill_at =
            container.running->terminated_at.value_or(now) + std::min(runtime.grace, least_grace);
        if (pod) {
            const auto* spec = spec_of(*pod, container.name);
            const auto hook = spec ? spec->pre_stop_sleep : Duration{0};
            const auto grace = pod->deletion_grace.value_or(pod->grace);
            term_at += std::min(std::max(settle_time, hook), std::max(grace, settle_time));
            // The API keeps whole seconds, rounded down.
            if (pod->deletion) {
                const auto longest =
                    container.running->terminated_at.value_or(now) + grace + seconds{1};
                kill_at = std::max(kill_at, std::min(*pod->deletion + seconds{1}, longest));
            }
        }
        end_container(container, term_at, kill_at, now, decision);
    }
    if (!runtime.any_running())
        decision.actions.push_back({pod ? PodActionKind::Remove : PodActionKind::Forget, ""});
}

bool restarts(const Pod& pod, const ContainerExit& last) {
    if (pod.restart_policy == "Never") return false;
    return pod.restart_policy != "OnFailure" || last.code != 0;
}

void run_container(const Pod& pod, const ContainerRuntime& container, TimePoint now,
                   PodDecision& decision) {
    if (container.running) {
        const auto& running = *container.running;
        if (!running.unhealthy && !running.terminated_at) return;
        const auto kill_at = running.terminated_at.value_or(now) + pod.grace;
        return end_container(container, now, kill_at, now, decision);
    }
    auto due = now;
    if (container.last) {
        if (!restarts(pod, *container.last)) return;
        // An end that is still to come: the clock was set back. Better early than an hour late.
        if (container.last->finished <= now)
            due = container.last->finished + restart_delay(container.crashes);
    }
    if (const auto& refusal = container.refusal;
        refusal && refusal->retry_at - now <= refusal_delay(refusal->count))
        due = std::max(due, refusal->retry_at);
    if (now < due) return look_again_at(decision, due, now);
    decision.actions.push_back({PodActionKind::Start, container.name});
}

}  // namespace

Duration restart_delay(int crashes) {
    if (crashes <= 1) return Duration{0};
    return std::min<Duration>(seconds{10} * (1L << std::min(crashes - 2, 10)), minutes{5});
}

Duration refusal_delay(int count) {
    return std::min<Duration>(seconds{1} * (1L << std::clamp(count - 1, 0, 10)), seconds{30});
}

PodDecision decide_pod(const Pod* pod, const PodRuntime& runtime, TimePoint now) {
    PodDecision decision;
    if (!pod || pod->deletion) {
        stop_pod(pod, runtime, now, decision);
        return decision;
    }
    if (pod->finished()) return decision;
    if (pod->node.empty()) {
        decision.actions.push_back({PodActionKind::Bind, ""});
        return decision;
    }
    for (const auto& container : runtime.containers) run_container(*pod, container, now, decision);
    return decision;
}

std::optional<Duration> advance_simulation(const Simulation& simulation, PodRuntime& runtime,
                                           TimePoint now) {
    std::optional<Duration> again;
    const auto wake = [&](TimePoint when) {
        again = again ? std::min(*again, when - now) : when - now;
    };
    for (auto& container : runtime.containers) {
        if (!container.running || container.running->process.pid != 0) continue;
        auto& running = *container.running;
        const auto end = [&](int code, TimePoint when) {
            record_exit(container, {running.id, code, 0, code == 0 ? "Completed" : "Error", "",
                                    running.started, when});
        };
        if (running.terminated_at) {
            end(0, now);
            continue;
        }
        if (simulation.exit_after) {
            const auto when = running.started + *simulation.exit_after;
            if (when <= now) {
                end(simulation.exit_code, when);
                continue;
            }
            wake(when);
        }
        running.startup_passed = true;
        if (!simulation.ready_after) continue;
        const auto when = running.started + *simulation.ready_after;
        running.ready = when <= now;
        if (!running.ready) wake(when);
    }
    return again;
}

}  // namespace sluice::standalone::kubelet
