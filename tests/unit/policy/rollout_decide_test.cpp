// SPDX-License-Identifier: Apache-2.0
// Decisions that a story cannot show: stale, partial or odd observations. Stories of whole rollouts
// stand in tests/scenarios/rollout.
#include <gtest/gtest.h>

#include "controller/policy/rollout/status.hpp"
#include "crds/rollout_conditions.hpp"
#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace rollout_decide_test {

using namespace rollout_setting;

// ---- which ReplicaSet is the declared version ----

TEST(Decide, AdoptsTheRecordedReplicaSetThoughTheHashChanged) {
    Setting setting;
    // Another version of the hash function; the template itself is as it was.
    setting.seen.rollout.template_hash = "other";
    // Nor does an older ReplicaSet with the same template take its place.
    setting.seen.replica_sets.push_back(set("v0", 0, 0));
    setting.seen.replica_sets.back().template_digest = "digest-v2";
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
    EXPECT_EQ(deleted, (Texts{"bad-old", "good-old", "orphan"}));
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
