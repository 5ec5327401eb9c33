// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/lifecycle.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "standalone/kubelet/probe.hpp"
#include "standalone/kubelet/status.hpp"

namespace sluice::standalone::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint noon{seconds{1'800'000'000}};

Pod web_pod() {
    return {.ns = "shop",
            .name = "web",
            .uid = "uid-1",
            .node = "local",
            .grace = seconds{30},
            .containers = {{.name = "web", .image = "web:v1"}}};
}

PodRuntime idle() {
    return {.uid = "uid-1",
            .ns = "shop",
            .name = "web",
            .ip = "127.64.0.1",
            .admitted = noon - seconds{60},
            .containers = {{.name = "web"}}};
}

PodRuntime running() {
    auto runtime = idle();
    runtime.containers[0].running = RunningContainer{.id = "sluice://1",
                                                     .process = {10, 20, "boot"},
                                                     .started = noon - seconds{50},
                                                     .startup_passed = true,
                                                     .ready = true};
    return runtime;
}

// Ended `ago` for the `crashes`th time in a row.
PodRuntime ended(Duration ago, int crashes, int code = 1) {
    auto runtime = idle();
    runtime.containers[0].crashes = crashes;
    runtime.containers[0].last = ContainerExit{.id = "sluice://1",
                                               .code = code,
                                               .reason = code == 0 ? "Completed" : "Error",
                                               .started = noon - ago - seconds{1},
                                               .finished = noon - ago};
    return runtime;
}

using Actions = std::vector<PodAction>;

TEST(KubeletClock, ACrashedContainerDoesNotWaitForATimeThatWasSetBack) {
    const auto runtime = ended(seconds{0}, 4);
    const auto pod = web_pod();
    EXPECT_TRUE(decide_pod(&pod, runtime, noon).actions.empty()) << "in its back-off";
    EXPECT_EQ(decide_pod(&pod, runtime, noon - std::chrono::hours{1}).actions,
              Actions({{PodActionKind::Start, "web"}}));
}

TEST(KubeletClock, ARefusedContainerDoesNotWaitForATimeThatWasSetBack) {
    auto runtime = idle();
    runtime.containers[0].refusal = Refusal{"ErrImagePull", "", 3, noon + refusal_delay(3)};
    const auto pod = web_pod();
    EXPECT_TRUE(decide_pod(&pod, runtime, noon).actions.empty());
    EXPECT_EQ(decide_pod(&pod, runtime, noon - std::chrono::hours{1}).actions,
              Actions({{PodActionKind::Start, "web"}}));
}

TEST(KubeletClock, AnEndBeginsAnewWhenTheClockIsSetBackAndStaysAnEnd) {
    auto runtime = running();
    auto& process = *runtime.containers[0].running;
    runtime.stop_seen = noon - seconds{1};
    process.terminated_at = noon - seconds{1};
    auto pod = web_pod();
    pod.deletion = noon + seconds{29};
    pod.deletion_grace = seconds{30};
    const auto earlier = noon - std::chrono::hours{1};
    const auto again = decide_pod(&pod, runtime, earlier);
    EXPECT_EQ(again.actions, Actions({{PodActionKind::Terminate, "web"}}));
    process.terminated_at = earlier;
    EXPECT_TRUE(decide_pod(&pod, runtime, earlier + seconds{30}).actions.empty());
    EXPECT_EQ(decide_pod(&pod, runtime, earlier + seconds{31}).actions,
              Actions({{PodActionKind::Kill, "web"}}));
    process.killed_at = noon;
    EXPECT_EQ(decide_pod(&pod, runtime, earlier + seconds{40}).actions,
              Actions({{PodActionKind::Kill, "web"}}));
}
const Actions start{{PodActionKind::Start, "web"}};
const Actions terminate{{PodActionKind::Terminate, "web"}};
const Actions kill{{PodActionKind::Kill, "web"}};

PodDecision decide(const Pod& pod, const PodRuntime& runtime) {
    return decide_pod(&pod, runtime, noon);
}

TEST(KubeletLifecycle, NewPodIsBoundThenStarted) {
    auto pod = web_pod();
    pod.node.clear();
    EXPECT_EQ(decide(pod, idle()).actions, (Actions{{PodActionKind::Bind, ""}}));
    EXPECT_EQ(decide(web_pod(), idle()).actions, start);
    EXPECT_EQ(decide(web_pod(), running()), PodDecision{});
}

TEST(KubeletLifecycle, FirstRestartIsAtOnceAndLaterOnesBackOff) {
    EXPECT_EQ(decide(web_pod(), ended(milliseconds{0}, 1)).actions, start);
    const auto waiting = decide(web_pod(), ended(seconds{4}, 2));
    EXPECT_TRUE(waiting.actions.empty());
    EXPECT_EQ(waiting.look_again, Duration{seconds{6}});
    EXPECT_EQ(decide(web_pod(), ended(seconds{10}, 2)).actions, start);
    EXPECT_EQ(restart_delay(3), Duration{seconds{20}});
    EXPECT_EQ(restart_delay(6), Duration{seconds{160}});
    EXPECT_EQ(restart_delay(7), Duration{minutes{5}});
    EXPECT_EQ(restart_delay(1000), Duration{minutes{5}});
}

TEST(KubeletLifecycle, TenMinutesOfRunningForgiveEarlierCrashes) {
    ContainerRuntime container{.name = "web", .crashes = 6};
    record_exit(container, {.started = noon - minutes{10}, .finished = noon});
    EXPECT_EQ(container.crashes, 1);
    record_exit(container, {.started = noon, .finished = noon + minutes{9}});
    EXPECT_EQ(container.crashes, 2);
}

TEST(KubeletLifecycle, RestartPolicyDecidesWhoComesBack) {
    struct Row {
        const char* policy;
        int code;
        bool restarts;
    };
    for (const auto& row :
         {Row{"Always", 0, true}, Row{"Always", 1, true}, Row{"OnFailure", 0, false},
          Row{"OnFailure", 1, true}, Row{"Never", 0, false}, Row{"Never", 1, false}}) {
        auto pod = web_pod();
        pod.restart_policy = row.policy;
        EXPECT_EQ(decide(pod, ended(seconds{1}, 1, row.code)).actions == start, row.restarts)
            << row.policy << row.code;
    }
}

TEST(KubeletLifecycle, RefusedStartIsTriedAgainWhenDue) {
    auto runtime = idle();
    runtime.containers[0].refusal = Refusal{"ErrImagePull", "no image", 1, noon + seconds{1}};
    const auto decision = decide(web_pod(), runtime);
    EXPECT_TRUE(decision.actions.empty());
    EXPECT_EQ(decision.look_again, Duration{seconds{1}});
    runtime.containers[0].refusal->retry_at = noon;
    EXPECT_EQ(decide(web_pod(), runtime).actions, start);
    EXPECT_EQ(refusal_delay(1), Duration{seconds{1}});
    EXPECT_EQ(refusal_delay(4), Duration{seconds{8}});
    EXPECT_EQ(refusal_delay(50), Duration{seconds{30}});
}

Pod deleted_pod() {
    auto pod = web_pod();
    pod.deletion = noon + seconds{30};
    pod.deletion_grace = seconds{30};
    return pod;
}

TEST(KubeletLifecycle, DeletionSettlesThenTerminatesThenKills) {
    auto runtime = running();
    runtime.stop_seen = noon;
    const auto settling = decide(deleted_pod(), runtime);
    EXPECT_TRUE(settling.actions.empty());
    EXPECT_EQ(settling.look_again, settle_time);
    runtime.stop_seen = noon - settle_time;
    EXPECT_EQ(decide(deleted_pod(), runtime).actions, terminate);
    runtime.containers[0].running->terminated_at = noon;
    const auto waiting = decide(deleted_pod(), runtime);
    EXPECT_TRUE(waiting.actions.empty());
    EXPECT_EQ(waiting.look_again, Duration{seconds{31}});
    EXPECT_EQ(
        decide_pod(&*std::make_unique<Pod>(deleted_pod()), runtime, noon + seconds{31}).actions,
        kill);
}

TEST(KubeletLifecycle, PreStopSleepReplacesTheSettleTime) {
    auto pod = deleted_pod();
    pod.containers[0].pre_stop_sleep = seconds{3};
    auto runtime = running();
    runtime.stop_seen = noon;
    EXPECT_EQ(decide(pod, runtime).look_again, Duration{seconds{3}});
    pod.deletion_grace = seconds{1};
    EXPECT_EQ(decide(pod, runtime).look_again, Duration{seconds{1}}) << "never beyond the grace";
}

TEST(KubeletLifecycle, LateKubeletStillGivesTwoSeconds) {
    auto pod = deleted_pod();
    pod.deletion = noon - minutes{60};
    auto runtime = running();
    runtime.stop_seen = noon - seconds{1};
    runtime.containers[0].running->terminated_at = noon - seconds{1};
    EXPECT_TRUE(decide(pod, runtime).actions.empty());
    runtime.containers[0].running->terminated_at = noon - seconds{2};
    EXPECT_EQ(decide(pod, runtime).actions, kill);
}

TEST(KubeletLifecycle, ObjectGoesAfterItsProcessesAndTheRecordAfterTheObject) {
    EXPECT_EQ(decide(deleted_pod(), idle()).actions, (Actions{{PodActionKind::Remove, ""}}));
    EXPECT_EQ(decide_pod(nullptr, idle(), noon).actions, (Actions{{PodActionKind::Forget, ""}}));
    EXPECT_EQ(decide_pod(nullptr, running(), noon).actions, terminate)
        << "an orphan is ended first";
}

TEST(KubeletLifecycle, UnhealthyContainerIsEndedAndThenComesBack) {
    auto runtime = running();
    runtime.containers[0].running->unhealthy = true;
    EXPECT_EQ(decide(web_pod(), runtime).actions, terminate);
    runtime.containers[0].running->terminated_at = noon - seconds{30};
    EXPECT_EQ(decide(web_pod(), runtime).actions, kill);
}

TEST(KubeletLifecycle, SimulationFollowsItsScript) {
    const auto script = parse_simulation("ready-after=2s exit-after=5s code=3").value();
    auto runtime = running();
    runtime.containers[0].running->process = {};
    runtime.containers[0].running->ready = false;
    const auto began = runtime.containers[0].running->started;
    EXPECT_EQ(advance_simulation(script, runtime, began), Duration{seconds{2}});
    EXPECT_FALSE(runtime.containers[0].running->ready);
    EXPECT_EQ(advance_simulation(script, runtime, began + seconds{2}), Duration{seconds{3}});
    EXPECT_TRUE(runtime.containers[0].running->ready);
    EXPECT_EQ(advance_simulation(script, runtime, began + seconds{9}), std::nullopt);
    ASSERT_TRUE(runtime.containers[0].last);
    EXPECT_EQ(runtime.containers[0].last->code, 3);
    EXPECT_EQ(runtime.containers[0].last->finished, began + seconds{5});
    EXPECT_EQ(
        parse_simulation("ready-later=1s").error().message,
        "sluice.dev/simulate: expected ready-after=, never-ready, exit-after= or code=, found "
        "\"ready-later=1s\"");
    EXPECT_FALSE(parse_simulation("never-ready").value().ready_after);
}

std::string waiting_reason(const Pod& pod, const PodRuntime& runtime) {
    return text_at(pod_status(pod, runtime, {}, noon)["containerStatuses"][0],
                   {"state", "waiting", "reason"});
}

TEST(KubeletStatus, WaitingReasonsAreKubernetesWords) {
    EXPECT_EQ(waiting_reason(web_pod(), idle()), "ContainerCreating");
    EXPECT_EQ(waiting_reason(web_pod(), ended(seconds{1}, 2)), "CrashLoopBackOff");
    auto refused = idle();
    refused.containers[0].refusal = Refusal{"ErrImagePull", "no image", 1, noon};
    EXPECT_EQ(waiting_reason(web_pod(), refused), "ErrImagePull");
    refused.containers[0].refusal->count = 2;
    EXPECT_EQ(waiting_reason(web_pod(), refused), "ImagePullBackOff");
}

std::string condition(const Json& status, const std::string& type) {
    for (const auto& entry : status["conditions"])
        if (entry["type"] == type) return entry["status"].get<std::string>();
    return "absent";
}

TEST(KubeletStatus, PhaseAndReadinessFollowTheProcesses) {
    const auto pending = pod_status(web_pod(), idle(), {}, noon);
    EXPECT_EQ(pending["phase"], "Pending");
    EXPECT_EQ(condition(pending, "Ready"), "False");
    EXPECT_EQ(condition(pending, "PodScheduled"), "True");
    const auto ready = pod_status(web_pod(), running(), {}, noon);
    EXPECT_EQ(ready["phase"], "Running");
    EXPECT_EQ(condition(ready, "Ready"), "True");
    EXPECT_EQ(ready["podIP"], "127.64.0.1");
    auto never = web_pod();
    never.restart_policy = "Never";
    EXPECT_EQ(pod_status(never, ended(seconds{1}, 1, 0), {}, noon)["phase"], "Succeeded");
    EXPECT_EQ(pod_status(never, ended(seconds{1}, 1, 2), {}, noon)["phase"], "Failed");
}

TEST(KubeletStatus, TransitionTimesChangeWithTheirStatusOnly) {
    const std::vector<Condition> before = {{"Ready", "True", "", "", "2026-01-01T00:00:00Z"}};
    auto conditions = conditions_of(pod_status(web_pod(), running(), before, noon));
    const auto ready = [&] {
        return std::ranges::find(conditions, "Ready", &Condition::type)->last_transition;
    };
    EXPECT_EQ(ready(), "2026-01-01T00:00:00Z");
    conditions = conditions_of(pod_status(web_pod(), idle(), before, noon));
    EXPECT_EQ(ready(), format_rfc3339(noon));
}

TEST(KubeletStatus, ForeignConditionsStayAndGatesCount) {
    auto pod = web_pod();
    pod.readiness_gates = {"example.com/gate"};
    EXPECT_EQ(condition(pod_status(pod, running(), {}, noon), "Ready"), "False");
    pod.conditions = {{"example.com/gate", "True", "", "", "2026-01-01T00:00:00Z"}};
    const auto status = pod_status(pod, running(), {}, noon);
    EXPECT_EQ(condition(status, "Ready"), "True");
    EXPECT_EQ(condition(status, "example.com/gate"), "True");
}

TEST(KubeletRuntime, StateSurvivesItsFile) {
    auto runtime = running();
    runtime.containers[0].restarts = 2;
    runtime.containers[0].last = ended(seconds{5}, 1).containers[0].last;
    auto kept = runtime;
    kept.containers[0].running->startup_passed = false;  // asked anew, or read from the status
    kept.containers[0].running->ready = false;
    EXPECT_EQ(decode_runtime(encode_runtime(runtime)).value(), kept);
    EXPECT_EQ(decode_runtime(Json::object()).error().message, "pod state without uid, name or ip");
}

TEST(KubeletProbe, ThresholdsCountResultsInARow) {
    const ProbeSpec spec{.failure_threshold = 3, .success_threshold = 2};
    auto state = initial_state(ProbeRole::Readiness);
    const auto after = [&](bool good) {
        return (state = record_result(state, spec, good)).passing;
    };
    EXPECT_FALSE(after(true));
    EXPECT_TRUE(after(true));
    EXPECT_TRUE(after(false));
    EXPECT_TRUE(after(false));
    EXPECT_TRUE(after(true)) << "one success starts the count again";
    EXPECT_TRUE(after(false));
    EXPECT_TRUE(after(false));
    EXPECT_FALSE(after(false));
}

TEST(KubeletProbe, ReadinessIsAskedOftenUntilItFirstHolds) {
    const ProbeSpec spec{.initial_delay = seconds{4}, .period = seconds{10}};
    const ProbeState passed{.passing = false, .ever_passed = true};
    EXPECT_EQ(next_attempt(ProbeRole::Readiness, {}, spec), Duration{milliseconds{100}});
    EXPECT_EQ(next_attempt(ProbeRole::Readiness, passed, spec), Duration{seconds{10}});
    EXPECT_EQ(next_attempt(ProbeRole::Startup, {}, spec), Duration{seconds{10}});
    EXPECT_EQ(first_attempt(ProbeRole::Readiness, spec), Duration{seconds{4}});
    EXPECT_EQ(first_attempt(ProbeRole::Liveness, spec), Duration{seconds{10}});
}

}  // namespace
}  // namespace sluice::standalone::kubelet
