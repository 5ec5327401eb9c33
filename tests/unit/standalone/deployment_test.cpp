// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/deployment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

using std::chrono::seconds;

// A Deployment and its ReplicaSets without a server: pods are there as soon as they are asked for,
// and ready one by one as a test lets them be.
struct DeploymentWorld {
    DeploymentView web{.ns = "shop",
                       .name = "web",
                       .uid = "d-1",
                       .generation = 1,
                       .selector = {.match_labels = {{"app", "web"}}},
                       .replicas = 4,
                       .max_surge = 1,
                       .max_unavailable = 1,
                       .progress_deadline = seconds{60},
                       .template_digest = "v1",
                       .template_hash = "v1"};
    std::vector<ReplicaSetView> sets;
    std::set<std::string> busy;
    TimePoint now{seconds{1'800'000'000}};

    void want(const std::string& version) {
        web.template_digest = web.template_hash = version;
        ++web.generation;
    }
    ReplicaSetView& set(const std::string& version) {
        return *std::ranges::find(sets, "web-" + version, &ReplicaSetView::name);
    }
    DeploymentDecision decide() { return decide_deployment(web, sets, busy, now); }

    // What the controller does with a decision.
    DeploymentDecision step() {
        const auto decision = decide();
        if (decision.create) {
            ReplicaSetView made{.ns = "shop", .name = decision.create->name};
            made.uid = "uid-" + made.name;
            made.replicas = made.status.replicas = decision.create->replicas;
            made.deployed = {
                .controller = OwnerReference{"apps/v1", "Deployment", "web", "d-1", true},
                .labels = {{"app", "web"}},
                .created = now + seconds{static_cast<long>(sets.size())},
                .annotations = decision.create->annotations,
                .template_digest = web.template_digest};
            sets.push_back(made);
        }
        for (const auto& change : decision.change) {
            auto& rs = *std::ranges::find(sets, change.name, &ReplicaSetView::name);
            rs.replicas = rs.status.replicas = change.replicas;
            rs.status.available = rs.status.ready = std::min(rs.status.available, rs.replicas);
            for (const auto& [key, value] : change.annotations)
                rs.deployed.annotations[key] = value;
        }
        for (const auto& name : decision.remove)
            std::erase_if(sets, [&](const auto& rs) { return rs.name == name; });
        if (!decision.revision.empty()) web.revision = decision.revision;
        web.status = decision.status;
        return decision;
    }
    // One more pod of it becomes available.
    void serve_one(const std::string& version) {
        auto& rs = set(version);
        if (rs.status.available < rs.replicas) rs.status.ready = ++rs.status.available;
    }
    void settle(const std::string& version) {
        for (int i = 0; i < 40; ++i) {
            step();
            if (std::ranges::count(sets, "web-" + version, &ReplicaSetView::name) > 0)
                serve_one(version);
        }
    }
    [[nodiscard]] long pods() const {
        long sum = 0;
        for (const auto& rs : sets) sum += rs.replicas;
        return sum;
    }
    [[nodiscard]] long available() const {
        long sum = 0;
        for (const auto& rs : sets) sum += rs.status.available;
        return sum;
    }
    [[nodiscard]] std::string reason(const std::string& type) const {
        const auto found =
            std::ranges::find(web.status.conditions, type, &DeploymentCondition::type);
        return found == web.status.conditions.end() ? "" : found->reason;
    }
};

TEST(Deployment, MakesTheFirstReplicaSetWithRevisionAndSizes) {
    DeploymentWorld world;
    world.web.copied_annotations = {{"note", "x"}};
    const auto decision = world.step();
    ASSERT_TRUE(decision.create.has_value());
    EXPECT_EQ(*decision.create, (ReplicaSetChange{"web-v1",
                                                  4,
                                                  {{"note", "x"},
                                                   {revision_annotation, "1"},
                                                   {desired_annotation, "4"},
                                                   {max_annotation, "5"}}}));
    EXPECT_EQ(decision.revision, "1");
    EXPECT_EQ(world.reason("Progressing"), "NewReplicaSetCreated");
    EXPECT_EQ(world.reason("Available"), "MinimumReplicasUnavailable");
    world.settle("v1");
    EXPECT_EQ(world.reason("Progressing"), "NewReplicaSetAvailable");
    EXPECT_EQ(world.reason("Available"), "MinimumReplicasAvailable");
    EXPECT_FALSE(world.decide().acts());
    EXPECT_EQ(world.decide().status, world.web.status) << "an idle one is not written";
}

TEST(Deployment, RollingUpdateKeepsItsBoundsAtEveryStep) {
    for (const auto& [surge, unavailable] :
         std::vector<std::pair<long, long>>{{1, 0}, {0, 1}, {1, 1}, {4, 0}, {0, 4}, {2, 1}}) {
        DeploymentWorld world;
        world.web.max_surge = surge;
        world.web.max_unavailable = unavailable;
        world.settle("v1");
        world.want("v2");
        for (int i = 0; i < 60; ++i) {
            world.step();
            EXPECT_LE(world.pods(), 4 + surge) << surge << "/" << unavailable;
            EXPECT_GE(world.available(), 4 - unavailable) << surge << "/" << unavailable;
            if (i % 2 == 1) world.serve_one("v2");
        }
        EXPECT_EQ(world.set("v2").replicas, 4) << surge << "/" << unavailable;
        EXPECT_EQ(world.set("v1").replicas, 0) << surge << "/" << unavailable;
        EXPECT_EQ(world.web.status.updated, 4);
    }
}

TEST(Deployment, OldPodsThatDoNotServeGoFirst) {
    DeploymentWorld world;
    world.settle("v1");
    world.set("v1").status.available = 2;
    world.want("v2");
    world.step();
    const auto decision = world.step();
    ASSERT_EQ(decision.change.size(), 1U);
    EXPECT_EQ(decision.change[0].name, "web-v1");
    EXPECT_EQ(decision.change[0].replicas, 3)
        << "one of the two, for the new one counts as missing";
}

TEST(Deployment, RecreateWaitsForTheLastOldPod) {
    DeploymentWorld world;
    world.web.recreate = true;
    world.web.max_surge = world.web.max_unavailable = 0;
    world.settle("v1");
    world.busy = {"uid-web-v1"};
    world.want("v2");
    EXPECT_FALSE(world.step().create.has_value());
    EXPECT_EQ(world.set("v1").replicas, 0);
    EXPECT_FALSE(world.step().create.has_value()) << "its pods have not ended";
    world.busy.clear();
    EXPECT_EQ(world.step().create->replicas, 4);
}

TEST(Deployment, AnUndoTakesTheOldReplicaSetWithTheNextRevision) {
    DeploymentWorld world;
    world.settle("v1");
    world.want("v2");
    world.settle("v2");
    EXPECT_EQ(world.web.revision, "2");
    world.want("v1");
    world.settle("v1");
    EXPECT_EQ(world.web.revision, "3");
    EXPECT_EQ(world.sets.size(), 2U);
    const auto& annotations = world.set("v1").deployed.annotations;
    EXPECT_EQ(annotations.at(revision_annotation), "3");
    EXPECT_EQ(annotations.at(revision_history_annotation), "1");
    EXPECT_EQ(world.set("v1").replicas, 4);
}

TEST(Deployment, OnlySoManyOldReplicaSetsAreKept) {
    DeploymentWorld world;
    world.web.history_limit = 2;
    for (const char* version : {"v1", "v2", "v3", "v4", "v5"}) {
        if (version != std::string("v1")) world.want(version);
        world.settle(version);
    }
    std::vector<std::string> left;
    for (const auto& rs : world.sets) left.push_back(rs.name);
    EXPECT_EQ(left, (std::vector<std::string>{"web-v3", "web-v4", "web-v5"}));
}

TEST(Deployment, AChangeOfSizeInTheMiddleIsShared) {
    DeploymentWorld world;
    world.web.replicas = 10;
    world.web.max_surge = 3;
    world.web.max_unavailable = 2;
    world.settle("v1");
    world.want("v2");
    for (int i = 0; i < 4; ++i) world.step();
    EXPECT_EQ(world.set("v1").replicas, 8);
    EXPECT_EQ(world.set("v2").replicas, 5);
    world.web.replicas = 15;
    ++world.web.generation;
    world.step();
    // The numbers of the documentation's section "Proportional scaling".
    EXPECT_EQ(world.set("v1").replicas, 11);
    EXPECT_EQ(world.set("v2").replicas, 7);
}

TEST(Deployment, APausedOneOnlyScales) {
    DeploymentWorld world;
    world.settle("v1");
    world.web.paused = true;
    world.want("v2");
    EXPECT_FALSE(world.step().create.has_value());
    EXPECT_EQ(world.reason("Progressing"), "DeploymentPaused");
    world.web.replicas = 6;
    world.step();
    EXPECT_EQ(world.set("v1").replicas, 6);
    EXPECT_EQ(world.set("v1").deployed.annotations.at(desired_annotation), "6");
    world.web.paused = false;
    EXPECT_TRUE(world.step().create.has_value());
}

TEST(Deployment, OneThatStandsStillIsLate) {
    DeploymentWorld world;
    world.settle("v1");
    world.want("v2");
    for (int i = 0; i < 5; ++i) world.step();
    const auto waiting = world.decide();
    EXPECT_EQ(waiting.look_again, seconds{61});
    world.now += seconds{61};
    const auto late = world.step();
    EXPECT_EQ(world.reason("Progressing"), "ProgressDeadlineExceeded");
    EXPECT_EQ(late.look_again, std::nullopt);
    world.serve_one("v2");
    world.step();
    EXPECT_EQ(world.reason("Progressing"), "ReplicaSetUpdated");
}

TEST(Deployment, MatchingOrphansAreAdoptedAndOthersReleased) {
    DeploymentWorld world;
    world.settle("v1");
    world.set("v1").deployed.controller.reset();
    EXPECT_EQ(world.decide().adopt, std::vector<std::string>{"web-v1"});
    EXPECT_FALSE(world.decide().create.has_value());
    world.web.deleting = true;
    EXPECT_FALSE(world.decide().acts()) << "one that goes takes nothing with it";
    world.web.deleting = false;
    world.set("v1").deployed.controller =
        OwnerReference{"apps/v1", "Deployment", "web", "d-1", true};
    world.set("v1").deployed.labels = {{"app", "other"}};
    EXPECT_EQ(world.decide().release, std::vector<std::string>{"web-v1"});
}

TEST(Deployment, SharesAreRoundedAsUpstreamDoes) {
    const auto sizes = [](const Json& rolling, long replicas) {
        const auto view = decode_deployment_view(
            {{"spec", {{"replicas", replicas}, {"strategy", {{"rollingUpdate", rolling}}}}}});
        return std::pair(view.max_surge, view.max_unavailable);
    };
    EXPECT_EQ(sizes(Json::object(), 3), std::pair(1L, 0L));
    EXPECT_EQ(sizes({{"maxSurge", "25%"}, {"maxUnavailable", "25%"}}, 10), std::pair(3L, 2L));
    EXPECT_EQ(sizes({{"maxSurge", 0}, {"maxUnavailable", "10%"}}, 3), std::pair(0L, 1L));
    EXPECT_EQ(sizes({{"maxSurge", 2}, {"maxUnavailable", 0}}, 3), std::pair(2L, 0L));
}

TEST(Deployment, TheHashIsInNameLabelsSelectorAndTemplate) {
    const Json deployment = {
        {"metadata", {{"name", "web"}, {"namespace", "shop"}, {"uid", "d-1"}}},
        {"spec",
         {{"selector", {{"matchLabels", {{"app", "web"}}}}},
          {"minReadySeconds", 3},
          {"template", {{"metadata", {{"labels", {{"app", "web"}}}}}, {"spec", Json::object()}}}}}};
    const Json labels = {{"app", "web"}, {"pod-template-hash", "abc"}};
    const Json made = new_replica_set(deployment, {"web-abc", 2, {{"a", "b"}}});
    EXPECT_EQ(made["metadata"]["labels"], labels);
    EXPECT_EQ(made["spec"]["selector"]["matchLabels"], labels);
    EXPECT_EQ(made["spec"]["template"]["metadata"]["labels"], labels);
    EXPECT_EQ(made["spec"]["minReadySeconds"], 3);
    EXPECT_EQ(made["metadata"]["ownerReferences"][0]["kind"], "Deployment");
    const auto digest = decode_deployment_view(deployment).template_digest;
    EXPECT_EQ(decode_replica_set_view(made).deployed.template_digest, digest);
}

}  // namespace
}  // namespace sluice::standalone::workloads
