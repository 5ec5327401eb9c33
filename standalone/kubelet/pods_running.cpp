// SPDX-License-Identifier: Apache-2.0
// The half of Pods that deals with processes: how they begin, end, answer, and are found again.
#include <algorithm>
#include <csignal>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "standalone/kubelet/pods.hpp"

namespace sluice::standalone::kubelet {
namespace {

constexpr Duration kill_wait = std::chrono::seconds{2};

ContainerRuntime* container_named(PodRuntime& runtime, const std::string& name) {
    const auto found = std::ranges::find(runtime.containers, name, &ContainerRuntime::name);
    return found == runtime.containers.end() ? nullptr : &*found;
}

ContainerExit exit_of(const RunningContainer& running, const ProcessEnd& end, TimePoint now) {
    ContainerExit exit{.id = running.id, .started = running.started, .finished = now};
    if (!end.known) {
        exit.code = 137;
        exit.reason = "ContainerStatusUnknown";
        exit.message = "it ended while sluice was away, or after sluice had come back";
        return exit;
    }
    exit.code = end.code;
    exit.signal = end.signal;
    exit.reason = end.code == 0 ? "Completed" : "Error";
    return exit;
}

}  // namespace

std::string Pods::new_container_id() {
    const std::lock_guard lock(mutex_);
    return "sluice://" + sha256_hex(concat(random_(), "/", random_()));
}

std::optional<Pods::Owner> Pods::owner_of(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto found = owners_.find(id);
    if (found == owners_.end()) return std::nullopt;
    return found->second;
}

void Pods::adopt(std::vector<PodRuntime> runtimes) {
    for (auto& runtime : runtimes) {
        auto slot = std::make_shared<Slot>();
        slot->runtime = std::move(runtime);
        slot->adopted = true;
        auto& pod = slot->runtime;
        {
            const std::lock_guard lock(mutex_);
            slots_[pod.uid] = slot;
            addresses_.insert(pod.ip);
            for (const auto& container : pod.containers)
                if (container.running)
                    owners_[container.running->id] = {concat(pod.ns, "/", pod.name, "/", pod.uid),
                                                      pod.uid, container.name};
        }
        const std::lock_guard lock(slot->mutex);
        for (auto& container : pod.containers) {
            if (!container.running || container.running->process.pid == 0) continue;
            tools_.logs.resume(pod.uid, container.name);
            const auto running = *container.running;
            if (supervisor_.watch(running.id, running.process).ok()) continue;
            tools_.logs.end(pod.uid, container.name);
            record_exit(container, exit_of(running, {}, tools_.clock.now()));
        }
        tools_.log.info("found pod of an earlier life",
                        {{"pod", key_of(pod.ns, pod.name)}, {"running", pod.any_running()}});
    }
}

void Pods::refuse(const SlotPointer& slot, const std::string& name, const StartRefusal& why) {
    const std::lock_guard lock(slot->mutex);
    auto* container = container_named(slot->runtime, name);
    const int count = container->refusal ? container->refusal->count + 1 : 1;
    container->refusal =
        Refusal{why.reason, why.message, count, tools_.clock.now() + refusal_delay(count)};
    if (count == 1)
        tools_.log.warning("container cannot start",
                           {{"pod", key_of(slot->runtime.ns, slot->runtime.name)},
                            {"container", name},
                            {"reason", why.reason},
                            {"error", why.message}});
}

void Pods::start_container(const Pod& pod, const std::string& name, const SlotPointer& slot) {
    const auto spec = std::ranges::find(pod.containers, name, &ContainerSpec::name);
    if (spec == pod.containers.end()) return;
    if (options_.simulated || pod.simulation) {
        if (!spec->unsupported.empty())
            return refuse(slot, name, {"CreateContainerConfigError", spec->unsupported.front()});
        const auto id = new_container_id();
        const std::lock_guard lock(slot->mutex);
        auto* container = container_named(slot->runtime, name);
        if (container->last) ++container->restarts;
        container->refusal.reset();
        container->running = RunningContainer{.id = id, .started = tools_.clock.now()};
        static_cast<void>(tools_.folders.save(slot->runtime).ok());
        return;
    }
    auto prepared = tools_.starter.prepare(pod, *spec, slot->runtime.ip);
    if (const auto* why = std::get_if<StartRefusal>(&prepared)) return refuse(slot, name, *why);
    run_prepared(pod, *spec, std::move(std::get<PreparedProcess>(prepared)), slot);
}

// On record first, running second: whoever kills us in between finds nothing that runs unknown.
void Pods::run_prepared(const Pod& pod, const ContainerSpec& spec, PreparedProcess process,
                        const SlotPointer& slot) {
    RunningContainer running{.id = new_container_id(),
                             .process = process.id(),
                             .started = tools_.clock.now(),
                             .startup_passed = !spec.startup,
                             .ready = !spec.startup && !spec.readiness};
    Result<void> saved;
    std::optional<ContainerRuntime> before;
    PodRuntime runtime;
    {
        const std::lock_guard lock(slot->mutex);
        auto* container = container_named(slot->runtime, spec.name);
        before = *container;
        if (container->last) ++container->restarts;
        container->refusal.reset();
        container->running = running;
        saved = tools_.folders.save(slot->runtime);
        runtime = slot->runtime;
    }
    const auto give_up = [&](const std::string& message) {
        {
            const std::lock_guard lock(slot->mutex);
            *container_named(slot->runtime, spec.name) = *before;
            static_cast<void>(tools_.folders.save(slot->runtime).ok());
        }
        tools_.logs.end(pod.uid, spec.name);
        refuse(slot, spec.name, {"RunContainerError", message});
    };
    if (!saved.ok()) return give_up(saved.error().message);
    if (const auto begun = process.go(); !begun.ok()) return give_up(begun.error().message);
    {
        const std::lock_guard lock(mutex_);
        owners_[running.id] = {concat(pod.ns, "/", pod.name, "/", pod.uid), pod.uid, spec.name};
    }
    tools_.log.info("started container", {{"pod", key_of(pod.ns, pod.name)},
                                          {"container", spec.name},
                                          {"image", spec.image},
                                          {"ip", runtime.ip},
                                          {"pid", running.process.pid}});
    probe(pod, spec, runtime, running, false);
    if (!supervisor_.watch(running.id, running.process).ok()) on_end(running.id, {});
}

void Pods::probe(const Pod& pod, const ContainerSpec& spec, const PodRuntime& runtime,
                 const RunningContainer& running, bool was_ready) {
    const auto add = [&](ProbeRole role, const std::optional<ProbeSpec>& what, bool passed) {
        if (what)
            prober_.add({pod.uid, running.id, role, *what, runtime.ip, running.started, passed});
    };
    if (!running.startup_passed) return add(ProbeRole::Startup, spec.startup, false);
    add(ProbeRole::Readiness, spec.readiness, was_ready);
    add(ProbeRole::Liveness, spec.liveness, true);
}

void Pods::on_end(const std::string& id, const ProcessEnd& end) {
    const auto owner = owner_of(id);
    const auto slot = owner ? slot_of(owner->uid) : nullptr;
    if (!slot) return;
    prober_.remove(id);
    tools_.logs.end(owner->uid, owner->container);
    {
        const std::lock_guard lock(slot->mutex);
        auto* container = container_named(slot->runtime, owner->container);
        if (!container || !container->running || container->running->id != id) return;
        record_exit(*container, exit_of(*container->running, end, tools_.clock.now()));
        const auto saved = tools_.folders.save(slot->runtime);
        if (!saved.ok())
            tools_.log.warning("cannot save the state of a pod",
                               {{"error", saved.error().message}});
        tools_.log.info("container ended", {{"pod", key_of(slot->runtime.ns, slot->runtime.name)},
                                            {"container", owner->container},
                                            {"code", container->last->code}});
    }
    {
        const std::lock_guard lock(mutex_);
        owners_.erase(id);
    }
    reconciler_.add(owner->key);
}

void Pods::on_probe(const ProbeTarget& target, bool passing, const std::string& message) {
    const auto owner = owner_of(target.container_id);
    const auto slot = owner ? slot_of(owner->uid) : nullptr;
    if (!slot) return;
    const auto parts = split(owner->key, '/');
    const auto pod = tools_.cache.get(key_of(parts[0], parts[1]));
    {
        const std::lock_guard lock(slot->mutex);
        auto* container = container_named(slot->runtime, owner->container);
        if (!container || !container->running || container->running->id != target.container_id)
            return;
        auto& running = *container->running;
        if (target.role == ProbeRole::Readiness) running.ready = passing;
        if (target.role == ProbeRole::Liveness && !passing) running.unhealthy = true;
        if (target.role == ProbeRole::Startup) {
            running.startup_passed = passing;
            running.unhealthy = !passing;
            const auto* specs = pod ? &pod->containers : nullptr;
            const auto spec = specs
                                  ? std::ranges::find(*specs, container->name, &ContainerSpec::name)
                                  : std::vector<ContainerSpec>::const_iterator{};
            if (passing && specs && spec != specs->end()) {
                running.ready = !spec->readiness;
                probe(*pod, *spec, slot->runtime, running, false);
            }
        }
        if (!passing)
            tools_.log.warning("probe failed",
                               {{"pod", key_of(slot->runtime.ns, slot->runtime.name)},
                                {"container", container->name},
                                {"probe", role_name(target.role)},
                                {"error", message}});
    }
    reconciler_.add(owner->key);
}

void Pods::end_processes(Duration deadline) {
    std::vector<SlotPointer> slots;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [uid, slot] : slots_) slots.push_back(slot);
    }
    const auto tell_all = [&](PodActionKind kind) {
        for (const auto& slot : slots) {
            std::vector<std::string> names;
            {
                const std::lock_guard lock(slot->mutex);
                for (const auto& container : slot->runtime.containers)
                    if (container.running) names.push_back(container.name);
            }
            for (const auto& name : names) send({kind, name}, slot);
        }
    };
    tell_all(PodActionKind::Terminate);
    if (!supervisor_.wait_for_none(deadline)) {
        tell_all(PodActionKind::Kill);
        supervisor_.wait_for_none(kill_wait);
    }
    for (const auto& slot : slots) {
        PodRuntime runtime;
        {
            // Ended because we end, not because of itself: the next life owes it no back-off.
            const std::lock_guard lock(slot->mutex);
            for (auto& container : slot->runtime.containers) container.crashes = 0;
            static_cast<void>(tools_.folders.save(slot->runtime).ok());
            runtime = slot->runtime;
        }
        // Nobody may take it for ready while we are away.
        const auto pod = tools_.cache.get(key_of(runtime.ns, runtime.name));
        if (pod && pod->uid == runtime.uid) static_cast<void>(write_status(*pod, slot).ok());
    }
}

}  // namespace sluice::standalone::kubelet
