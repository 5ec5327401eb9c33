// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::apiserver::testing {
namespace {

std::string version_of(const Reply& reply) {
    return text_at(reply.body, {"metadata", "resourceVersion"});
}
long generation_of(const Reply& reply) {
    return integer_at(reply.body, {"metadata", "generation"});
}

TEST(ApiWrites, SystemMetadataIsNotTheClientsToWrite) {
    TestServer server;
    const Json before = server.post(rollouts_url, rollout("web")).body["metadata"];
    const Reply after =
        server.merge(rollouts_url + "/web", {{"metadata",
                                              {{"creationTimestamp", "2001-01-01T00:00:00Z"},
                                               {"generation", 77},
                                               {"deletionTimestamp", "2001-01-01T00:00:00Z"},
                                               {"labels", {{"a", "b"}}}}}});
    EXPECT_EQ(after.body["metadata"]["creationTimestamp"], before["creationTimestamp"]);
    EXPECT_EQ(after.body["metadata"]["generation"], 1);
    EXPECT_FALSE(after.body["metadata"].contains("deletionTimestamp"));
    EXPECT_EQ(after.body["metadata"]["labels"]["a"], "b");
    const Reply other = server.merge(rollouts_url + "/web", {{"metadata", {{"uid", "other"}}}});
    EXPECT_EQ(other.message(), concat("Operation cannot be fulfilled on rollouts.argoproj.io "
                                      "\"web\": Precondition failed: UID in "
                                      "precondition: other, UID in object meta: ",
                                      text_at(before, {"uid"})));
}

TEST(ApiWrites, GenerationCountsChangesOfTheSpecAlone) {
    TestServer server;
    server.post(rollouts_url, rollout("web"));
    EXPECT_EQ(generation_of(
                  server.merge(rollouts_url + "/web", {{"metadata", {{"labels", {{"a", "b"}}}}}})),
              1);
    EXPECT_EQ(generation_of(
                  server.merge(rollouts_url + "/web/status", {{"status", {{"phase", "Healthy"}}}})),
              1);
    EXPECT_EQ(generation_of(server.merge(rollouts_url + "/web", {{"spec", {{"paused", true}}}})),
              2);
    // Without a status subresource the status is content like any other.
    const std::string runs = "/apis/argoproj.io/v1alpha1/namespaces/default/analysisruns";
    server.post(runs, {{"metadata", {{"name", "r"}}},
                       {"spec", Json::object()},
                       {"status", {{"phase", "Pending"}}}});
    const Reply run = server.merge(runs + "/r", {{"status", {{"phase", "Running"}}}});
    EXPECT_EQ(run.body["status"]["phase"], "Running");
    EXPECT_EQ(generation_of(run), 2);
    EXPECT_EQ(server.merge(runs + "/r/status", {{"status", {{"phase", "Error"}}}}).status, 404);
}

TEST(ApiWrites, EachHalfOfAnObjectIsWrittenThroughItsOwnPath) {
    TestServer server;
    Json object = rollout("web");
    object["status"] = {{"phase", "Healthy"}};
    EXPECT_FALSE(server.post(rollouts_url, object).body.contains("status"));
    const Reply through_main = server.merge(
        rollouts_url + "/web", {{"spec", {{"replicas", 2}}}, {"status", {{"phase", "Degraded"}}}});
    EXPECT_FALSE(through_main.body.contains("status"));
    Json both = through_main.body;
    both["spec"]["replicas"] = 9;
    both["metadata"]["labels"] = {{"a", "b"}};
    both["status"] = {{"phase", "Progressing"}};
    const Reply through_status = server.put(rollouts_url + "/web/status", both);
    EXPECT_EQ(through_status.body["status"]["phase"], "Progressing");
    EXPECT_EQ(through_status.body["spec"]["replicas"], 2);
    EXPECT_FALSE(through_status.body["metadata"].contains("labels"));
    EXPECT_EQ(server.put(rollouts_url + "/web/status", both).reason(), "Conflict");
}

TEST(ApiWrites, AWriteThatChangesNothingKeepsTheVersion) {
    TestServer server;
    const Reply made = server.post(rollouts_url, rollout("web"));
    EXPECT_EQ(version_of(server.put(rollouts_url + "/web", made.body)), version_of(made));
    EXPECT_EQ(version_of(server.merge(rollouts_url + "/web", {{"spec", {{"replicas", 1}}}})),
              version_of(made));
    EXPECT_EQ(version_of(server.merge(rollouts_url + "/web", Json::object())), version_of(made));
}

TEST(ApiWrites, ReplaceOfACustomObjectNeedsAVersion) {
    TestServer server;
    server.post(rollouts_url, rollout("web"));
    const Reply reply = server.put(rollouts_url + "/web", rollout("web"));
    EXPECT_EQ(reply.status, 422);
    EXPECT_EQ(reply.message(),
              "Rollout.argoproj.io \"web\" is invalid: metadata.resourceVersion: Invalid value: "
              "0x0: must be "
              "specified for an update");
    server.post(config_maps_url, config_map("c"));
    EXPECT_EQ(server.put(config_maps_url + "/c", config_map("c", {{"k", "v"}})).status, 200);
    EXPECT_EQ(server.put(config_maps_url + "/d", config_map("c")).message(),
              "the name of the object (c) does not match the name on the URL (d)");
}

TEST(ApiWrites, NamesAreCheckedAndGenerated) {
    TestServer server;
    EXPECT_EQ(server.post(config_maps_url, config_map("Bad_Name")).status, 422);
    EXPECT_EQ(server.post(config_maps_url, {{"metadata", Json::object()}}).message(),
              "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is "
              "required");
    const Reply made = server.post(config_maps_url, {{"metadata", {{"generateName", "c-"}}}});
    EXPECT_TRUE(text_at(made.body, {"metadata", "name"}).starts_with("c-aaaa"));
    const Reply label = server.post(
        config_maps_url, {{"metadata", {{"name", "c"}, {"labels", {{"a", "not a value"}}}}}});
    EXPECT_EQ(label.status, 422);
    EXPECT_EQ(
        server.post(config_maps_url, {{"metadata", {{"name", "c"}, {"labels", {{"a", 1}}}}}})
            .message(),
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal "
        "number into Go struct field ObjectMeta.metadata.labels of type string");
}

TEST(ApiWrites, DryRunsAreAnsweredAndForgotten) {
    TestServer server;
    EXPECT_EQ(server.post(config_maps_url + "?dryRun=All", config_map("c")).status, 201);
    EXPECT_EQ(server.get(config_maps_url + "/c").status, 404);
    server.post(config_maps_url, config_map("c"));
    EXPECT_EQ(
        server.merge(config_maps_url + "/c?dryRun=All", {{"data", {{"k", "v"}}}}).body["data"]["k"],
        "v");
    EXPECT_EQ(server.remove(config_maps_url + "/c?dryRun=All").status, 200);
    EXPECT_FALSE(server.get(config_maps_url + "/c").body["data"].contains("k"));
}

TEST(ApiWrites, YamlBodiesAreRead) {
    TestServer server;
    const Reply made = server.call("POST", config_maps_url,
                                   "metadata: {name: c}\ndata:\n  on: \"1\"\n", "application/yaml");
    ASSERT_EQ(made.status, 201) << made.text;
    EXPECT_EQ(made.body["data"]["on"], "1");
    EXPECT_EQ(server.call("POST", config_maps_url, "k8s", "application/vnd.kubernetes.protobuf")
                  .message(),
              "the body does not begin with the protobuf prefix k8s");
    EXPECT_EQ(server.call("POST", config_maps_url, "{", "application/json").status, 400);
}

TEST(ApiPatch, FailedTestIsInvalidAndChangesNothing) {
    TestServer server;
    const Reply made = server.post(rollouts_url, rollout("web"));
    const auto json_patch = [&](const Json& patch) {
        return server.call("PATCH", rollouts_url + "/web", patch, "application/json-patch+json");
    };
    const Reply failed =
        json_patch({{{"op", "replace"}, {"path", "/spec/replicas"}, {"value", 5}},
                    {{"op", "test"}, {"path", "/metadata/name"}, {"value", "other"}}});
    EXPECT_EQ(failed.status, 422);
    EXPECT_EQ(failed.reason(), "Invalid");
    EXPECT_EQ(failed.message(), "the server rejected our request due to an error in our request");
    EXPECT_EQ(json_patch({{{"op", "remove"}, {"path", "/spec/nothing"}}}).status, 422);
    EXPECT_EQ(server.get(rollouts_url + "/web").body, made.body);
    EXPECT_EQ(
        json_patch(
            {{{"op", "test"}, {"path", "/metadata/resourceVersion"}, {"value", version_of(made)}},
             {{"op", "replace"}, {"path", "/spec/replicas"}, {"value", 5}}})
            .body["spec"]["replicas"],
        5);
    const Reply stale = server.merge(
        rollouts_url + "/web",
        {{"metadata", {{"resourceVersion", version_of(made)}}}, {"spec", {{"replicas", 6}}}});
    EXPECT_EQ(stale.reason(), "Conflict");
}

TEST(ApiPatch, CustomKindsTakeNoStrategicMergeAndApplyNeedsAManager) {
    TestServer server;
    server.post(rollouts_url, rollout("web"));
    const auto patch = [&](const std::string& type) {
        return server.call("PATCH", rollouts_url + "/web", Json::object(), type).status;
    };
    EXPECT_EQ(patch("application/strategic-merge-patch+json"), 415);
    EXPECT_EQ(patch("application/apply-patch+yaml"), 422);
    EXPECT_EQ(patch("text/plain"), 415);
    EXPECT_EQ(patch("application/merge-patch+json"), 200);
}

TEST(ApiPatch, StrategicMergeKeepsWhatThePatchDoesNotName) {
    TestServer server;
    const std::string url = "/apis/apps/v1/namespaces/default/deployments";
    const Json labels = {{"app", "p"}};
    Json object = {{"metadata", {{"name", "p"}}},
                   {"spec",
                    {{"selector", {{"matchLabels", labels}}},
                     {"template", {{"metadata", {{"labels", labels}}}}}}}};
    object["spec"]["template"]["spec"]["containers"] = {
        {{"name", "a"},
         {"image", "a:1"},
         {"env", {{{"name", "X"}, {"value", "1"}}, {{"name", "Y"}, {"value", "1"}}}}},
        {{"name", "b"}, {"image", "b:1"}}};
    object["metadata"]["finalizers"] = {"x/one"};
    ASSERT_EQ(server.post(url, object).status, 201);
    const Reply patched = server.call(
        "PATCH", url + "/p",
        {{"metadata", {{"finalizers", {"x/two"}}}},
         {"spec",
          {{"template",
            {{"spec",
              {{"$setElementOrder/containers", {{{"name", "b"}}, {{"name", "a"}}}},
               {"containers",
                {{{"name", "a"},
                  {"image", "a:2"},
                  {"env",
                   {{{"name", "Y"}, {"$patch", "delete"}}, {{"name", "Z"}, {"value", "3"}}}}},
                 {{"name", "c"}, {"image", "c:1"}}}}}}}}}}},
        "application/strategic-merge-patch+json");
    ASSERT_EQ(patched.status, 200) << patched.text;
    std::vector<std::string> images;
    for (const auto& container : patched.body["spec"]["template"]["spec"]["containers"])
        images.push_back(text_at(container, {"image"}));
    EXPECT_EQ(join(images, " "), "b:1 a:2 c:1");
    EXPECT_EQ(patched.body["spec"]["template"]["spec"]["containers"][1]["env"],
              (Json{{{"name", "Z"}, {"value", "3"}}, {{"name", "X"}, {"value", "1"}}}));
    EXPECT_EQ(patched.body["metadata"]["finalizers"], (Json{"x/two", "x/one"}));
}

TEST(ApiWrite, EveryServiceIsHeadlessAndStaysSo) {
    TestServer server;
    const std::string url = "/api/v1/namespaces/default/services";
    const Json ports = Json::array({{{"port", 80}}});
    const Json service = {{"metadata", {{"name", "web"}}}, {"spec", {{"ports", ports}}}};
    EXPECT_EQ(server.post(url, service).body["spec"]["clusterIP"], "None");
    EXPECT_EQ(server.put(url + "/web", service).body["spec"]["clusterIPs"], (Json{"None"}));
    const Json alias = {{"metadata", {{"name", "alias"}}},
                        {"spec", {{"type", "ExternalName"}, {"externalName", "web.test"}}}};
    EXPECT_FALSE(server.post(url, alias).body["spec"].contains("clusterIP"));
    const Reply bare =
        server.post(url, {{"metadata", {{"name", "bare"}}}, {"spec", Json::object()}});
    EXPECT_EQ(bare.status, 422) << "headless by itself needs no ports; this one asked for nothing";
}

TEST(ApiScale, ScaleIsAViewOfTheRollout) {
    TestServer server;
    server.post(rollouts_url, rollout("web"));
    server.merge(rollouts_url + "/web/status",
                 {{"status", {{"HPAReplicas", 4}, {"selector", "app=web"}}}});
    const Reply scale = server.get(rollouts_url + "/web/scale");
    EXPECT_EQ(scale.body["kind"], "Scale");
    EXPECT_EQ(scale.body["spec"]["replicas"], 1);
    EXPECT_EQ(scale.body["status"], (Json{{"replicas", 4}, {"selector", "app=web"}}));
    EXPECT_EQ(server.merge(rollouts_url + "/web/scale", {{"spec", {{"replicas", 7}}}})
                  .body["spec"]["replicas"],
              7);
    EXPECT_EQ(server.get(rollouts_url + "/web").body["spec"]["replicas"], 7);
    EXPECT_EQ(server.merge(rollouts_url + "/web/scale", {{"spec", {{"replicas", -1}}}}).status,
              422);
}

}  // namespace
}  // namespace sluice::standalone::apiserver::testing
