// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/policy/rollout_setting.hpp"

namespace sluice::policy::rollout {
namespace rollout_pod_metadata_test {

using namespace rollout_setting;

const crds::PodMetadata of_canary{{{"role", "canary"}}, {}};
const crds::PodMetadata of_stable{{{"tier", "stable"}}, {}};

// v2 has just become stable; its one pod is still dressed as a canary.
struct Promoted : Setting {
    Promoted() {
        spec.canary->canary_metadata = of_canary;
        spec.canary->stable_metadata = of_stable;
        spec.replicas = 1;
        status.stable_rs = "v2";
        status.current_step_index = 2;
        route().weight = 0;
        stable_service() = service("stable", "v2", {{"v2", 1}});
        seen.replica_sets.erase(seen.replica_sets.begin());
        seen.replica_sets[0].desired_replicas = 1;
        dress(of_canary);
        seen.pods = {{.name = "p",
                      .replica_set = "shop-v2",
                      .created = now,
                      .ready_since = now,
                      .marks = {label_mark("role", "canary")}}};
    }
    void dress(const crds::PodMetadata& metadata) {
        seen.replica_sets[0].annotations[crds::ephemeral_metadata_annotation] =
            crds::pod_metadata_text(metadata);
    }
};

TEST(PodMetadata, RemembersWhatIsTakenAwayUntilNoPodCarriesIt) {
    Promoted setting;
    const auto actions = setting.decide_now().actions;
    ASSERT_EQ(actions.size(), 2U);
    const crds::PodMetadata both{{{"role", "canary"}, {"tier", "stable"}}, {}};
    EXPECT_EQ(actions[0].action, (Action{InjectMetadata{"shop-v2", of_stable, both}}));
    EXPECT_EQ(actions[1].action, (Action{LabelPods{{"p"}, of_canary, of_stable}}));
    // Killed after the first: the pod is found again.
    setting.dress(both);
    EXPECT_EQ(setting.actions(), Texts{R"(label p with {"labels":{"tier":"stable"}})"});
    // Once it is right nothing is left to remember.
    setting.seen.pods[0].marks = {label_mark("tier", "stable")};
    EXPECT_EQ(setting.actions(), Texts{R"(inject {"labels":{"tier":"stable"}} into shop-v2)"});
    setting.dress(of_stable);
    EXPECT_EQ(setting.actions(), Texts{});
}

TEST(PodMetadata, LeavesPodsOnTheirWayOutAlone) {
    Promoted setting;
    setting.seen.pods[0].deleting = true;
    setting.dress(of_stable);
    EXPECT_EQ(setting.actions(), Texts{});
}

TEST(PodMetadata, NeverTouchesLabelsThatSelectPods) {
    Promoted setting;
    setting.spec.canary->stable_metadata = {{{"app", "other"}}, {}};
    setting.dress({});
    setting.seen.pods[0].marks = {label_mark("app", "shop")};
    EXPECT_EQ(setting.actions(), Texts{});
}

TEST(AntiAffinity, KeepsTheNewVersionOffTheStableOnesNodes) {
    Setting setting;
    setting.spec.canary->anti_affinity = crds::PodAntiAffinity{.preferred = true, .weight = 3};
    setting.seen.replica_sets = {set("v1", 3, 1)};
    const auto actions = setting.decide_now().actions;
    ASSERT_FALSE(actions.empty());
    const auto* create = std::get_if<CreateReplicaSet>(&actions.back().action);
    ASSERT_TRUE(create);
    EXPECT_EQ(create->anti_affinity, (crds::AntiAffinity{true, 3, "v1"}));
    setting.status.stable_rs.clear();
    const auto first = setting.decide_now().actions;
    EXPECT_FALSE(std::get<CreateReplicaSet>(first.back().action).anti_affinity);
}

TEST(AntiAffinity, FollowsAStableVersionThatChanged) {
    Setting setting;
    setting.spec.canary->anti_affinity = crds::PodAntiAffinity{.required = true};
    setting.fresh().anti_affinity = "v0";
    EXPECT_TRUE(has(setting.actions(), "update shop-v2 antiAffinity=v1"));
    setting.fresh().anti_affinity = "v1";
    EXPECT_FALSE(has(setting.actions(), "update"));
}

}  // namespace rollout_pod_metadata_test
}  // namespace sluice::policy::rollout
