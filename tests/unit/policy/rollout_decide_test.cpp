// SPDX-License-Identifier: Apache-2.0
// Decisions that a story cannot show: stale, partial or odd observations. Stories of whole rollouts
// stand in tests/scenarios/rollout.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/rollout/decision.hpp"
#include "controller/policy/rollout/status.hpp"
#include "crds/rollout_conditions.hpp"

namespace sluice::policy::rollout {
namespace rollout_decide_test {

using Texts = std::vector<std::string>;

const TimePoint now = *parse_rfc3339("2026-11-20T12:00:00Z");

ServiceSeen service(const char* name, const char* hash, std::map<std::string, long> ready) {
    return {.name = name,
            .selector = {{"app", "shop"}, {crds::pod_template_hash_label, hash}},
            .managed_by = "shop",
            .ready_endpoints = std::move(ready)};
}

ReplicaSetSeen set(const char* hash, long replicas, long revision) {
    return {.name = concat("shop-", hash),
            .uid = concat("uid-", hash),
            .hash = hash,
            .template_digest = concat("digest-", hash),
            .spec_replicas = replicas,
            .replicas = replicas,
            .ready_replicas = replicas,
            .available_replicas = replicas,
            .generation = 1,
            .observed_generation = 1,
            .created = now - std::chrono::hours{10 - revision},
            .revision = revision,
            .desired_replicas = 3};
}

// v2 is being rolled out over v1: at setWeight 20 with everything in place. Tests bend one thing.
struct Setting {
    crds::RolloutSpec spec;
    crds::RolloutStatus status;
    Observation seen;

    Setting() {
        spec.replicas = 3;
        spec.selector = crds::LabelSelector{{{"app", "shop"}}, {}};
        spec.canary = crds::CanaryStrategy{.canary_service = "canary", .stable_service = "stable"};
        spec.canary->traffic_routing =
            crds::TrafficRouting{.nginx = crds::NginxConfig{.stable_ingresses = {"shop"}}};
        spec.canary->steps = {crds::SetWeightStep{20}, crds::PauseStep{}};
        status.current_pod_hash = "v2";
        status.current_step_hash = "steps";
        status.current_step_index = 0;
        status.stable_rs = "v1";
        status.observed_generation = "1";
        status.canary.weights = crds::TrafficWeights{{0, "canary", "v2"}, {100, "stable", "v1"}};
        seen.rollout = {.ns = "default",
                        .name = "shop",
                        .uid = "u",
                        .generation = 1,
                        .annotations = {{crds::revision_annotation, "2"}},
                        .template_hash = "v2",
                        .template_digest = "digest-v2",
                        .template_labels = {{"app", "shop"}},
                        .step_hash = "steps"};
        seen.replica_sets = {set("v1", 3, 1), set("v2", 1, 2)};
        seen.services = {service("stable", "v1", {{"v1", 3}}),
                         service("canary", "v2", {{"v2", 1}})};
        seen.routes = {{.router = "Nginx", .weight = 0}};
    }

    [[nodiscard]] Decision decide_now() const { return decide(spec, status, seen, now); }
    [[nodiscard]] Texts actions() const {
        Texts texts;
        for (const auto& planned : decide_now().actions) texts.push_back(to_text(planned.action));
        return texts;
    }
    ReplicaSetSeen& fresh() { return seen.replica_sets[1]; }
    ReplicaSetSeen& stable() { return seen.replica_sets[0]; }
    ServiceSeen& canary_service() { return seen.services[1]; }
    ServiceSeen& stable_service() { return seen.services[0]; }
    RouteSeen& route() { return seen.routes[0]; }
    void in_analysis(RunPhase phase) {
        spec.canary->steps[0] = crds::AnalysisStep{{.templates = {{"errors"}}}};
        status.canary.current_step_analysis_run = crds::RunStatus{"shop-v2-2-0", "Running", ""};
        seen.analysis_runs = {{.name = "shop-v2-2-0",
                               .type = RunType::Step,
                               .step_index = 0,
                               .hash = "v2",
                               .phase = phase}};
    }
};

bool has(const Texts& texts, std::string_view start) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](const auto& text) { return text.starts_with(start); });
}

// ---- weights ----

TEST(Decide, RaisesTheWeightOnceEverythingIsInPlace) {
    EXPECT_EQ(Setting().actions(), Texts{"set weight Nginx 20"});
}

