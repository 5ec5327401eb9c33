// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::apiserver::testing {
namespace {

TEST(ApiObjects, CreatedObjectGetsSystemMetadata) {
    TestServer server;
    const Reply made = server.post(rollouts_url, rollout("web"));
    ASSERT_EQ(made.status, 201);
    const Json& metadata = made.body["metadata"];
    EXPECT_EQ(metadata["namespace"], "default");
    EXPECT_EQ(metadata["creationTimestamp"], "2027-01-15T08:00:00Z");
    EXPECT_EQ(metadata["generation"], 1);
    EXPECT_TRUE(text_at(metadata, {"uid"}).starts_with("uid-"));
    EXPECT_FALSE(text_at(metadata, {"resourceVersion"}).empty());
    EXPECT_EQ(server.get(rollouts_url + "/web").body, made.body);
}

TEST(ApiObjects, ErrorsCarryUpstreamsWords) {
    TestServer server;
    const Reply missing = server.get(rollouts_url + "/web");
    EXPECT_EQ(missing.status, 404);
    EXPECT_EQ(missing.message(), "rollouts.argoproj.io \"web\" not found");
    EXPECT_EQ(missing.body["details"],
              (Json{{"name", "web"}, {"group", "argoproj.io"}, {"kind", "rollouts"}}));
    EXPECT_EQ(server.get(pods_url + "/p").message(), "pods \"p\" not found");

    server.post(rollouts_url, rollout("web"));
    const Reply twice = server.post(rollouts_url, rollout("web"));
    EXPECT_EQ(twice.status, 409);
    EXPECT_EQ(twice.reason(), "AlreadyExists");
    EXPECT_EQ(twice.message(), "rollouts.argoproj.io \"web\" already exists");

    Json stale = server.get(rollouts_url + "/web").body;
    server.merge(rollouts_url + "/web", {{"spec", {{"replicas", 5}}}});
    stale["spec"]["replicas"] = 7;
    const Reply lost = server.put(rollouts_url + "/web", stale);
    EXPECT_EQ(lost.status, 409);
    EXPECT_EQ(lost.reason(), "Conflict");
    EXPECT_EQ(lost.message(),
              "Operation cannot be fulfilled on rollouts.argoproj.io \"web\": the object has been "
              "modified; "
              "please apply your changes to the latest version and try again");

    const Reply nowhere = server.post("/api/v1/namespaces/nope/configmaps", config_map("c"));
    EXPECT_EQ(nowhere.status, 404);
    EXPECT_EQ(nowhere.message(), "namespaces \"nope\" not found");
    EXPECT_EQ(server.get("/apis/nope/v1/things").text, "404 page not found\n");
}

}  // namespace
}  // namespace sluice::standalone::apiserver::testing
