// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::apiserver::testing {
namespace {

using namespace std::chrono_literals;

TEST(ApiRemoval, RemovedObjectIsGoneAndNamed) {
    TestServer server;
    const Json made = server.post(rollouts_url, rollout("web")).body;
    const Reply removed =
        server.remove(rollouts_url + "/web", {{"propagationPolicy", "Background"}});
    EXPECT_EQ(removed.body["status"], "Success");
    EXPECT_EQ(removed.body["details"], (Json{{"name", "web"},
                                             {"group", "argoproj.io"},
                                             {"kind", "rollouts"},
                                             {"uid", made["metadata"]["uid"]}}));
    EXPECT_EQ(server.get(rollouts_url + "/web").status, 404);
    EXPECT_EQ(server.remove(rollouts_url + "/web").status, 404);
}

TEST(ApiRemoval, PreconditionsAreHeld) {
    TestServer server;
    const Json made = server.post(rollouts_url, rollout("web")).body;
    EXPECT_EQ(
        server.remove(rollouts_url + "/web", {{"preconditions", {{"uid", "other"}}}}).reason(),
        "Conflict");
    EXPECT_EQ(server.remove(rollouts_url + "/web", {{"preconditions", {{"resourceVersion", "1"}}}})
                  .reason(),
              "Conflict");
    EXPECT_EQ(server
                  .remove(rollouts_url + "/web",
                          {{"preconditions",
                            {{"uid", made["metadata"]["uid"]},
                             {"resourceVersion", made["metadata"]["resourceVersion"]}}}})
                  .status,
              200);
}

TEST(ApiRemoval, FinalizersHoldAnObjectUntilTheLastIsTakenAway) {
    TestServer server;
    Json object = rollout("web");
    object["metadata"]["finalizers"] = {"x/one"};
    server.post(rollouts_url, object);
    const Reply marked = server.remove(rollouts_url + "/web");
    EXPECT_EQ(marked.body["metadata"]["deletionTimestamp"], "2027-01-15T08:00:00Z");
    EXPECT_EQ(marked.body["metadata"]["generation"], 2);
    const Reply added =
        server.merge(rollouts_url + "/web", {{"metadata", {{"finalizers", {"x/one", "x/two"}}}}});
    EXPECT_EQ(added.status, 422);
    EXPECT_EQ(server.get(rollouts_url + "/web").status, 200);
    EXPECT_EQ(server.merge(rollouts_url + "/web", {{"metadata", {{"finalizers", nullptr}}}}).status,
              200);
    EXPECT_EQ(server.get(rollouts_url + "/web").status, 404);
}

// A pod as the kubelet has it.
void post_running_pod(TestServer& server, long grace = 20) {
    Json object = pod("p");
    object["spec"]["nodeName"] = "here";
    object["spec"]["terminationGracePeriodSeconds"] = grace;
    server.post(pods_url, object);
    server.merge(pods_url + "/p/status", {{"status", {{"phase", "Running"}}}});
}

TEST(ApiRemoval, RunningPodGetsItsGraceAndTheKubeletEndsIt) {
    TestServer server;
    post_running_pod(server);
    const Reply marked = server.remove(pods_url + "/p");
    EXPECT_EQ(marked.body["metadata"]["deletionTimestamp"], "2027-01-15T08:00:20Z");
    EXPECT_EQ(marked.body["metadata"]["deletionGracePeriodSeconds"], 20);
    server.merge(pods_url + "/p/status",
                 {{"status", {{"phase", "Running"}, {"message", "stopping"}}}});
    ASSERT_EQ(server.get(pods_url + "/p").status, 200);
    // Sooner is heard, later is not.
    EXPECT_EQ(server.remove(pods_url + "/p", {{"gracePeriodSeconds", 5}})
                  .body["metadata"]["deletionTimestamp"],
              "2027-01-15T08:00:05Z");
    EXPECT_EQ(server.remove(pods_url + "/p", {{"gracePeriodSeconds", 60}})
                  .body["metadata"]["deletionTimestamp"],
              "2027-01-15T08:00:05Z");
    EXPECT_EQ(server.remove(pods_url + "/p", {{"gracePeriodSeconds", 0}}).status, 200);
    EXPECT_EQ(server.get(pods_url + "/p").status, 404);
}

TEST(ApiRemoval, EvictedPodIsThatOneAndGetsItsGrace) {
    TestServer server;
    post_running_pod(server);
    const auto evict = [&](const std::string& uid) {
        return server.post(pods_url + "/p/eviction",
                           {{"apiVersion", "policy/v1"},
                            {"kind", "Eviction"},
                            {"metadata", {{"name", "p"}}},
                            {"deleteOptions", {{"preconditions", {{"uid", uid}}}}}});
    };
    EXPECT_EQ(evict("another").reason(), "Conflict");
    EXPECT_FALSE(server.get(pods_url + "/p").body["metadata"].contains("deletionTimestamp"));
    EXPECT_EQ(evict(text_at(server.get(pods_url + "/p").body, {"metadata", "uid"})).status, 201);
    EXPECT_EQ(server.get(pods_url + "/p").body["metadata"]["deletionTimestamp"],
              "2027-01-15T08:00:20Z");
    EXPECT_EQ(server.post(pods_url + "/p/eviction", {{"kind", "Pod"}}).status, 400);
}

TEST(ApiRemoval, PodThatNobodyRunsGoesAtOnce) {
    TestServer server;
    server.post(pods_url, pod("p"));
    EXPECT_EQ(server.remove(pods_url + "/p").body["kind"], "Pod");
    EXPECT_EQ(server.get(pods_url + "/p").status, 404);
    post_running_pod(server);
    server.merge(pods_url + "/p/status", {{"status", {{"phase", "Failed"}}}});
    server.remove(pods_url + "/p");
    EXPECT_EQ(server.get(pods_url + "/p").status, 404);
}

TEST(ApiRemoval, CollectionsAreRemovedBySelector) {
    TestServer server;
    server.post(pods_url, pod("a", {{"app", "x"}}));
    server.post(pods_url, pod("b", {{"app", "y"}}));
    EXPECT_EQ(server.remove(pods_url + "?labelSelector=app%3Dx").body["items"].size(), 1U);
    EXPECT_EQ(server.get(pods_url + "/a").status, 404);
    EXPECT_EQ(server.get(pods_url + "/b").status, 200);
}

TEST(ApiRemoval, OrphanedDependentsLoseTheirOwner) {
    TestServer server;
    const Json owner = server.post(rollouts_url, rollout("web")).body;
    Json child = config_map("c");
    child["metadata"]["ownerReferences"] = {{{"apiVersion", "argoproj.io/v1alpha1"},
                                             {"kind", "Rollout"},
                                             {"name", "web"},
                                             {"uid", owner["metadata"]["uid"]}}};
    server.post(config_maps_url, child);
    const Reply marked = server.remove(rollouts_url + "/web", {{"propagationPolicy", "Orphan"}});
    EXPECT_EQ(marked.body["metadata"]["finalizers"], (Json{"orphan"}));
    EXPECT_TRUE(marked.body["metadata"].contains("deletionTimestamp"));
    EXPECT_EQ(server.get(rollouts_url + "/web").status, 404);
    const Reply left = server.get(config_maps_url + "/c");
    EXPECT_EQ(left.status, 200);
    EXPECT_FALSE(left.body["metadata"].contains("ownerReferences"));
}

TEST(ApiRemoval, OrphaningIsFinishedByTheNextStart) {
    TestServer server;
    Json object = rollout("web");
    object["metadata"]["finalizers"] = {"orphan"};
    const Json owner = server.post(rollouts_url, object).body;
    Json child = config_map("c");
    child["metadata"]["ownerReferences"] = {{{"apiVersion", "argoproj.io/v1alpha1"},
                                             {"kind", "Rollout"},
                                             {"name", "web"},
                                             {"uid", owner["metadata"]["uid"]}}};
    server.post(config_maps_url, child);
    server.remove(rollouts_url + "/web");
    ASSERT_EQ(server.get(rollouts_url + "/web").status, 200) << "as a kill leaves it";
    ASSERT_TRUE(server.handler.prepare().ok());
    EXPECT_EQ(server.get(rollouts_url + "/web").status, 404);
    EXPECT_FALSE(server.get(config_maps_url + "/c").body["metadata"].contains("ownerReferences"));
}

TEST(ApiRemoval, NamespaceTakesItsContentAndWaitsForFinalizers) {
    TestServer server;
    server.post("/api/v1/namespaces", {{"metadata", {{"name", "shop"}}}});
    const std::string url = "/api/v1/namespaces/shop/configmaps";
    server.post(url, config_map("free"));
    Json held = config_map("held");
    held["metadata"]["finalizers"] = {"x/one"};
    server.post(url, held);
    EXPECT_EQ(server.remove("/api/v1/namespaces/shop").body["status"]["phase"], "Terminating");
    EXPECT_EQ(server.get(url + "/free").status, 404);
    const Reply refused = server.post(url, config_map("late"));
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.message(),
              "configmaps \"late\" is forbidden: unable to create new content in namespace shop "
              "because it is being terminated");
    EXPECT_EQ(server.get("/api/v1/namespaces/shop").status, 200);
    server.merge(url + "/held", {{"metadata", {{"finalizers", nullptr}}}});
    EXPECT_EQ(server.get("/api/v1/namespaces/shop").status, 404);
    EXPECT_EQ(server.remove("/api/v1/namespaces/default").status, 403);
}

TEST(ApiRemoval, EventsLiveForAnHour) {
    TestServer server;
    const std::string url = "/api/v1/namespaces/default/events";
    const auto event = [](const std::string& name) -> Json {
        return {{"metadata", {{"name", name}}}};
    };
    server.post(url, event("old"));
    server.clock.advance(50min);
    server.post(url, event("newer"));
    server.clock.advance(15min);
    server.post(url, event("newest"));
    EXPECT_EQ(server.get(url + "/old").status, 404);
    EXPECT_EQ(server.get(url + "/newer").status, 200);
}

}  // namespace
}  // namespace sluice::standalone::apiserver::testing