TEST(Decide, AdvancesOnlyWhenTheWeightWasSeen) {
    Setting setting;
    EXPECT_EQ(setting.decide_now().status.current_step_index, 0);
    setting.route().weight = 20;
    EXPECT_EQ(setting.decide_now().status.current_step_index, 1);
    EXPECT_EQ(setting.decide_now().status.canary.weights->canary.weight, 20);
    // Another weight than the step's counts for nothing.
    setting.route().weight = 19;
    EXPECT_EQ(setting.decide_now().status.current_step_index, 0);
    setting.route().weight = 20;
    setting.route().verified = false;
    EXPECT_EQ(setting.decide_now().status.current_step_index, 0);
    EXPECT_EQ(setting.decide_now().look_again_after, std::chrono::seconds{10});
}

TEST(Decide, DoesNotRaiseTheWeightBeforeRequestsReachTheCanary) {
    using Ready = std::map<std::string, long>;
    for (const Ready& ready :
         {Ready{}, Ready{{"v2", 0}}, Ready{{"v1", 3}}, Ready{{"v2", 1}, {"v1", 1}}}) {
        Setting setting;
        setting.canary_service().ready_endpoints = ready;
        EXPECT_EQ(setting.actions(), Texts{});
    }
    Setting pods;
    pods.fresh().available_replicas = 0;
    EXPECT_EQ(pods.actions(), Texts{});
    // Without a watch on endpoints the selector is believed.
    Setting blind;
    blind.canary_service().ready_endpoints.reset();
    EXPECT_EQ(blind.actions(), Texts{"set weight Nginx 20"});
}

TEST(Decide, ANewVersionDoesNotInheritTheWeightOfTheOneBefore) {
    Setting setting;
    setting.route().weight = 20;
    setting.canary_service() = service("canary", "v0", {{"v0", 1}});
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    setting.route().weight = 0;
    EXPECT_EQ(setting.actions(), Texts{"point canary at v2"});
}

TEST(Decide, TakesTheWeightBackWhereTheCanaryHasNoPods) {
    Setting setting;
    setting.route().weight = 20;
    setting.fresh().available_replicas = 0;
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    // One stable pod is better than none at all; no stable pod is not.
    setting.stable().available_replicas = 1;
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    setting.stable().available_replicas = 0;
    EXPECT_EQ(setting.actions(), Texts{});
}

TEST(Decide, AnAbortMovesTrafficBeforeAnythingElse) {
    Setting setting;
    setting.route().weight = 20;
    setting.status.abort = true;
    setting.in_analysis(RunPhase::Running);
    const Texts actions = setting.actions();
    EXPECT_EQ(actions.front(), "set weight Nginx 0");
    EXPECT_TRUE(has(actions, "terminate shop-v2-2-0"));
    EXPECT_FALSE(has(actions, "point"));  // not before the weight was seen at 0
}

TEST(Decide, AFailedVerdictMovesTrafficInTheSamePass) {
    for (const auto phase : {RunPhase::Failed, RunPhase::Error}) {
        Setting setting;
        setting.route().weight = 20;
        setting.in_analysis(phase);
        EXPECT_EQ(setting.actions().front(), "set weight Nginx 0");
        EXPECT_TRUE(setting.decide_now().status.abort);
        EXPECT_EQ(setting.decide_now().status.aborted_at, now);
    }
}

TEST(Decide, AnAbortIsCarriedOutThoughTheSpecIsInvalid) {
    Setting setting;
    setting.route().weight = 20;
    setting.status.abort = true;
    setting.seen.problems = {"AnalysisTemplate 'errors' not found"};
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    EXPECT_EQ(setting.decide_now().status.message,
              "InvalidSpec: The Rollout \"shop\" is invalid: AnalysisTemplate 'errors' not found");
}

TEST(Decide, KeepsTheWeightWhileStableCouldNotTakeMore) {
    Setting setting;
    setting.route().weight = 50;
    setting.stable().available_replicas = 2;
    setting.spec.replicas = 10;
    setting.stable().spec_replicas = 10;
    const Texts actions = setting.actions();
    EXPECT_FALSE(has(actions, "set weight"));
}

// ---- the end of a canary ----

struct Promoted : Setting {
    Promoted() {
        status.stable_rs = "v2";
        status.current_step_index = 2;
        fresh() = set("v2", 3, 2);
        route().weight = 100;
        canary_service().ready_endpoints = std::map<std::string, long>{{"v2", 3}};
    }
};

