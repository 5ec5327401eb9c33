// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/replica_set.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::standalone::workloads {
namespace {

using std::chrono::seconds;

constexpr TimePoint noon{seconds{1'800'000'000}};

ReplicaSetView three_replicas() {
    return {.ns = "shop",
            .name = "web",
            .uid = "rs-1",
            .selector = {.match_labels = {{"app", "web"}}},
            .template_labels = {{"app", "web"}, {"tier", "front"}},
            .replicas = 3,
            .generation = 7};
}

PodView ready_pod(const std::string& name) {
    return {.ns = "shop",
            .name = name,
            .uid = "uid-" + name,
            .labels = {{"app", "web"}, {"tier", "front"}},
            .controller = OwnerReference{"apps/v1", "ReplicaSet", "web", "rs-1", true},
            .created = noon - seconds{100},
            .node = "local",
            .phase = "Running",
            .ready = true,
            .ready_since = noon - seconds{50}};
}

ReplicaSetDecision decide(const ReplicaSetView& rs, const std::vector<PodView>& pods) {
    return decide_replica_set(rs, pods, noon);
}

using Names = std::vector<std::string>;

TEST(ReplicaSet, MakesWhatIsMissing) {
    const auto decision = decide(three_replicas(), {ready_pod("a")});
    EXPECT_EQ(decision.create, 2);
    EXPECT_TRUE(decision.remove.empty());
    EXPECT_EQ(decision.status, (ReplicaSetStatus{1, 1, 1, 1, 7}));
}

TEST(ReplicaSet, PodsOnTheirWayOutDoNotCount) {
    auto going = ready_pod("b");
    going.terminating = true;
    auto failed = ready_pod("c");
    failed.phase = "Failed";
    const auto decision = decide(three_replicas(), {ready_pod("a"), going, failed});
    EXPECT_EQ(decision.create, 2);
    EXPECT_EQ(decision.status.replicas, 1);
}

TEST(ReplicaSet, OneThatIsBeingDeletedMakesNothing) {
    auto rs = three_replicas();
    rs.deleting = true;
    EXPECT_FALSE(decide(rs, {}).acts());
}

TEST(ReplicaSet, MatchingOrphanIsAdoptedAndCounted) {
    auto orphan = ready_pod("o");
    orphan.controller.reset();
    const auto decision = decide(three_replicas(), {ready_pod("a"), orphan});
    EXPECT_EQ(decision.adopt, Names{"o"});
    EXPECT_EQ(decision.create, 1);
}

TEST(ReplicaSet, PodOfAnotherControllerIsLeftAlone) {
    auto foreign = ready_pod("f");
    foreign.controller->uid = "rs-2";
    const auto decision = decide(three_replicas(), {foreign});
    EXPECT_TRUE(decision.adopt.empty());
    EXPECT_EQ(decision.create, 3);
}

TEST(ReplicaSet, OwnPodThatNoLongerMatchesIsReleasedAndReplaced) {
    auto strayed = ready_pod("s");
    strayed.labels = {{"app", "debug"}};
    const auto decision = decide(three_replicas(), {strayed, ready_pod("a"), ready_pod("b")});
    EXPECT_EQ(decision.release, Names{"s"});
    EXPECT_EQ(decision.create, 1);
}

TEST(ReplicaSet, FullyLabeledMeansAllLabelsOfTheTemplate) {
    auto partly = ready_pod("p");
    partly.labels = {{"app", "web"}};
    EXPECT_EQ(decide(three_replicas(), {partly, ready_pod("a")}).status.fully_labeled, 1);
}

TEST(ReplicaSet, AvailableAfterMinReadySeconds) {
    auto rs = three_replicas();
    rs.min_ready = seconds{60};
    auto older = ready_pod("a");
    older.ready_since = noon - seconds{60};
    const auto decision = decide(rs, {older, ready_pod("b"), ready_pod("c")});
    EXPECT_EQ(decision.status.ready, 3);
    EXPECT_EQ(decision.status.available, 1);
    EXPECT_EQ(decision.look_again, Duration{seconds{10}});
}

// Each row's first pod goes before its second.
TEST(ReplicaSet, RemovalTakesTheLeastUsefulFirst) {
    const auto bent = [](auto bend) {
        auto pod = ready_pod("first");
        bend(pod);
        return pod;
    };
    const std::vector<std::pair<const char*, PodView>> rows = {
        {"not bound", bent([](PodView& p) { p.node.clear(); })},
        {"pending", bent([](PodView& p) { p.phase = "Pending"; })},
        {"not ready", bent([](PodView& p) { p.ready = false; })},
        {"cheaper", bent([](PodView& p) { p.deletion_cost = -5; })},
        {"ready for less time", bent([](PodView& p) { p.ready_since += seconds{9}; })},
        {"restarted more often", bent([](PodView& p) { p.restarts = 3; })},
        {"newer", bent([](PodView& p) { p.created += seconds{9}; })},
    };
    auto rs = three_replicas();
    rs.replicas = 1;
    for (const auto& [why, pod] : rows)
        EXPECT_EQ(decide(rs, {ready_pod("other"), pod}).remove, Names{"first"}) << why;
}

TEST(ReplicaSet, CostOutweighsAgeButNotReadiness) {
    auto cheap = ready_pod("cheap");
    cheap.deletion_cost = -10;
    auto unready = ready_pod("unready");
    unready.ready = false;
    auto rs = three_replicas();
    rs.replicas = 1;
    EXPECT_EQ(decide(rs, {cheap, unready}).remove, Names{"unready"});
}

TEST(ReplicaSet, TypingErrorDoesNotFloodTheServer) {
    auto rs = three_replicas();
    rs.replicas = 3'000'000;
    EXPECT_EQ(decide(rs, {}).create, 500);
}

TEST(ReplicaSet, PodCarriesTheTemplateUnchanged) {
    const Json rs = {
        {"metadata", {{"name", "web"}, {"namespace", "shop"}, {"uid", "rs-1"}}},
        {"spec",
         {{"template",
           {{"metadata", {{"labels", {{"app", "web"}}}, {"annotations", {{"a", "b"}}}}},
            {"spec", {{"containers", Json::array()}, {"unknownField", 1}}}}}}}};
    const auto pod = pod_from_template(rs, "x2x4z");
    EXPECT_EQ(pod["metadata"]["name"], "web-x2x4z");
    EXPECT_EQ(pod["metadata"]["annotations"]["a"], "b");
    EXPECT_EQ(pod["spec"], rs["spec"]["template"]["spec"]);
    const Json owner = {{"apiVersion", "apps/v1"}, {"kind", "ReplicaSet"},
                        {"name", "web"},           {"uid", "rs-1"},
                        {"controller", true},      {"blockOwnerDeletion", true}};
    EXPECT_EQ(pod["metadata"]["ownerReferences"], Json::array({owner}));
}

TEST(LabelSelector, ExpressionsHoldAsKubernetesSays) {
    const Labels labels = {{"app", "web"}, {"track", "canary"}};
    const auto holds = [&](LabelRequirement requirement) {
        return matches({.match_expressions = {std::move(requirement)}}, labels);
    };
    EXPECT_TRUE(holds({"track", "In", {"canary", "stable"}}));
    EXPECT_FALSE(holds({"track", "NotIn", {"canary"}}));
    EXPECT_TRUE(holds({"missing", "NotIn", {"canary"}}));
    EXPECT_TRUE(holds({"app", "Exists", {}}));
    EXPECT_TRUE(holds({"missing", "DoesNotExist", {}}));
    EXPECT_FALSE(holds({"app", "Bogus", {}}));
    EXPECT_FALSE(matches({}, labels)) << "an empty selector owns nothing";
}

}  // namespace
}  // namespace sluice::standalone::workloads
