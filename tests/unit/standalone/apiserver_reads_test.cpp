// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "standalone/apiserver/selectors.hpp"
#include "standalone/apiserver/table.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::apiserver::testing {
namespace {

using namespace std::chrono_literals;

const std::string table_accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

std::string listed(TestServer& server, const std::string& query) {
    const Reply reply = server.get(pods_url + query);
    if (reply.status != 200) return reply.message();
    std::vector<std::string> names;
    for (const auto& item : reply.body["items"])
        names.push_back(text_at(item, {"metadata", "name"}));
    return join(names, " ");
}

void post_labelled_pods(TestServer& server) {
    server.post(pods_url, pod("a", {{"app", "web"}, {"tier", "front"}}));
    server.post(pods_url, pod("b", {{"app", "web"}, {"tier", "back"}}));
    server.post(pods_url, pod("c", {{"app", "db"}}));
    server.merge(pods_url + "/c/status", {{"status", {{"phase", "Running"}}}});
}

TEST(ApiReads, LabelSelectorsChoose) {
    TestServer server;
    post_labelled_pods(server);
    const std::pair<const char*, const char*> cases[] = {
        {"", "a b c"},
        {"?labelSelector=app%3Dweb", "a b"},
        {"?labelSelector=app%3D%3Dweb,tier!%3Dback", "a"},
        {"?labelSelector=app+in+(web,db)", "a b c"},
        {"?labelSelector=tier+notin+(front)", "b c"},
        {"?labelSelector=tier", "a b"},
        {"?labelSelector=!tier", "c"},
        {"?labelSelector=app%20in%20(web),tier%3Dback", "b"},
        {"?labelSelector=app%3D", ""},
        {"?fieldSelector=metadata.name%3Db", "b"},
        {"?fieldSelector=status.phase%3DRunning", "c"},
        {"?fieldSelector=status.phase!%3DRunning,metadata.namespace%3Ddefault", "a b"},
        {"?fieldSelector=spec.nodeName%3D", "a b c"},
        {"?fieldSelector=spec.color%3Dred", "field label not supported: spec.color"},
    };
    for (const auto& [query, expected] : cases) EXPECT_EQ(listed(server, query), expected) << query;
    EXPECT_EQ(server.get(pods_url + "?labelSelector=a%3D(").status, 400);
    EXPECT_EQ(server.get(rollouts_url + "?fieldSelector=status.phase%3DHealthy").status, 400);
}

TEST(ApiReads, ListsArePagedAndAWatchFromTheirVersionTellsTheRest) {
    TestServer server;
    post_labelled_pods(server);
    const Reply first = server.get(pods_url + "?limit=2");
    EXPECT_EQ(first.body["items"].size(), 2U);
    EXPECT_EQ(first.body["metadata"]["remainingItemCount"], 1);
    server.post(pods_url, pod("aa"));
    const std::string token = text_at(first.body, {"metadata", "continue"});
    const Reply second = server.get(pods_url + "?limit=2&continue=" + percent_encode(token));
    ASSERT_EQ(second.body["items"].size(), 1U);
    EXPECT_EQ(second.body["items"][0]["metadata"]["name"], "c");
    EXPECT_FALSE(second.body["metadata"].contains("continue"));
    EXPECT_EQ(second.body["metadata"]["resourceVersion"],
              first.body["metadata"]["resourceVersion"]);
    const auto watch = server.stream(pods_url + "?watch=true&resourceVersion=" +
                                     text_at(second.body, {"metadata", "resourceVersion"}));
    EXPECT_EQ(server.names(*watch), std::vector<std::string>{"ADDED aa"});
    EXPECT_EQ(server.get(pods_url + "?continue=nonsense").status, 400);
}

TEST(ApiReads, ListsOfTheFutureTimeOut) {
    TestServer server;
    const Reply reply = server.get(pods_url + "?resourceVersion=999");
    EXPECT_EQ(reply.status, 504);
    EXPECT_EQ(reply.reason(), "Timeout");
    EXPECT_TRUE(reply.message().starts_with("Too large resource version: 999, current: "));
}

TEST(ApiReads, IstioVersionsAreOneStore) {
    TestServer server;
    const std::string old_url =
        "/apis/networking.istio.io/v1alpha3/namespaces/default/virtualservices";
    const std::string new_url = "/apis/networking.istio.io/v1/namespaces/default/virtualservices";
    const Reply made = server.post(old_url, {{"apiVersion", "networking.istio.io/v1alpha3"},
                                             {"kind", "VirtualService"},
                                             {"metadata", {{"name", "vs"}}},
                                             {"spec", {{"hosts", {"shop"}}}}});
    ASSERT_EQ(made.status, 201) << made.text;
    EXPECT_EQ(made.body["apiVersion"], "networking.istio.io/v1alpha3");
    EXPECT_EQ(server.get(new_url + "/vs").body["apiVersion"], "networking.istio.io/v1");
    const auto watch = server.stream(old_url + "?watch=true");
    EXPECT_EQ(server.events(*watch)[0]["object"]["apiVersion"], "networking.istio.io/v1alpha3");
    EXPECT_EQ(server.post(old_url, {{"apiVersion", "v1"}, {"metadata", {{"name", "x"}}}}).status,
              400);
}

TEST(ApiList, PagesShowTheMomentOfTheFirstAndExpireWithIt) {
    TestServer server({.path = ":memory:", .change_limits = {.count = 3}});
    for (const char* name : {"a", "b", "c"}) server.post(config_maps_url, config_map(name));
    const std::string first = config_maps_url + "?limit=1";
    const Json page = server.get(first).body;
    const std::string next =
        first + "&continue=" + percent_encode(text_at(page, {"metadata", "continue"}));
    server.remove(config_maps_url + "/b");
    server.post(config_maps_url, config_map("bb"));
    EXPECT_EQ(server.get(next).body["items"][0]["metadata"]["name"], "b");
    const std::string exact =
        concat(config_maps_url, "?resourceVersionMatch=Exact&resourceVersion=",
               text_at(page, {"metadata", "resourceVersion"}));
    EXPECT_EQ(server.get(exact).body["items"].size(), 3U);
    for (const char* name : {"x", "y", "z"}) server.post(config_maps_url, config_map(name));
    EXPECT_EQ(server.get(next).reason(), "Expired");
    EXPECT_EQ(server.get(exact).status, 410);
}

TEST(ApiTable, RolloutPrintsUpstreamsColumns) {
    TestServer server;
    server.post(rollouts_url, rollout("web", {{"replicas", 3}}));
    server.merge(rollouts_url + "/web/status",
                 {{"status", {{"replicas", 2}, {"updatedReplicas", 1}}}});
    server.clock.advance(90s);
    const Reply table = server.get(rollouts_url, table_accept);
    EXPECT_EQ(table.body["kind"], "Table");
    std::vector<std::string> names;
    for (const auto& column : table.body["columnDefinitions"])
        names.push_back(text_at(column, {"name"}));
    EXPECT_EQ(join(names, " "), "Name Desired Current Up-to-date Available Age");
    EXPECT_EQ(table.body["rows"][0]["cells"], (Json{"web", 3, 2, 1, nullptr, "90s"}));
    EXPECT_EQ(table.body["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

TEST(ApiTable, EveryKindHasAsManyCellsAsColumns) {
    const Json object = {
        {"metadata", {{"name", "x"}, {"creationTimestamp", "2027-01-15T08:00:00Z"}}}};
    for (const auto& resource : builtin_resources())
        EXPECT_EQ(table_cells(resource, object, TimePoint{}).size(), table_columns(resource).size())
            << resource.type.kind;
}

TEST(ApiTable, PodStatusIsWhatKubectlShows) {
    TestServer server;
    server.post(pods_url, pod("p"));
    server.merge(pods_url + "/p/status",
                 {{"status",
                   {{"phase", "Running"},
                    {"podIP", "127.64.0.1"},
                    {"containerStatuses",
                     {{{"ready", false},
                       {"restartCount", 2},
                       {"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}}}}}}}});
    const Reply table = server.get(pods_url, table_accept);
    EXPECT_EQ(table.body["rows"][0]["cells"], (Json{"p", "0/1", "CrashLoopBackOff", "2", "0s",
                                                    "127.64.0.1", "<none>", "<none>", "<none>"}));
}

TEST(ApiTable, AgesAreShort) {
    const std::pair<Duration, const char*> cases[] = {
        {0s, "0s"},      {119s, "119s"},       {121s, "2m1s"}, {10min, "10m"}, {179min, "179m"},
        {180min, "3h"},  {200min, "3h20m"},    {8h, "8h"},     {47h, "47h"},   {50h, "2d2h"},
        {24h * 8, "8d"}, {24h * 800, "2y70d"}, {-5s, "0s"}};
    for (const auto& [age, expected] : cases) EXPECT_EQ(human_duration(age), expected);
}

TEST(ApiDiscovery, BothFormsNameTheSubresources) {
    TestServer server;
    const Reply old = server.get("/apis/argoproj.io/v1alpha1");
    std::vector<std::string> names;
    for (const auto& row : old.body["resources"]) names.push_back(text_at(row, {"name"}));
    EXPECT_EQ(join(names, " "),
              "rollouts rollouts/status rollouts/scale analysistemplates "
              "clusteranalysistemplates analysisruns experiments");
    const Reply fresh = server.get(
        "/apis",
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
    EXPECT_EQ(fresh.body["kind"], "APIGroupDiscoveryList");
    EXPECT_EQ(header(fresh.headers, "Content-Type"),
              "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    EXPECT_EQ(server.get("/apis").body["kind"], "APIGroupList");
    EXPECT_EQ(server.get("/version").body["minor"], "32");
}

// As bytes: a PATCH with the parameter dryRun (Operation.parameters, 8) and its kind (13).
TEST(ApiDiscovery, TheOldestFormSaysWhichKindsTakeADryRun) {
    TestServer server;
    const std::string document = server.get("/openapi/v2").text;
    const std::string parameter =
        "\x42\x0e\x0a\x0c\x12\x0a\x1a\x08\x22\x06"
        "dryRun";
    for (const std::string kind : {"group: \"\"\nversion: v1\nkind: ConfigMap\n",
                                   "group: \"argoproj.io\"\nversion: v1alpha1\nkind: Rollout\n"}) {
        const auto at = document.find(kind);
        ASSERT_NE(at, std::string::npos) << kind;
        EXPECT_EQ(document.rfind(parameter, at),
                  document.rfind("x-kubernetes-group", at) - parameter.size() - 4)
            << kind;
    }
}

TEST(ApiDiscovery, KindsThatNobodyRunsAreListedAndRefused) {
    TestServer server;
    const std::string sets = "/apis/apps/v1/namespaces/default/statefulsets";
    EXPECT_EQ(server.get(sets).body["items"], Json::array());
    EXPECT_EQ(server.post(sets, {{"metadata", {{"name", "db"}}}}).status, 405);
    EXPECT_EQ(server.put(sets + "/db", {{"metadata", {{"name", "db"}}}}).status, 405);
    const Reply kinds = server.get("/apis/apps/v1");
    const auto& rows = kinds.body["resources"];
    const auto row =
        std::ranges::find(rows, Json("statefulsets"), [](const Json& one) { return one["name"]; });
    ASSERT_NE(row, rows.end());
    EXPECT_EQ((*row)["verbs"], (Json{"get", "list", "watch"}));
}

TEST(ApiDiscovery, DefinitionsAddKindsWhileTheyExist) {
    TestServer server;
    const std::string crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const std::string things = "/apis/example.com/v1/namespaces/default/things";
    const Json definition = {
        {"apiVersion", "apiextensions.k8s.io/v1"},
        {"kind", "CustomResourceDefinition"},
        {"metadata", {{"name", "things.example.com"}}},
        {"spec",
         {{"group", "example.com"},
          {"scope", "Namespaced"},
          {"names", {{"plural", "things"}, {"kind", "Thing"}}},
          {"versions",
           {{{"name", "v1"},
             {"served", true},
             {"storage", true},
             {"subresources", {{"status", Json::object()}}},
             {"additionalPrinterColumns",
              {{{"name", "Color"}, {"type", "string"}, {"jsonPath", ".spec.color"}}}}}}}}}};
    EXPECT_EQ(server.get(things).status, 404);
    EXPECT_EQ(server.post(crds, definition).body["status"]["conditions"][1]["type"], "Established");
    const Reply made = server.post(
        things,
        {{"metadata", {{"name", "t"}}}, {"spec", {{"color", "red"}}}, {"status", {{"a", 1}}}});
    ASSERT_EQ(made.status, 201) << made.text;
    EXPECT_FALSE(made.body.contains("status"));
    EXPECT_EQ(server.get(things, table_accept).body["rows"][0]["cells"], (Json{"t", "red"}));
    server.remove(crds + "/things.example.com");
    EXPECT_EQ(server.get(things).status, 404);
    server.post(crds, definition);
    EXPECT_EQ(server.get(things).body["items"].size(), 0U);
}

TEST(ApiServer, AsksTheReadyCheck) {
    TestServer server;
    EXPECT_EQ(server.get("/readyz").text, "ok");
    server.handler.set_ready_check([] { return false; });
    EXPECT_EQ(server.get("/readyz").status, 503);
    EXPECT_EQ(server.get("/livez").status, 200);
}

TEST(ApiServer, RefusesLargeBodiesAndUnknownMethods) {
    TestServer server;
    EXPECT_EQ(server.call("POST", config_maps_url, std::string(max_body_bytes + 1, ' ')).status,
              413);
    EXPECT_EQ(server.call("POST", rollouts_url + "/web").status, 405);
    EXPECT_EQ(server.call("POST", pods_url + "/p/exec").status, 405);
    EXPECT_EQ(server.call("POST", "/api/v1/configmaps", config_map("c")).status, 405);
}

}  // namespace
}  // namespace sluice::standalone::apiserver::testing
