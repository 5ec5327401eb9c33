// SPDX-License-Identifier: Apache-2.0
// Where requests go: never to pods that are not there, never to a version that has not earned them.
#include <gtest/gtest.h>

#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace rollout_traffic_test {

using namespace rollout_setting;

// ---- weights ----

TEST(Decide, RaisesTheWeightOnceEverythingIsInPlace) {
    EXPECT_EQ(Setting().actions(), Texts{"set weight Nginx 20"});
}

SetWeight asked_weight(const Setting& setting) {
    for (const auto& planned : setting.decide_now().actions)
        if (const auto* action = std::get_if<SetWeight>(&planned.action)) return *action;
    return {};
}

TEST(Decide, SaysWhichWeightItWasDecidedOn) {
    Setting setting;
    setting.route().weight = 5;
    EXPECT_EQ(asked_weight(setting).from, 5);
    // The same weight in another form is no fall either.
    setting.route().weight = 20;
    setting.route().settled = false;
    EXPECT_EQ(asked_weight(setting).from, 20);
    setting.status.abort = true;
    EXPECT_EQ(asked_weight(setting).weight, 0);
    EXPECT_EQ(asked_weight(setting).from, 20);
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

struct StableDown : Setting {
    StableDown() { stable().available_replicas = 0; }
};

// Everything begins with a weight of 0, and that takes nothing from anybody.
TEST(Decide, AStableThatIsDownHoldsUpNoFirstWeight) {
    StableDown setting;
    setting.route().weight.reset();
    setting.canary_service() = service("canary", "v1", {});
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    setting.route().weight = 0;
    EXPECT_EQ(setting.actions(), Texts{"point canary at v2"});
    setting.canary_service() = service("canary", "v2", {{"v2", 1}});
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 20"});
    // A canary that is down needs none.
    setting.route().weight.reset();
    setting.fresh().available_replicas = 0;
    EXPECT_EQ(setting.actions(), Texts{});
}

TEST(Decide, AStableThatIsDownHoldsUpNoSwitchOfAnIdleSubset) {
    StableDown setting;
    setting.seen.replica_sets.push_back(set("v0", 3, 0));
    setting.route() = {.router = "Istio",
                       .weight = 0,
                       .by_subset = true,
                       .canary_subset_hash = "v3",
                       .stable_subset_hash = "v0"};
    // Nobody is taken from the pods that still serve, though they are no longer stable's.
    EXPECT_EQ(setting.actions().front(), "set weight Istio 0 subsets v0/v2");
    const auto kept = [&] {
        const auto action = std::get<SetWeight>(setting.decide_now().actions.front().action);
        return std::pair(action.keep_stable_subset, action.keep_canary_subset);
    };
    EXPECT_EQ(kept(), std::pair(true, false));
    setting.route().stable_subset_hash.clear();
    EXPECT_EQ(setting.actions().front(), "set weight Istio 0 subsets /v2");
    setting.route().canary_subset_hash = "v2";
    EXPECT_EQ(setting.actions().front(), "set weight Istio 20 subsets /v2");
    setting.route().stable_subset_hash = "v4";  // no pods: nothing to lose
    EXPECT_EQ(setting.actions().front(), "set weight Istio 20 subsets v1/v2");
    setting.route().stable_subset_hash = "v0";
    setting.stable().available_replicas = 3;
    EXPECT_EQ(setting.actions().front(), "set weight Istio 20 subsets v1/v2");
    EXPECT_EQ(kept(), std::pair(false, false));
    // No more users for pods that it did not see there; fewer wherever they are.
    setting.route().weight = 10;
    EXPECT_EQ(kept(), std::pair(false, false));
    setting.route().weight = 30;
    EXPECT_EQ(kept(), std::pair(false, true));
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
    EXPECT_EQ(actions[1], "point canary at v1");
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
    EXPECT_EQ(setting.actions(), (Texts{"set weight Nginx 0", "point canary at v1"}));
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

// dynamicStableScale: stable is still growing, so some users have to stay for now.
TEST(Decide, AScaleDownDeadlineWaitsForTheLastUser) {
    Setting setting;
    setting.spec.canary->dynamic_stable_scale = true;
    setting.spec.canary->abort_scale_down_delay_seconds = 5;
    setting.status.abort = true;
    setting.status.canary.weights =
        crds::TrafficWeights{{60, "canary", "v2"}, {40, "stable", "v1"}};
    setting.stable().available_replicas = 2;
    setting.fresh() = set("v2", 2, 2);
    setting.fresh().scale_down_deadline = now - std::chrono::seconds{1};
    setting.canary_service().ready_endpoints = std::map<std::string, long>{{"v2", 2}};
    setting.route().weight = 34;
    EXPECT_FALSE(has(setting.actions(), "scale shop-v2"));
    setting.route().weight = 0;
    EXPECT_TRUE(has(setting.actions(), "scale shop-v2 2 -> 0"));
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

}  // namespace rollout_traffic_test
}  // namespace sluice::policy::rollout
