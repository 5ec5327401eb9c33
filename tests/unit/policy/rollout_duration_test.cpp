// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "crds/rollout_conditions.hpp"
#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace rollout_duration_test {

using namespace rollout_setting;
using std::chrono::seconds;

// Begun two minutes ago; at its pause, which nobody has ended yet.
struct Begun : Setting {
    Begun() {
        status.current_step_index = 1;
        status.controller_pause = true;
        status.pause_conditions = {{crds::PauseReason::CanaryPauseStep, now - seconds{60}}};
        status.duration = crds::RolloutDuration{.started = now - seconds{120},
                                                .manual_pause_started = now - seconds{60}};
        route().weight = 20;
    }
};

TEST(Duration, BeginsWithANewVersion) {
    Setting setting;
    setting.status.current_pod_hash = "v1";
    setting.status.current_step_index = 2;
    const auto duration = setting.decide_now().status.duration;
    ASSERT_TRUE(duration);
    EXPECT_EQ(*duration, crds::RolloutDuration{.started = now});
}

TEST(Duration, CountsApartWhatItWaitsForPeople) {
    Begun setting;
    EXPECT_EQ(setting.decide_now().status.duration, setting.status.duration);
    // A person goes on.
    setting.status.pause_conditions.clear();
    const auto duration = setting.decide_now().status.duration;
    ASSERT_TRUE(duration);
    EXPECT_FALSE(duration->manual_pause_started);
    EXPECT_EQ(duration->manual_pause_seconds, 60);
    EXPECT_FALSE(duration->finished);
}

TEST(Duration, EndsWithAnAbortAndBeginsAnewWithARetry) {
    Begun setting;
    setting.status.abort = true;
    const auto decision = setting.decide_now();
    ASSERT_TRUE(decision.ended);
    EXPECT_EQ(decision.ended, decision.status.duration);
    EXPECT_EQ(decision.ended->completion, "Aborted");
    EXPECT_EQ(decision.ended->finished, now);
    EXPECT_EQ(decision.ended->manual_pause_seconds, 60);
    setting.status = decision.status;
    EXPECT_FALSE(setting.decide_now().ended);
    setting.status.abort = false;
    EXPECT_EQ(setting.decide_now().status.duration, crds::RolloutDuration{.started = now});
}

TEST(Duration, TellsWhatCameOfIt) {
    Begun setting;
    setting.status.stable_rs = "v2";
    setting.status.current_step_index = 2;
    setting.fresh() = set("v2", 3, 2);
    EXPECT_EQ(setting.decide_now().ended->completion, "Promoted");
    setting.status.duration->completion = "FastPromoted";
    EXPECT_EQ(setting.decide_now().ended->completion, "FastPromoted");
}

TEST(Duration, EndsWhenAnotherVersionComes) {
    Begun setting;
    setting.seen.rollout.template_hash = "v3";
    setting.seen.rollout.template_digest = "digest-v3";
    setting.seen.replica_sets.push_back(set("v3", 0, 3));
    const auto decision = setting.decide_now();
    ASSERT_TRUE(decision.ended);
    EXPECT_EQ(decision.ended->completion, "Superseded");
    EXPECT_EQ(decision.status.duration, crds::RolloutDuration{.started = now});
}

TEST(Duration, GoesOnWhereAUserGoesBack) {
    Begun setting;
    setting.seen.rollout.template_hash = "v1";
    setting.seen.rollout.template_digest = "digest-v1";
    const auto decision = setting.decide_now();
    ASSERT_TRUE(decision.status.duration);
    EXPECT_EQ(decision.status.duration->completion, "FastRolledBack");
    EXPECT_EQ(decision.status.duration->started, now - seconds{120});
}

}  // namespace rollout_duration_test
}  // namespace sluice::policy::rollout
