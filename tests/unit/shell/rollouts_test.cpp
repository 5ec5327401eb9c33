// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/rollouts.hpp"

#include "controller/shell/execute_route.hpp"

#include "tests/unit/shell/rollouts_fixture.hpp"

namespace sluice::shell {
namespace {

constexpr const char* hash_label = crds::pod_template_hash_label;

TEST_F(RolloutsTest, AnAbortTurnsTheServiceWhereTheRouteIsRefused) {
    transport_.refuse = [](const HttpRequest& request) {
        return request.method == "PATCH" && request.url.find("/ingresses/") != std::string::npos;
    };
    start_and_sync();
    const auto outcome = rollouts_->reconcile("default/shop");
    EXPECT_TRUE(outcome.failed_with(ErrorKind::Unavailable));
    EXPECT_GT(transport_.refused, 0);
    EXPECT_EQ(canary_serves(), hash("v1"));
}

// A view of the routes that is late must not take back what was written since.
TEST_F(RolloutsTest, AWeightIsRaisedOnlyOverTheOneItWasDecidedOn) {
    const auto weight = [this] {
        return text_at(get(resources::ingresses, "shop-front-canary"),
                       {"metadata", "annotations", "nginx.ingress.kubernetes.io/canary-weight"});
    };
    const auto rollout = crds::decode_rollout(get(resources::rollouts, "shop"));
    using policy::rollout::SetWeight;
    const SetWeight late{.router = "Nginx", .weight = 70, .from = 20};
    EXPECT_EQ(set_weight(client_, rollout, late).value(), Effect::Stale);
    EXPECT_EQ(weight(), "50");
    const SetWeight fresh{.router = "Nginx", .weight = 70, .from = 50};
    EXPECT_EQ(set_weight(client_, rollout, fresh).value(), Effect::Changed);
    EXPECT_EQ(weight(), "70");
    // A step down that has been overtaken by a longer one is no rise.
    const SetWeight down{.router = "Nginx", .weight = 40, .from = 90};
    EXPECT_EQ(set_weight(client_, rollout, down).value(), Effect::Changed);
    const SetWeight overtaken{.router = "Nginx", .weight = 60, .from = 90};
    EXPECT_EQ(set_weight(client_, rollout, overtaken).value(), Effect::Stale);
    EXPECT_EQ(weight(), "40");
    // All the way back goes through over any.
    const SetWeight back{.router = "Nginx", .weight = 0, .from = 90};
    EXPECT_EQ(set_weight(client_, rollout, back).value(), Effect::Changed);
    EXPECT_EQ(weight(), "0");
}

// The DestinationRule was seen before the last pass labelled it.
TEST_F(RolloutsTest, ALateViewOfSubsetsTakesNoLabelBack) {
    add_istio();
    const auto hashes = [this] {
        const auto rule = get(resources::destination_rules, "shop");
        return concat(text_at(rule["spec"]["subsets"][0], {"labels", hash_label}), "/",
                      text_at(rule["spec"]["subsets"][1], {"labels", hash_label}));
    };
    const auto rollout = crds::decode_rollout(get(resources::rollouts, "shop"));
    using policy::rollout::SetWeight;
    const SetWeight late{.router = "Istio",
                         .weight = 0,
                         .canary_subset_hash = "v0",
                         .keep_canary_subset = true,
                         .keep_stable_subset = true,
                         .from = 50};
    EXPECT_EQ(set_weight(client_, rollout, late).value(), Effect::Changed);
    EXPECT_EQ(hashes(), "v1/v2");
    const SetWeight told{.router = "Istio",
                         .weight = 0,
                         .canary_subset_hash = "v3",
                         .keep_stable_subset = true,
                         .from = 0};
    EXPECT_EQ(set_weight(client_, rollout, told).value(), Effect::Changed);
    EXPECT_EQ(hashes(), "v1/v3");
}

// The watch has yet to tell of a user's abort.
TEST_F(RolloutsTest, NoWeightIsRaisedForARolloutThatHasMoved) {
    const auto decided_on = crds::decode_rollout(get(resources::rollouts, "shop"));
    user_
        .patch({resources::rollouts, "default", "shop"}, kube::PatchType::Merge,
               {{"metadata", {{"annotations", {{"by", "user"}}}}}})
        .value();
    using policy::rollout::SetWeight;
    const SetWeight more{.router = "Nginx", .weight = 70, .from = 50};
    EXPECT_EQ(set_weight(client_, decided_on, more).value(), Effect::Stale);
    const auto now = crds::decode_rollout(get(resources::rollouts, "shop"));
    EXPECT_EQ(set_weight(client_, now, more).value(), Effect::Changed);
    const SetWeight back{.router = "Nginx", .weight = 0, .from = 50};
    EXPECT_EQ(set_weight(client_, decided_on, back).value(), Effect::Changed);
}

// The promise of DESIGN.md D4.
TEST_F(RolloutsTest, SlowFirstDeploymentsDelayNoRollback) {
    kube::Client quick(inner_, "sluice");
    Json slow = rollout_document("v1");
    slow["metadata"]["name"] = "slow";
    slow["spec"]["strategy"] = {{"canary", Json::object()}};
    user_.create(resources::rollouts, slow).value();
    transport_.hold = true;
    caches_.emplace("");
    rollouts_.emplace(
        Rollouts::Options{.workers = 1, .traffic_workers = 1}, *caches_, client_, quick,
        [](const Event&) {}, server_.clock, server_.log);
    caches_->start(client_, server_.log);
    rollouts_->start();
    EXPECT_TRUE(eventually([&] { return transport_.held > 0; }));
    EXPECT_TRUE(eventually([&] { return canary_serves() == hash("v1"); }));
    EXPECT_EQ(user_.list(resources::replica_sets, {.ns = "default"}).value().items.size(), 2u);
    transport_.hold = false;
    transport_.hold.notify_all();
    EXPECT_TRUE(eventually([&] {
        return user_.list(resources::replica_sets, {.ns = "default"}).value().items.size() == 3;
    }));
}

TEST_F(RolloutsTest, WhatIsRefusedIsToldInAnEvent) {
    transport_.status = 422;
    transport_.refuse = [](const HttpRequest& request) {
        return request.method == "PATCH" && request.url.find("/ingresses/") != std::string::npos;
    };
    start_and_sync();
    const auto outcome = rollouts_->reconcile("default/shop");
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().kind, ErrorKind::Invalid) << outcome.error().message;
    ASSERT_FALSE(told_.empty());
    EXPECT_EQ(told_.back().reason, "ReconciliationError");
    EXPECT_TRUE(told_.back().warning);
    EXPECT_EQ(told_.back().message, outcome.error().message);
}

// A quota or an admission webhook: nothing else would say why the update does not begin.
TEST_F(RolloutsTest, AReplicaSetThatIsRefusedIsAConditionUntilItIsMade) {
    Json fresh = rollout_document("v1");
    fresh["metadata"]["name"] = "fresh";
    fresh["spec"]["strategy"] = {{"canary", Json::object()}};
    user_.create(resources::rollouts, fresh).value();
    const auto progressing = [this](const char* what) {
        const Json rollout = get(resources::rollouts, "fresh");
        const Json* conditions = find(rollout, {"status", "conditions"});
        for (const auto& one : conditions ? *conditions : Json::array())
            if (text_at(one, {"type"}) == "Progressing") return text_at(one, {what});
        return std::string();
    };
    transport_.status = 403;
    std::atomic<bool> refusing = true;
    transport_.refuse = [&](const HttpRequest& request) {
        return refusing && request.method == "POST" &&
               request.url.find("/replicasets") != std::string::npos;
    };
    start_and_sync();
    EXPECT_TRUE(eventually([&] {
        EXPECT_FALSE(rollouts_->reconcile("default/fresh").ok());
        return progressing("reason") == "ReplicaSetCreateError";
    }));
    EXPECT_EQ(progressing("status"), "False");
    EXPECT_NE(progressing("message").find("Failed to create new replica set \"fresh-"),
              std::string::npos);
    EXPECT_NE(progressing("message").find("refused"), std::string::npos) << progressing("message");
    EXPECT_EQ(told_.back().reason, "ReplicaSetCreateError");
    // Refused again, it is not written again.
    const auto version = [this] {
        return text_at(get(resources::rollouts, "fresh"), {"metadata", "resourceVersion"});
    };
    const std::string written = version();
    ASSERT_TRUE(eventually(
        [&] { return rollouts_->reconcile("default/fresh").failed_with(ErrorKind::Denied); }));
    EXPECT_EQ(version(), written);

    refusing = false;
    EXPECT_TRUE(eventually([&] {
        static_cast<void>(rollouts_->reconcile("default/fresh"));
        return progressing("status") == "True";
    })) << progressing("message");
}

TEST_F(RolloutsTest, ALostRaceComesBackAfterABackOff) {
    start_and_sync();
    transport_.silent = true;
    user_
        .patch({resources::rollouts, "default", "shop"}, kube::PatchType::Merge,
               {{"metadata", {{"annotations", {{"by", "user"}}}}}})
        .value();
    EXPECT_TRUE(rollouts_->reconcile("default/shop").failed_with(ErrorKind::Conflict));
    EXPECT_TRUE(rollouts_->reconcile("default/shop").failed_with(ErrorKind::Conflict));
}

TEST_F(RolloutsTest, OneNamespaceNeedsNoRightsBeyondIt) {
    transport_.status = 403;
    transport_.refuse = [](const HttpRequest& request) {
        return request.url.find("/namespaces/default/") == std::string::npos;
    };
    start("default");
    EXPECT_TRUE(eventually([&] { return rollouts_->synced(); }));
}

TEST_F(RolloutsTest, EventsWaitForAServerThatIsAway) {
    transport_.refuse = [this](const HttpRequest&) { return transport_.refused < 2; };
    EventWriter writer(client_, server_.clock, server_.log, "test");
    writer.add({.object = {resources::rollouts, "default", "shop"},
                .uid = "u",
                .warning = true,
                .reason = "Late",
                .message = "set weight 0: patch ingress default/front: 422: refused"});
    EXPECT_TRUE(eventually([&] {
        const auto all = user_.list(resources::events, {.ns = "default"}).value().items;
        return all.size() == 1 && text_at(all[0], {"reason"}) == "Late";
    }));
}

TEST_F(RolloutsTest, EventsDoNotHoldUpTheEnd) {
    transport_.refuse = [](const HttpRequest&) { return true; };
    {
        EventWriter writer(client_, server_.clock, server_.log, "test");
        for (int i = 0; i < 1000; ++i)
            writer.add({.object = {resources::rollouts, "default", "shop"},
                        .uid = "u",
                        .reason = std::to_string(i)});
    }
    EXPECT_LT(transport_.refused, 100);
}

}  // namespace
}  // namespace sluice::shell
