// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/pods.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/kubelet/addresses.hpp"
#include "standalone/kubelet/status.hpp"

namespace sluice::standalone::kubelet {
namespace {

// decide and act take turns until there is nothing to do; more than this in one go is a mistake.
constexpr int most_rounds = 8;

std::string pod_key(std::string_view ns, std::string_view name, std::string_view uid) {
    return concat(ns, "/", name, "/", uid);
}

std::optional<Duration> earlier(std::optional<Duration> a, std::optional<Duration> b) {
    if (!a) return b;
    return b ? std::min(*a, *b) : a;
}

}  // namespace

Pods::Pods(PodsOptions options, PodsTools tools, HttpTransport& probe_transport)
    : options_(std::move(options)),
      tools_(tools),
      random_(std::random_device{}()),
      reconciler_(
          {.name = "kubelet", .workers = 2},
          [this](const std::string& key) { return reconcile(key); }, tools.clock, tools.log),
      prober_(
          probe_transport,
          [this](const ProbeTarget& target, bool passing, const std::string& message) {
              on_probe(target, passing, message);
          },
          tools.clock, tools.log),
      supervisor_([this](const std::string& id, const ProcessEnd& end) { on_end(id, end); },
                  [this] { tools_.logs.tick(); }, tools.log) {
    last_address_ = tools_.folders.last_address();
    if (last_address_.empty()) last_address_ = address_from(random_());
}

void Pods::look_at(const std::string& ns, const std::string& name, const std::string& uid) {
    reconciler_.add(pod_key(ns, name, uid));
}

void Pods::start() {
    std::vector<std::string> keys;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [uid, slot] : slots_)
            keys.push_back(pod_key(slot->runtime.ns, slot->runtime.name, uid));
    }
    for (const auto& key : keys) reconciler_.add(key);
    prober_.start();
    reconciler_.start();
}

void Pods::stop() {
    reconciler_.stop();
    prober_.stop();
}

std::string Pods::new_address(const std::string& wanted) {
    const std::lock_guard lock(mutex_);
    auto address = wanted;
    if (address.empty() || addresses_.contains(address)) {
        address = next_address(last_address_, addresses_);
        last_address_ = address;
        tools_.folders.save_last_address(address);
    }
    addresses_.insert(address);
    return address;
}

Pods::SlotPointer Pods::slot_of(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(uid);
    return found == slots_.end() ? nullptr : found->second;
}

// Ours already, or made for a pod that is to run here. Null for one that has nothing to run.
Pods::SlotPointer Pods::slot_for(const PodPointer& pod, const std::string& uid) {
    if (auto slot = slot_of(uid)) return slot;
    if (!pod || pod->node.empty()) return nullptr;
    auto slot = std::make_shared<Slot>();
    slot->runtime = {.uid = uid,
                     .ns = pod->ns,
                     .name = pod->name,
                     .grace = pod->grace,
                     .admitted = tools_.clock.now()};
    if (const auto started = parse_rfc3339(pod->start_time); started.ok())
        slot->runtime.admitted = *started;
    for (const auto& container : pod->containers)
        slot->runtime.containers.push_back({.name = container.name});
    slot->conditions = pod->conditions;
    // One that has ended, or never began and is going, needs no address.
    if (!pod->finished() && !pod->deletion) slot->runtime.ip = new_address(pod->ip);
    const std::lock_guard lock(mutex_);
    return slots_[uid] = slot;
}

Result<std::optional<Duration>> Pods::reconcile(const std::string& key) {
    const auto parts = split(key, '/');
    const auto& uid = parts.back();
    auto pod = tools_.cache.get(key_of(parts[0], parts[1]));
    if (pod && pod->uid != uid) pod = nullptr;
    if (pod && !pod->node.empty() && pod->node != options_.node_name)
        return std::optional<Duration>{};
    if (pod && pod->node.empty()) {
        // One that was never bound vanishes at once when it is deleted; there is nothing to end.
        if (!pod->deletion) TRY(bind(*pod));
        return std::optional<Duration>{};
    }
    const auto slot = slot_for(pod, uid);
    if (!slot) return std::optional<Duration>{};
    return bring_to_rest(pod, slot);
}

