// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace rollout_restart_test {

using namespace rollout_setting;
using std::chrono::hours;
using std::chrono::seconds;

// At its pause, with nothing else to do; every pod is an hour old and a restart is asked for.
struct Restarting : Setting {
    Restarting() {
        status.current_step_index = 1;
        status.controller_pause = true;
        status.pause_conditions = {{crds::PauseReason::CanaryPauseStep, now}};
        route().weight = 20;
        spec.canary->max_unavailable = IntOrString{1, ""};
        spec.restart_at = now - seconds{60};
        for (const char* name : {"a", "b", "c"}) add(name, "shop-v1");
        add("d", "shop-v2");
    }
    void add(const char* name, const char* set) {
        seen.pods.push_back({.name = name,
                             .replica_set = set,
                             .created = now - hours{1},
                             .ready_since = now - hours{1}});
    }
};

TEST(Restart, TakesNoMoreThanMaxUnavailable) {
    Restarting setting;
    EXPECT_EQ(setting.actions(), Texts{"evict a"});
    EXPECT_EQ(setting.decide_now().look_again_after, seconds{30});
    EXPECT_FALSE(setting.decide_now().status.restarted_at);
    setting.spec.canary->max_unavailable = IntOrString{3, ""};
    EXPECT_EQ(setting.actions(), (Texts{"evict a", "evict b"}));  // and not stable's last
}

TEST(Restart, WaitsForThoseThatAreAway) {
    Restarting setting;
    setting.seen.pods[0].deleting = true;
    EXPECT_EQ(setting.actions(), Texts{});
    // Ready is not available before minReadySeconds.
    setting.seen.pods[0] = {.name = "new", .replica_set = "shop-v1", .created = now};
    setting.seen.pods[0].ready_since = now - seconds{5};
    EXPECT_EQ(setting.actions(), Texts{"evict b"});
    setting.spec.min_ready_seconds = 6;
    for (auto& set : setting.seen.replica_sets) set.min_ready_seconds = 6;
    EXPECT_EQ(setting.actions(), Texts{});
}

TEST(Restart, IsOverOnceNoOlderPodIsSeen) {
    Restarting setting;
    for (auto& pod : setting.seen.pods) pod.created = *setting.spec.restart_at;
    EXPECT_EQ(setting.decide_now().status.restarted_at, setting.spec.restart_at);
    EXPECT_EQ(setting.actions(), Texts{});
    // One on its way out is still there.
    setting.seen.pods[3].created -= seconds{1};
    setting.seen.pods[3].deleting = true;
    EXPECT_FALSE(setting.decide_now().status.restarted_at);
}

TEST(Restart, WaitsForItsTime) {
    Restarting setting;
    setting.spec.restart_at = now + seconds{90};
    EXPECT_EQ(setting.actions(), Texts{});
    EXPECT_GT(setting.decide_now().look_again_after, seconds{90});
    EXPECT_LT(setting.decide_now().look_again_after, seconds{91});
}

TEST(Restart, KeepsSizesUntilItShowsInTheCounts) {
    Restarting setting;
    setting.spec.replicas = 2;
    EXPECT_TRUE(has(setting.actions(), "evict a"));
    EXPECT_FALSE(has(setting.actions(), "scale"));
    setting.spec.restart_at.reset();
    EXPECT_TRUE(has(setting.actions(), "scale shop-v1 3 -> 2"));
}

TEST(Restart, ComesAfterTraffic) {
    Restarting setting;
    setting.status.abort = true;
    EXPECT_TRUE(has(setting.actions(), "set weight Nginx 0"));
    EXPECT_FALSE(has(setting.actions(), "evict"));
}

TEST(Restart, TakesUsersOffTheOnlyCanaryPodFirst) {
    Restarting setting;
    for (size_t i = 0; i < 3; ++i) setting.seen.pods[i].created = now;
    EXPECT_EQ(setting.actions(), Texts{"set weight Nginx 0"});
    setting.route().weight = 0;
    EXPECT_EQ(setting.actions(), Texts{"evict d"});
}

}  // namespace rollout_restart_test
}  // namespace sluice::policy::rollout