TEST(Decide, LeavesTheWeightUntilTheStableServiceHasTheNewPods) {
    Promoted setting;
    EXPECT_EQ(setting.actions().front(), "point stable at v2");
    EXPECT_FALSE(has(setting.actions(), "set weight"));
    // The selector was switched, the endpoints still are the old ones, then a mix, then none.
    using Ready = std::map<std::string, long>;
    for (const Ready& ready :
         {Ready{{"v1", 3}}, Ready{{"v1", 1}, {"v2", 3}}, Ready{}, Ready{{"v2", 2}}}) {
        setting.stable_service() = service("stable", "v2", ready);
        EXPECT_FALSE(has(setting.actions(), "set weight"));
    }
    setting.stable_service() = service("stable", "v2", {{"v2", 3}});
    EXPECT_EQ(setting.actions().front(), "set weight Nginx 0");
}

TEST(Decide, DoesNotPromoteBeforeEverybodyWasSeenOnTheNewVersion) {
    Setting setting;
    setting.status.current_step_index = 2;
    setting.fresh() = set("v2", 3, 2);
    setting.canary_service().ready_endpoints = std::map<std::string, long>{{"v2", 3}};
    setting.route().weight = 20;
    EXPECT_EQ(setting.decide_now().status.stable_rs, "v1");
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 100"});
    setting.route().weight = 100;
    EXPECT_EQ(setting.decide_now().status.stable_rs, "v2");
    setting.fresh().available_replicas = 2;
    EXPECT_EQ(setting.decide_now().status.stable_rs, "v1");
}

TEST(Decide, KeepsPodsThatSomethingMayStillSendRequestsTo) {
    Promoted setting;
    // Neither while a Service selects them, nor while its endpoints still hold them.
    EXPECT_FALSE(has(setting.actions(), "scale down shop-v1"));
    setting.stable_service() = service("stable", "v2", {{"v1", 1}, {"v2", 3}});
    EXPECT_FALSE(has(setting.actions(), "scale down shop-v1"));
    setting.stable_service() = service("stable", "v2", {{"v2", 3}});
    EXPECT_TRUE(has(setting.actions(), "scale down shop-v1 at 2026-11-20T12:00:30Z"));
}

TEST(Decide, KeepsOnlyAsManyFormerVersionsAsTheLimitSays) {
    Promoted setting;
    setting.stable_service() = service("stable", "v2", {{"v2", 3}});
    setting.spec.canary->scale_down_delay_revision_limit = 1;
    setting.seen.replica_sets.push_back(set("v0", 3, 0));
    for (const char* name : {"v0", "v1"})
        for (auto& item : setting.seen.replica_sets)
            if (item.hash == name) item.scale_down_deadline = now + std::chrono::seconds{20};
    const Texts actions = setting.actions();
    EXPECT_TRUE(has(actions, "scale shop-v0 3 -> 0"));
    EXPECT_FALSE(has(actions, "scale shop-v1"));
}

// ---- which ReplicaSet is the declared version ----

TEST(Decide, AdoptsTheRecordedReplicaSetThoughTheHashChanged) {
    Setting setting;
    // Another version of the hash function; the template itself is as it was.
    setting.seen.rollout.template_hash = "other";
    EXPECT_EQ(setting.decide_now().status.current_pod_hash, "v2");
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 20"});
}

TEST(Decide, FindsAnEqualTemplateUnderAnyHash) {
    Setting setting;
    setting.seen.rollout.template_hash = "other";
    setting.seen.rollout.template_digest = "digest-v1";
    const Decision decision = setting.decide_now();
    EXPECT_EQ(decision.status.current_pod_hash, "v1");
    EXPECT_EQ(decision.status.current_step_index, 2);
    EXPECT_EQ(decision.events.front().reason, "SkipSteps");
}

TEST(Decide, TakesTheHashThoughAWebhookChangedTheStoredTemplate) {
    Setting setting;
    setting.fresh().template_digest = "mutated";
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 20"});
}

TEST(Decide, AdoptsOrphans) {
    Setting setting;
    setting.stable().owned = false;
    EXPECT_TRUE(has(setting.actions(), "adopt shop-v1"));
}

