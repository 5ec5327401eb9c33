// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/runtime.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

// Twice the longest back-off, as upstream: who ran this long starts from the first delay again.
constexpr Duration stable_run = std::chrono::minutes{10};

long to_millis(TimePoint when) {
    return static_cast<long>(when.time_since_epoch().count());
}

TimePoint from_millis(const Json& object, std::string_view key) {
    return TimePoint{Duration{integer_at(object, {key})}};
}

Json encode_running(const RunningContainer& running) {
    return {{"id", running.id},
            {"pid", running.process.pid},
            {"startTicks", running.process.start_ticks},
            {"bootId", running.process.boot_id},
            {"startedMs", to_millis(running.started)}};
}

Json encode_exit(const ContainerExit& exit) {
    return {{"id", exit.id},
            {"code", exit.code},
            {"signal", exit.signal},
            {"reason", exit.reason},
            {"message", exit.message},
            {"startedMs", to_millis(exit.started)},
            {"finishedMs", to_millis(exit.finished)}};
}

ContainerRuntime decode_container_runtime(const Json& document) {
    ContainerRuntime container{.name = text_at(document, {"name"})};
    container.restarts = static_cast<int>(integer_at(document, {"restarts"}));
    container.crashes = static_cast<int>(integer_at(document, {"crashes"}));
    if (const Json* running = find(document, {"running"})) {
        RunningContainer decoded{.id = text_at(*running, {"id"})};
        decoded.process = {integer_at(*running, {"pid"}),
                           static_cast<std::uint64_t>(integer_at(*running, {"startTicks"})),
                           text_at(*running, {"bootId"})};
        decoded.started = from_millis(*running, "startedMs");
        container.running = std::move(decoded);
    }
    if (const Json* exit = find(document, {"last"}))
        container.last = ContainerExit{text_at(*exit, {"id"}),
                                       static_cast<int>(integer_at(*exit, {"code"})),
                                       static_cast<int>(integer_at(*exit, {"signal"})),
                                       text_at(*exit, {"reason"}),
                                       text_at(*exit, {"message"}),
                                       from_millis(*exit, "startedMs"),
                                       from_millis(*exit, "finishedMs")};
    return container;
}

}  // namespace

Json encode_runtime(const PodRuntime& runtime) {
    Json containers = Json::array();
    for (const auto& container : runtime.containers) {
        Json entry = {{"name", container.name},
                      {"restarts", container.restarts},
                      {"crashes", container.crashes}};
        if (container.running) entry["running"] = encode_running(*container.running);
        if (container.last) entry["last"] = encode_exit(*container.last);
        containers.push_back(std::move(entry));
    }
    return {{"uid", runtime.uid},
            {"namespace", runtime.ns},
            {"name", runtime.name},
            {"ip", runtime.ip},
            {"graceMs", runtime.grace.count()},
            {"admittedMs", to_millis(runtime.admitted)},
            {"containers", containers}};
}

Result<PodRuntime> decode_runtime(const Json& document) {
    PodRuntime runtime{
        .uid = text_at(document, {"uid"}),
        .ns = text_at(document, {"namespace"}),
        .name = text_at(document, {"name"}),
        .ip = text_at(document, {"ip"}),
        .grace = Duration{integer_at(document, {"graceMs"}, 30000)},
        .admitted = from_millis(document, "admittedMs"),
    };
    if (runtime.uid.empty() || runtime.name.empty() || runtime.ip.empty())
        return invalid("pod state without uid, name or ip");
    const Json* containers = find(document, {"containers"});
    if (!containers || !containers->is_array()) return invalid("pod state without containers");
    for (const auto& container : *containers)
        runtime.containers.push_back(decode_container_runtime(container));
    return runtime;
}

void record_exit(ContainerRuntime& container, ContainerExit exit) {
    if (exit.finished - exit.started >= stable_run) container.crashes = 0;
    ++container.crashes;
    container.last = std::move(exit);
    container.running.reset();
}

}  // namespace sluice::standalone::kubelet
