// SPDX-License-Identifier: Apache-2.0
// Decisions about worlds that stories cannot show: half-written routes, runs that are not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/policy/rollout/decision.hpp"

namespace sluice::policy::rollout {
namespace care_test {

Json manifest() {
    return Json::parse(R"({
      "metadata": {"name": "shop", "namespace": "default", "uid": "uid", "generation": 2,
                   "annotations": {"rollout.argoproj.io/revision": "2"}},
      "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "shop"}},
        "template": {"metadata": {"labels": {"app": "shop"}},
                     "spec": {"containers": [{"name": "shop", "image": "shop:v2"}]}},
        "strategy": {"canary": {"canaryService": "c", "stableService": "s",
          "trafficRouting": {"nginx": {"stableIngresses": ["a", "b"]}},
          "steps": [{"setWeight": 50}, {"pause": {}}]}}},
      "status": {"stableRS": "v1", "currentPodHash": "v2", "currentStepIndex": 0,
                 "observedGeneration": "2"}})");
}

// In the middle of step 0: pods and Services are there, and the weight was written.
struct World {
    explicit World(const Json& document = manifest()) : rollout(crds::decode_rollout(document)) {
        rollout.status.current_step_hash = rollout.step_hash;
        seen.rollout = {.ns = "default",
                        .name = "shop",
                        .uid = "uid",
                        .generation = 2,
                        .annotations = rollout.metadata.annotations,
                        .template_hash = "v2",
                        .template_digest = "digest-v2",
                        .template_labels = rollout.pod_template.labels,
                        .step_hash = rollout.step_hash};
        add("v1", 2, 1);
        add("v2", 1, 2);
        seen.services = {{.name = "c", .selector = {{"rollouts-pod-template-hash", "v2"}}},
                         {.name = "s", .selector = {{"rollouts-pod-template-hash", "v1"}}}};
        seen.routes = {{.router = "Nginx", .weight = 50}};
    }
    void add(const std::string& hash, long size, long revision) {
        seen.replica_sets.push_back({.name = "shop-" + hash,
                                     .uid = "uid-" + hash,
                                     .hash = hash,
                                     .template_digest = "digest-" + hash,
                                     .spec_replicas = size,
                                     .replicas = size,
                                     .ready_replicas = size,
                                     .available_replicas = size,
                                     .created = TimePoint{std::chrono::hours{revision}},
                                     .revision = revision,
                                     .desired_replicas = 2});
    }
    [[nodiscard]] Decision decide() const {
        return rollout::decide(rollout.spec, rollout.status, seen,
                               TimePoint{std::chrono::hours{9}});
    }

    crds::Rollout rollout;
    Observation seen;
};

TEST(RolloutCare, AWeightThatOneOfTwoObjectsHasIsNotInForce) {
    World world;
    EXPECT_EQ(world.decide().status.current_step_index, 1);
    world.seen.routes[0].settled = false;
    const auto decision = world.decide();
    EXPECT_EQ(decision.status.current_step_index, 0);
    EXPECT_FALSE(decision.status.canary.weights);
}

TEST(RolloutCare, AWeightThatRoutersDisagreeAboutIsNotRecorded) {
    World world;
    world.seen.routes.push_back({.router = "Istio", .weight = 20});
    EXPECT_FALSE(world.decide().status.canary.weights);
}

TEST(RolloutCare, NoStepEndsBesideABackgroundRunThatIsNotThere) {
    Json document = manifest();
    document["spec"]["strategy"]["canary"]["analysis"]["templates"] = {{{"templateName", "t"}}};
    World world(document);
    auto decision = world.decide();
    EXPECT_EQ(decision.status.current_step_index, 0);
    ASSERT_TRUE(decision.status.canary.current_background_analysis_run);
    const auto name = decision.status.canary.current_background_analysis_run->name;

    world.rollout.status = decision.status;
    EXPECT_EQ(world.decide().status.current_step_index, 0);
    world.seen.analysis_runs.push_back(
        {.name = name, .type = RunType::Background, .hash = "v2", .phase = RunPhase::Running});
    EXPECT_EQ(world.decide().status.current_step_index, 1);
}

TEST(RolloutCare, AReplicaSetWithoutARevisionIsNotTheDeclaredOne) {
    World world;
    world.seen.replica_sets.pop_back();
    world.add("", 2, 0);
    world.seen.replica_sets.back().name = "by-hand";
    world.seen.replica_sets.back().template_digest = "digest-v2";
    const auto decision = world.decide();
    EXPECT_TRUE(std::ranges::any_of(decision.actions, [](const auto& planned) {
        return std::holds_alternative<CreateReplicaSet>(planned.action);
    }));
}

}  // namespace care_test
}  // namespace sluice::policy::rollout
