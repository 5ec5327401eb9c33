// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/status.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/kubelet/lifecycle.hpp"

namespace sluice::standalone::kubelet {
namespace {

Json terminated_state(const ContainerExit& exit) {
    Json state = {{"exitCode", exit.code},
                  {"reason", exit.reason},
                  {"startedAt", format_rfc3339(exit.started)},
                  {"finishedAt", format_rfc3339(exit.finished)},
                  {"containerID", exit.id}};
    if (exit.signal != 0) state["signal"] = exit.signal;
    if (!exit.message.empty()) state["message"] = exit.message;
    return {{"terminated", state}};
}

Json waiting_state(std::string_view reason, std::string_view message) {
    Json state = {{"reason", reason}};
    if (!message.empty()) state["message"] = message;
    return {{"waiting", state}};
}

// Upstream says ErrImagePull when the attempt fails and ImagePullBackOff while it waits for more.
Json refused_state(const Refusal& refusal) {
    const bool again = refusal.reason == "ErrImagePull" && refusal.count > 1;
    return waiting_state(again ? "ImagePullBackOff" : refusal.reason, refusal.message);
}

bool stays_down(const Pod& pod, const ContainerRuntime& container) {
    if (container.running || !container.last) return false;
    if (pod.deletion) return true;
    return pod.restart_policy == "Never" ||
           (pod.restart_policy == "OnFailure" && container.last->code == 0);
}

Json container_state(const Pod& pod, const ContainerRuntime& container, TimePoint now) {
    if (container.running)
        return {{"running", {{"startedAt", format_rfc3339(container.running->started)}}}};
    if (stays_down(pod, container)) return terminated_state(*container.last);
    if (container.refusal) return refused_state(*container.refusal);
    if (!container.last) return waiting_state("ContainerCreating", "");
    const auto delay = restart_delay(container.crashes);
    if (container.last->finished + delay <= now) return terminated_state(*container.last);
    return waiting_state("CrashLoopBackOff", concat("back-off ", format_duration(delay),
                                                    " restarting failed container=", container.name,
                                                    " pod=", pod.name));
}

bool is_ready(const ContainerRuntime& container) {
    return container.running && container.running->startup_passed && container.running->ready;
}

Json container_status(const Pod& pod, const ContainerSpec& spec, const ContainerRuntime& container,
                      TimePoint now) {
    Json state = container_state(pod, container, now);
    Json status = {{"name", spec.name},
                   {"image", spec.image},
                   {"imageID", ""},
                   {"ready", is_ready(container)},
                   {"started", container.running && container.running->startup_passed},
                   {"restartCount", container.restarts},
                   {"lastState", Json::object()}};
    if (container.running) {
        status["containerID"] = container.running->id;
        status["imageID"] = concat("sluice-local://", spec.image);
    } else if (container.last) {
        status["containerID"] = container.last->id;
    }
    if (container.last && !state.contains("terminated"))
        status["lastState"] = terminated_state(*container.last);
    status["state"] = std::move(state);
    return status;
}

std::string phase_of(const Pod& pod, const PodRuntime& runtime) {
    if (pod.finished()) return pod.phase;
    bool all_down = !runtime.containers.empty();
    bool all_began = true;
    bool failed = false;
    for (const auto& container : runtime.containers) {
        all_down = all_down && !pod.deletion && stays_down(pod, container);
        all_began = all_began && (container.running || container.last);
        failed = failed || (container.last && container.last->code != 0);
    }
    if (all_down) return failed ? "Failed" : "Succeeded";
    return all_began ? "Running" : "Pending";
}

// "containers with unready status: [web]", as upstream words it.
std::string unready_message(const PodRuntime& runtime) {
    std::vector<std::string> names;
    for (const auto& container : runtime.containers)
        if (!is_ready(container)) names.push_back(container.name);
    return names.empty() ? "" : concat("containers with unready status: [", join(names, " "), "]");
}

const Condition* condition_named(const std::vector<Condition>& conditions,
                                 const std::string& type) {
    const auto found = std::ranges::find(conditions, type, &Condition::type);
    return found == conditions.end() ? nullptr : &*found;
}

std::vector<Condition> own_conditions(const Pod& pod, const PodRuntime& runtime,
                                      const std::vector<Condition>& before,
                                      const std::string& phase) {
    const auto message = unready_message(runtime);
    const bool done = phase == "Succeeded" || phase == "Failed";
    const bool ready = message.empty() && !done;
    const std::string reason = ready                  ? ""
                               : phase == "Succeeded" ? "PodCompleted"
                               : done                 ? "PodFailed"
                                                      : "ContainersNotReady";
    Condition pod_ready{"Ready", ready ? "True" : "False", reason, message};
    for (const auto& gate : pod.readiness_gates) {
        const auto* condition = condition_named(pod.conditions, gate);
        if (!condition) condition = condition_named(before, gate);
        if (!ready || (condition && condition->status == "True")) continue;
        pod_ready.status = "False";
        pod_ready.reason = "ReadinessGatesNotReady";
        pod_ready.message =
            concat("the status of pod readiness gate \"", gate, "\" is not \"True\"");
    }
    return {{"PodScheduled", "True"},
            {"Initialized", "True", phase == "Succeeded" ? "PodCompleted" : ""},
            {"ContainersReady", ready ? "True" : "False", reason, message},
            pod_ready};
}

Json encode_condition(const Condition& condition) {
    Json entry = {{"type", condition.type},
                  {"status", condition.status},
                  {"lastProbeTime", nullptr},
                  {"lastTransitionTime", condition.last_transition}};
    if (!condition.reason.empty()) entry["reason"] = condition.reason;
    if (!condition.message.empty()) entry["message"] = condition.message;
    return entry;
}

}  // namespace

std::vector<Condition> conditions_of(const Json& status) {
    std::vector<Condition> conditions;
    const Json* list = find(status, {"conditions"});
    if (!list || !list->is_array()) return conditions;
    for (const auto& entry : *list)
        conditions.push_back({text_at(entry, {"type"}), text_at(entry, {"status"}),
                              text_at(entry, {"reason"}), text_at(entry, {"message"}),
                              text_at(entry, {"lastTransitionTime"})});
    return conditions;
}

Json pod_status(const Pod& pod, const PodRuntime& runtime, const std::vector<Condition>& before,
                TimePoint now) {
    const auto phase = phase_of(pod, runtime);
    auto conditions = own_conditions(pod, runtime, before, phase);
    for (auto& condition : conditions) {
        const auto* old = condition_named(before, condition.type);
        const bool same = old && old->status == condition.status && !old->last_transition.empty();
        condition.last_transition = same ? old->last_transition : format_rfc3339(now);
    }
    for (const auto& foreign : pod.conditions)
        if (!condition_named(conditions, foreign.type)) conditions.push_back(foreign);
    Json status = {{"phase", phase},
                   {"hostIP", host_ip},
                   {"hostIPs", Json::array({{{"ip", host_ip}}})},
                   {"podIP", runtime.ip},
                   {"podIPs", Json::array({{{"ip", runtime.ip}}})},
                   {"startTime", format_rfc3339(runtime.admitted)},
                   {"qosClass", "BestEffort"},
                   {"conditions", Json::array()},
                   {"containerStatuses", Json::array()}};
    for (const auto& condition : conditions)
        status["conditions"].push_back(encode_condition(condition));
    for (size_t i = 0; i < runtime.containers.size() && i < pod.containers.size(); ++i)
        status["containerStatuses"].push_back(
            container_status(pod, pod.containers[i], runtime.containers[i], now));
    return status;
}

}  // namespace sluice::standalone::kubelet