Result<std::optional<Duration>> Pods::bring_to_rest(const PodPointer& pod,
                                                    const SlotPointer& slot) {
    std::optional<Duration> again;
    for (int round = 0; round < most_rounds; ++round) {
        PodDecision decision;
        std::optional<Duration> simulation_again;
        {
            const std::lock_guard lock(slot->mutex);
            const auto now = tools_.clock.now();
            if (pod && slot->adopted) meet_adopted(*pod, *slot);
            if ((!pod || pod->deletion) && !slot->runtime.stop_seen) slot->runtime.stop_seen = now;
            const auto script = pod && pod->simulation ? *pod->simulation : Simulation{};
            simulation_again = advance_simulation(script, slot->runtime, now);
            decision = decide_pod(pod.get(), slot->runtime, now);
        }
        again = earlier(decision.look_again, simulation_again);
        for (const auto& action : decision.actions) {
            if (action.kind == PodActionKind::Remove) TRY(write_status(*pod, slot));
            TRY(act(action, pod, slot));
            if (action.kind == PodActionKind::Remove || action.kind == PodActionKind::Forget)
                return std::optional<Duration>{};
        }
        if (decision.actions.empty()) break;
    }
    if (pod) TRY(write_status(*pod, slot));
    return again;
}

// What an earlier life knew of readiness stands in the status: a pod that was ready stays so until
// a probe says otherwise.
void Pods::meet_adopted(const Pod& pod, Slot& slot) {
    slot.adopted = false;
    slot.conditions = pod.conditions;
    for (auto& container : slot.runtime.containers) {
        const auto spec = std::ranges::find(pod.containers, container.name, &ContainerSpec::name);
        if (!container.running || spec == pod.containers.end()) continue;
        auto& running = *container.running;
        const bool was_ready = pod.ready_ids.contains(running.id);
        running.startup_passed = was_ready || !spec->startup;
        running.ready = was_ready || (running.startup_passed && !spec->readiness);
        probe(pod, *spec, slot.runtime, running, was_ready);
    }
}

Result<void> Pods::act(const PodAction& action, const PodPointer& pod, const SlotPointer& slot) {
    switch (action.kind) {
        case PodActionKind::Bind: return bind(*pod);
        case PodActionKind::Start: start_container(*pod, action.container, slot); return {};
        case PodActionKind::Terminate:
        case PodActionKind::Kill: send(action, slot); return {};
        case PodActionKind::Forget: forget(slot->runtime.uid); return {};
        case PodActionKind::Remove: {
            const auto gone =
                tools_.client.remove({resources::pods, pod->ns, pod->name},
                                     {.uid = pod->uid, .grace_period = std::chrono::seconds{0}});
            if (gone.ok() || gone.failed_with(ErrorKind::NotFound) ||
                gone.failed_with(ErrorKind::Conflict))
                return {};
            return gone.error();
        }
    }
    unreachable();
}

Result<void> Pods::bind(const Pod& pod) {
    const auto bound =
        tools_.client.patch({resources::pods, pod.ns, pod.name}, kube::PatchType::Merge,
                            {{"spec", {{"nodeName", options_.node_name}}}});
    if (!bound.ok() && !bound.failed_with(ErrorKind::NotFound)) return bound.error();
    return {};
}

void Pods::send(const PodAction& action, const SlotPointer& slot) {
    const std::lock_guard lock(slot->mutex);
    for (auto& container : slot->runtime.containers) {
        if (container.name != action.container || !container.running) continue;
        auto& running = *container.running;
        const bool kill = action.kind == PodActionKind::Kill;
        (kill ? running.killed_at : running.terminated_at) = tools_.clock.now();
        if (!kill) prober_.remove(running.id);
        if (running.process.pid != 0) signal_group(running.process, kill ? SIGKILL : SIGTERM);
        tools_.log.info(
            kill ? "killed container" : "ending container",
            {{"pod", key_of(slot->runtime.ns, slot->runtime.name)}, {"container", container.name}});
    }
}

void Pods::forget(const std::string& uid) {
    tools_.logs.forget(uid);
    tools_.folders.remove(uid);
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(uid);
    if (found == slots_.end()) return;
    addresses_.erase(found->second->runtime.ip);
    slots_.erase(found);
}

Result<void> Pods::write_status(const Pod& pod, const SlotPointer& slot) {
    Json status;
    std::string text;
    {
        const std::lock_guard lock(slot->mutex);
        if (slot->runtime.ip.empty()) return {};
        status = pod_status(pod, slot->runtime, slot->conditions, tools_.clock.now());
        text = sluice::to_text(status);
        if (text == slot->written) return {};
    }
    const auto written =
        tools_.client.patch({resources::pods, pod.ns, pod.name}, kube::PatchType::Merge,
                            {{"status", status}}, "status");
    if (!written.ok() && !written.failed_with(ErrorKind::NotFound)) return written.error();
    const std::lock_guard lock(slot->mutex);
    slot->conditions = conditions_of(status);
    slot->written = std::move(text);
    return {};
}

}  // namespace sluice::standalone::kubelet
