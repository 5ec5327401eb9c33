// SPDX-License-Identifier: Apache-2.0
// The condition ClockSet: a pause that began later than now.
#include <gtest/gtest.h>

#include "crds/rollout_conditions.hpp"
#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace set_clock_test {

using namespace rollout_setting;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// In a pause of ten minutes that began `ahead` of now.
struct Paused : Setting {
    explicit Paused(Duration ahead) {
        spec.canary->steps[1] = crds::PauseStep{.duration = minutes{10}, .text = "10m"};
        status.current_step_index = 1;
        status.controller_pause = true;
        status.pause_conditions = {{crds::PauseReason::CanaryPauseStep, now + ahead}};
        route().weight = 20;
    }
};

const crds::Condition* said(const crds::RolloutStatus& status) {
    return crds::find_condition(status, crds::condition_types::clock_set);
}

TEST(ClockSet, APauseThatBeganLaterThanNowBeginsAnewAndSaysSo) {
    Paused setting(hours{2});
    const auto decision = setting.decide_now();
    ASSERT_EQ(decision.status.pause_conditions.size(), 1u);
    EXPECT_EQ(decision.status.pause_conditions[0].start_time, now);
    EXPECT_EQ(decision.look_again_after, Duration{minutes{10}} + Duration{1});
    ASSERT_TRUE(said(decision.status));
    EXPECT_EQ(said(decision.status)->message,
              "the pause of step 2/2 began at 2026-11-20T14:00:00Z, which is 2h0m0s from now: this "
              "machine's clock was set back, or that of another controller runs ahead; the pause "
              "begins anew and ends at 2026-11-20T12:10:00Z; compare the clocks (timedatectl); to "
              "go on at once: sluice promote shop -n default");
}

TEST(ClockSet, IsSaidForAsLongAsThatPauseLasts) {
    Paused setting(hours{2});
    setting.status = setting.decide_now().status;
    const auto waiting = setting.decide_now().status;
    ASSERT_TRUE(said(waiting));
    EXPECT_EQ(*said(waiting), *said(setting.status));

    setting.status.pause_conditions[0].start_time = now - minutes{11};
    EXPECT_FALSE(said(setting.decide_now().status));
}

TEST(ClockSet, ClocksThatAreKeptInStepSayNothing) {
    Paused setting(seconds{3});
    const auto status = setting.decide_now().status;
    EXPECT_FALSE(said(status));
    EXPECT_EQ(status.pause_conditions[0].start_time, now + seconds{3});
}

TEST(ClockSet, APauseForAPersonHasNoEndThatCouldMove) {
    Paused setting(hours{2});
    setting.spec.canary->steps[1] = crds::PauseStep{};
    EXPECT_FALSE(said(setting.decide_now().status));
}

}  // namespace set_clock_test
}  // namespace sluice::policy::rollout