TEST(Decide, CreatesWhatIsMissingWithEverythingThatBelongsToIt) {
    Setting setting;
    setting.seen.replica_sets = {set("v1", 3, 7)};
    setting.seen.rollout.annotations["team"] = "a";
    setting.seen.rollout.annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
    setting.spec.min_ready_seconds = 4;
    const Decision decision = setting.decide_now();
    ASSERT_EQ(decision.actions.size(), 2U);
    EXPECT_EQ(decision.actions[1].action,
              (Action{CreateReplicaSet{"shop-v2",
                                       "v2",
                                       "digest-v2",
                                       {{"team", "a"},
                                        {crds::revision_annotation, "8"},
                                        {crds::desired_replicas_annotation, "3"}},
                                       4}}));
    EXPECT_EQ(decision.actions[0].events[0].message, "Rollout updated to revision 8");
    EXPECT_EQ(decision.actions[1].events[0].message, "Created ReplicaSet shop-v2 (revision 8)");
    EXPECT_EQ(decision.status, setting.status);
}

TEST(Decide, CountsACollisionWhereTheNameIsTaken) {
    Setting setting;
    setting.seen.replica_sets = {set("v1", 3, 1)};
    setting.seen.name_taken = true;
    EXPECT_EQ(setting.actions(), Texts{});
    EXPECT_EQ(setting.decide_now().status.collision_count, 1);
}

// ---- analysis ----

TEST(Decide, StartsARunAgainWhoseCreationWasLost) {
    Setting setting;
    setting.in_analysis(RunPhase::Running);
    setting.seen.analysis_runs.clear();
    EXPECT_TRUE(has(setting.actions(), "start shop-v2-2-0"));
    EXPECT_EQ(setting.decide_now().status.canary.current_step_analysis_run->name, "shop-v2-2-0");
}

TEST(Decide, TakesOverARunWhoseRecordWasLost) {
    Setting setting;
    setting.in_analysis(RunPhase::Running);
    setting.status.canary.current_step_analysis_run.reset();
    EXPECT_EQ(setting.decide_now().status.canary.current_step_analysis_run->name, "shop-v2-2-0");
    // One that is over belongs to an earlier attempt.
    setting.seen.analysis_runs[0].phase = RunPhase::Failed;
    EXPECT_EQ(setting.decide_now().status.canary.current_step_analysis_run->name, "shop-v2-2-0.1");
}

TEST(Decide, KeepsAsManyFinishedRunsAsTheLimitsSay) {
    Setting setting;
    setting.spec.successful_run_history_limit = 1;
    setting.spec.unsuccessful_run_history_limit = 2;
    const auto run = [](const char* name, RunPhase phase, int age, const char* hash = "v1") {
        return AnalysisRunSeen{
            .name = name, .hash = hash, .phase = phase, .created = now - std::chrono::minutes{age}};
    };
    setting.seen.analysis_runs = {
        run("good-new", RunPhase::Successful, 1),  run("good-old", RunPhase::Successful, 2),
        run("bad-new", RunPhase::Failed, 1),       run("bad-mid", RunPhase::Error, 2),
        run("bad-old", RunPhase::Inconclusive, 3), run("orphan", RunPhase::Successful, 0, "gone")};
    Texts deleted;
    for (const auto& text : setting.actions())
        if (text.starts_with("delete ")) deleted.push_back(text.substr(7));
    std::sort(deleted.begin(), deleted.end());
    EXPECT_EQ(deleted, (Texts{"bad-old", "good-new", "good-old", "orphan"}));
}

// ---- what stops a pass ----

TEST(Decide, LeavesARolloutThatIsBeingDeletedAlone) {
    Setting setting;
    setting.seen.rollout.deleting = true;
    EXPECT_EQ(setting.actions(), Texts{});
    EXPECT_EQ(setting.decide_now().status, setting.status);
}

TEST(Decide, WritesReplicasWhereTheyAreAbsent) {
    Setting setting;
    setting.spec.replicas.reset();
    EXPECT_EQ(setting.actions(), Texts{"set replicas 1"});
}

TEST(Decide, TellsWhatIsWrongWithAService) {
    const auto message = [](const Setting& setting) { return setting.decide_now().status.message; };
    Setting absent;
    absent.stable_service().exists = false;
    EXPECT_EQ(message(absent),
              "InvalidSpec: The Rollout \"shop\" is invalid: spec.strategy.canary.stableService: "
              "Invalid value: \"stable\": service \"stable\" not found");
    Setting label;
    label.canary_service().selector["tier"] = "x";
    EXPECT_EQ(
        message(label),
        "InvalidSpec: The Rollout \"shop\" is invalid: spec.strategy.canary.canaryService: "
        "Invalid value: \"canary\": Service \"canary\" has unmatch label \"tier\" in rollout");
    Setting managed;
    managed.canary_service().managed_by = "other";
    EXPECT_EQ(message(managed),
              "InvalidSpec: The Rollout \"shop\" is invalid: spec.strategy.canary.canaryService: "
              "Invalid value: \"canary\": Service \"canary\" is managed by another Rollout");
    EXPECT_EQ(managed.decide_now().look_again_after, std::chrono::seconds{20});
}

