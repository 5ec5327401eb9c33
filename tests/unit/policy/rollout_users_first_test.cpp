// SPDX-License-Identifier: Apache-2.0
// What must not hold up users: specs that are wrong, ReplicaSets that cannot be made, names that
// are taken.
#include <gtest/gtest.h>

#include "crds/rollout_conditions.hpp"
#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace rollout_users_first_test {

using namespace rollout_setting;

// A fifth of the users is on v2.
struct Underway : Setting {
    Underway() {
        route().weight = 20;
        status.canary.weights->canary.weight = 20;
    }
    void declare(const char* version) {
        seen.rollout.template_hash = version;
        seen.rollout.template_digest = concat("digest-", version);
    }
};

TEST(UsersFirst, AnotherVersionIsMadeAfterUsersHaveLeftTheLast) {
    Underway setting;
    setting.declare("v3");
    const auto actions = setting.actions();
    ASSERT_GE(actions.size(), 2U);
    EXPECT_EQ(actions.front(), "set weight Nginx 0");
    EXPECT_EQ(actions.back(), "create shop-v3");
    // Nor does a name that is taken keep them there.
    setting.seen.name_taken = true;
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
}

TEST(UsersFirst, AnUndoIsServedThoughTheSpecIsWrong) {
    Underway setting;
    setting.seen.problems = {"AnalysisTemplate 'errors' not found"};
    EXPECT_EQ(setting.actions(), Texts{});
    setting.declare("v1");
    EXPECT_EQ(setting.actions(), (Texts{"set weight Nginx 0", "point canary at v1"}));
    EXPECT_FALSE(setting.decide_now().status.abort);
}

TEST(UsersFirst, AWrongSpecTakesNobodysService) {
    Underway setting;
    setting.declare("v1");
    setting.canary_service().managed_by = "another";
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    EXPECT_EQ(setting.decide_now().status.phase, "Degraded");
}

TEST(UsersFirst, ALowerWeightIsSeenBeforePodsGo) {
    Underway setting;
    setting.status.canary.weights->canary.weight = 100;
    setting.route().weight = 100;
    setting.fresh() = set("v2", 3, 2);
    setting.canary_service() = service("canary", "v2", {{"v2", 3}});
    // With pods for another weight than the step's it goes to that of the step before.
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    setting.route().weight = 0;
    EXPECT_EQ(setting.actions(), Texts{"scale shop-v2 3 -> 1"});
}

// The last pass took the weight back (another version had it) and did not get to record that.
TEST(UsersFirst, StableDoesNotShrinkForAWeightThatHasGone) {
    Underway setting;
    setting.spec.canary->dynamic_stable_scale = true;
    setting.spec.canary->steps = {crds::SetWeightStep{40}};
    setting.status.canary.weights =
        crds::TrafficWeights{{40, "canary", "v2"}, {60, "stable", "v1"}};
    setting.fresh() = set("v2", 2, 2);
    setting.canary_service() = service("canary", "v2", {});  // nobody is sent there yet
    setting.route().weight = 0;
    EXPECT_EQ(setting.actions(), Texts{});
    setting.route().weight = 40;
    EXPECT_EQ(setting.actions(), Texts{"scale shop-v1 3 -> 2"});
}

TEST(UsersFirst, AFullPromotionMovesAsManyAsTheCanaryCanTake) {
    Underway setting;
    setting.spec.canary->dynamic_stable_scale = true;
    setting.status.promote_full = true;
    setting.fresh().spec_replicas = 3;
    setting.fresh().available_replicas = 2;
    setting.canary_service() = service("canary", "v2", {{"v2", 2}});
    EXPECT_TRUE(has(setting.actions(), "set weight Nginx 66"));
    // Without dynamicStableScale the weight waits for the end.
    setting.spec.canary->dynamic_stable_scale = false;
    EXPECT_FALSE(has(setting.actions(), "set weight"));
}

TEST(Steps, AnotherWayOfHashingThemIsNoOtherStep) {
    Setting setting;
    setting.status.current_step_index = 1;
    setting.route().weight = 20;
    setting.seen.rollout.step_hash = "hashed anew";
    const auto kept = setting.decide_now().status;
    EXPECT_EQ(kept.current_step_index, 1);
    EXPECT_EQ(kept.current_step_hash, "hashed anew");
    // A spec that nobody has carried out yet has other steps.
    setting.seen.rollout.generation = 2;
    EXPECT_EQ(setting.decide_now().status.current_step_index, 0);
    setting.seen.rollout.generation = 1;
    crds::set_condition(setting.status, {crds::condition_types::invalid_spec,
                                         crds::ConditionStatus::True, "InvalidSpec", "", now, now});
    EXPECT_EQ(setting.decide_now().status.current_step_index, 0);
}

TEST(Analysis, StepsAroundANameThatIsTaken) {
    Setting setting;
    setting.in_analysis(RunPhase::Running);
    setting.seen.analysis_runs.clear();
    setting.seen.taken_run_names = {"shop-v2-2-0"};
    EXPECT_TRUE(has(setting.actions(), "start shop-v2-2-0.1"));
    EXPECT_EQ(setting.decide_now().status.canary.current_step_analysis_run->name, "shop-v2-2-0.1");
}

}  // namespace rollout_users_first_test
}  // namespace sluice::policy::rollout