TEST(Decide, AServiceThatNobodyManagedWaitsForAllPods) {
    Setting setting;
    setting.canary_service() = {.name = "canary", .selector = {{"app", "shop"}}};
    setting.spec.replicas = 30;  // three canary pods for 10 %
    setting.spec.canary->steps[0] = crds::SetWeightStep{10};
    setting.fresh() = set("v2", 3, 2);
    setting.fresh().available_replicas = 2;
    EXPECT_FALSE(has(setting.actions(), "point canary"));
    setting.fresh().available_replicas = 3;
    EXPECT_TRUE(has(setting.actions(), "point canary at v2"));
}

TEST(Decide, AUsersPauseStopsSizesAndStepsButNotTraffic) {
    Setting setting;
    setting.spec.paused = true;
    setting.fresh().desired_replicas = 1;
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 20"});
    setting.route().weight = 20;
    EXPECT_EQ(setting.decide_now().status.current_step_index, 0);
}

// The same observation gives the same decision, and a repeated pass asks for nothing new.
TEST(Decide, IsAFunction) {
    const Setting setting;
    EXPECT_EQ(setting.decide_now(), setting.decide_now());
    Setting settled;
    settled.route().weight = 20;
    settled.status = settled.decide_now().status;
    settled.status = settled.decide_now().status;
    settled.status = settled.decide_now().status;
    EXPECT_EQ(settled.decide_now().status, settled.status);
    EXPECT_TRUE(settled.decide_now().actions.empty());
    EXPECT_TRUE(settled.decide_now().events.empty());
}

// ---- phase ----

struct PhaseCase {
    const char* phase;
    const char* message;
    void (*bend)(crds::RolloutSpec&, crds::RolloutStatus&);
};

const PhaseCase phases[] = {
    {"Healthy", "", [](auto&, auto&) {}},
    {"Degraded", "RolloutAborted: m",
     [](auto&, auto& s) { s.conditions[0].reason = "RolloutAborted"; }},
    {"Degraded", "ProgressDeadlineExceeded: m",
     [](auto&, auto& s) { s.conditions[0].reason = "ProgressDeadlineExceeded"; }},
    {"Degraded", "InvalidSpec: m", [](auto&, auto& s) { s.conditions[0].type = "InvalidSpec"; }},
    {"Paused", "manually paused", [](auto& spec, auto&) { spec.paused = true; }},
    {"Paused", "BlueGreenPause",
     [](auto&, auto& s) {
         s.pause_conditions = {{crds::PauseReason::BlueGreenPause, now}};
     }},
    {"Progressing", "rollout is restarting", [](auto& spec, auto&) { spec.restart_at = now; }},
    {"Progressing", "more replicas need to be updated",
     [](auto&, auto& s) { s.updated_replicas = 2; }},
    {"Progressing", "updated replicas are still becoming available",
     [](auto&, auto& s) { s.available_replicas = 2; }},
    {"Progressing", "old replicas are pending termination", [](auto&, auto& s) { s.replicas = 4; }},
    {"Progressing", "waiting for all steps to complete",
     [](auto&, auto& s) { s.stable_rs = "v1"; }},
};

TEST(Phase, IsUpstreamsForEveryState) {
    for (const auto& row : phases) {
        crds::RolloutSpec spec;
        spec.replicas = 3;
        spec.canary = crds::CanaryStrategy{};
        crds::RolloutStatus status{.current_pod_hash = "v2",
                                   .stable_rs = "v2",
                                   .replicas = 3,
                                   .updated_replicas = 3,
                                   .available_replicas = 3};
        status.conditions = {{"Progressing", crds::ConditionStatus::True, "R", "m", now, now}};
        row.bend(spec, status);
        EXPECT_EQ(phase_of(spec, status),
                  (std::pair<std::string, std::string>{row.phase, row.message}));
    }
}

}  // namespace rollout_decide_test
}  // namespace sluice::policy::rollout
