// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/yaml.hpp"
#include "tests/support/conformance.hpp"
#include "tests/unit/traffic/routers.hpp"

namespace sluice::traffic {
namespace istio_test {
namespace {

const Target target{.ns = "shop",
                    .name = "web",
                    .uid = "u-1",
                    .stable_service = "stable",
                    .canary_service = "canary",
                    .stable_hash = "aaa",
                    .canary_hash = "bbb"};
ObjectRef service_ref() {
    return {resources::virtual_services, "shop", "vs"};
}
ObjectRef rule_ref() {
    return {resources::destination_rules, "shop", "dr"};
}

crds::IstioConfig by_host(std::vector<std::string> routes = {}) {
    return {.virtual_services = {{.name = "vs", .routes = std::move(routes)}}};
}
crds::IstioConfig by_subset() {
    auto config = by_host();
    config.destination_rule = {"dr", "canary-set", "stable-set"};
    return config;
}

Json service(std::string_view spec) {
    Json object = json(R"({"metadata":{"name":"vs","namespace":"shop","resourceVersion":"3"}})");
    object["spec"] = json(spec);
    return object;
}

constexpr std::string_view host_spec = R"({"hosts":["web"],"http":[
  {"name":"other","route":[{"destination":{"host":"elsewhere"},"weight":100}]},
  {"name":"primary","match":[{"uri":{"prefix":"/"}}],"route":[
    {"destination":{"host":"stable.shop.svc.cluster.local"},"weight":100},
    {"destination":{"host":"canary"},"weight":0}]}]})";
constexpr std::string_view subset_spec = R"({"http":[{"route":[
    {"destination":{"host":"web","subset":"stable-set"},"weight":100},
    {"destination":{"host":"web","subset":"canary-set"},"weight":0}]}]})";

Documents hosts() {
    return {{service_ref(), service(host_spec)}};
}
Documents subsets() {
    return {
        {service_ref(), service(subset_spec)},
        {rule_ref(), json(R"({"metadata":{"name":"dr","resourceVersion":"5"},"spec":{"host":"web",
              "trafficPolicy":{"x":1},"subsets":[{"name":"stable-set","labels":{"app":"web"}},
              {"name":"canary-set"},{"name":"theirs","labels":{"v":"9"}}]}})")}};
}

TEST(Istio, FetchesTheServicesOfOtherNamespacesToo) {
    auto config = by_subset();
    config.virtual_services.push_back({.name = "edge.mesh"});
    EXPECT_EQ(make_istio_router(config)->objects(target),
              (std::vector<ObjectRef>{
                  service_ref(), {resources::virtual_services, "mesh", "edge"}, rule_ref()}));
}

TEST(Istio, EveryWeightReadsBackAndIsWrittenOnce) {
    for (const bool subset : {false, true}) {
        const auto router = make_istio_router(subset ? by_subset() : by_host({"primary"}));
        Documents documents = subset ? subsets() : hosts();
        for (int weight = 0; weight <= 100; ++weight)
            expect_round_trip(*router, documents, target, weight);
        for (const int weight : {100, 0, 50, 0})
            expect_round_trip(*router, documents, target, weight);
    }
}

TEST(Istio, AWeightIsOneGuardedPatchWithTheRisingSideFirst) {
    const auto router = make_istio_router(by_host({"primary"}));
    const auto writes = router->write(hosts(), target, 5, 100);
    ASSERT_TRUE(writes.ok());
    ASSERT_EQ(writes->size(), 1u);
    EXPECT_EQ(writes->front().body, json(R"([
      {"op":"test","path":"/metadata/resourceVersion","value":"3"},
      {"op":"test","path":"/spec/http/1/name","value":"primary"},
      {"op":"test","path":"/spec/http/1/route/1/destination/host","value":"canary"},
      {"op":"test","path":"/spec/http/1/route/1/weight","value":0},
      {"op":"replace","path":"/spec/http/1/route/1/weight","value":5},
      {"op":"test","path":"/spec/http/1/route/0/destination/host",
       "value":"stable.shop.svc.cluster.local"},
      {"op":"test","path":"/spec/http/1/route/0/weight","value":100},
      {"op":"replace","path":"/spec/http/1/route/0/weight","value":95}])"));
}

TEST(Istio, RoutesThatWereNotNamedStayAsTheyAre) {
    const auto router = make_istio_router(by_host({"primary"}));
    Documents documents = hosts();
    Json expected = *documents[service_ref()];
    expected["spec"]["http"][1]["route"][0]["weight"] = 70;
    expected["spec"]["http"][1]["route"][1]["weight"] = 30;
    expected["metadata"]["resourceVersion"] = "4";
    ASSERT_TRUE(perform(documents, *router->write(documents, target, 30, 100)).ok());
    EXPECT_EQ(*documents[service_ref()], expected);
}

TEST(Istio, APatchDecidedOnAnOlderServiceFails) {
    const auto router = make_istio_router(by_host({"primary"}));
    Documents documents = hosts();
    const auto stale = router->write(documents, target, 20, 100);
    std::swap((*documents[service_ref()])["spec"]["http"][0],
              (*documents[service_ref()])["spec"]["http"][1]);
    (*documents[service_ref()])["metadata"].erase("resourceVersion");
    EXPECT_FALSE(perform(documents, *stale).ok());
}

TEST(Istio, UnknownDestinationsWithAWeightAreDropped) {
    const auto router = make_istio_router(by_host());
    Documents documents{{service_ref(), service(R"({"http":[{"route":[
      {"destination":{"host":"old-experiment"},"weight":10},
      {"destination":{"host":"stable"},"weight":80},{"destination":{"host":"idle"},"weight":0},
      {"destination":{"host":"canary"}},{"destination":{"host":"older"},"weight":10}]}]})")}};
    expect_round_trip(*router, documents, target, 20);
    EXPECT_EQ((*documents[service_ref()])["spec"]["http"][0]["route"],
              json(R"([{"destination":{"host":"stable"},"weight":80},
                {"destination":{"host":"idle"},"weight":0},
                {"destination":{"host":"canary"},"weight":20}])"));
}

TEST(Istio, SubsetsGetTheirHashAndOthersStay) {
    const auto router = make_istio_router(by_subset());
    Documents documents = subsets();
    const auto writes = router->write(documents, target, 0, 100);
    ASSERT_TRUE(writes.ok());
    ASSERT_TRUE(perform(documents, *writes).ok());
    const Json& rule = *documents[rule_ref()];
    EXPECT_EQ(rule["spec"]["subsets"], json(R"([
      {"name":"stable-set","labels":{"app":"web","rollouts-pod-template-hash":"aaa"}},
      {"name":"canary-set","labels":{"rollouts-pod-template-hash":"bbb"}},
      {"name":"theirs","labels":{"v":"9"}}])"));
    EXPECT_EQ(rule["spec"]["trafficPolicy"], json(R"({"x":1})"));
    EXPECT_EQ(rule["metadata"]["annotations"]["argo-rollouts.argoproj.io/managed-by-rollouts"],
              "web");

    Target unknown = target;
    unknown.canary_hash.clear();
    ASSERT_TRUE(perform(documents, *router->write(documents, unknown, 0, 100)).ok());
    EXPECT_EQ((*documents[rule_ref()])["spec"]["subsets"][1]["labels"], Json::object());
}

// The kinds of the objects written, in order: "rule service".
std::string order(const Result<std::vector<RouteWrite>>& writes) {
    std::vector<std::string> kinds;
    for (const auto& write : *writes) kinds.push_back(write.object.type.kind);
    return join(kinds, " ");
}

TEST(Istio, UsersNeverMeetPodsThatTheirWeightWasNotMeantFor) {
    const auto router = make_istio_router(by_subset());
    Documents documents = subsets();
    EXPECT_EQ(order(router->write(documents, target, 20, 100)), "DestinationRule VirtualService");
    expect_round_trip(*router, documents, target, 20);

    Target superseded = target;
    superseded.canary_hash = "ccc";
    EXPECT_EQ(order(router->write(documents, superseded, 0, 100)),
              "VirtualService DestinationRule");

    Target promoted = target;
    promoted.stable_hash = "bbb";
    EXPECT_EQ(order(router->write(documents, promoted, 0, 100)), "DestinationRule VirtualService");

    Target both = promoted;
    both.canary_hash = "ccc";
    EXPECT_EQ(order(router->write(documents, both, 0, 100)),
              "DestinationRule VirtualService DestinationRule");
    expect_round_trip(*router, documents, both, 0);
}

TEST(Istio, ManagedRoutesAreRemovedAndNothingElse) {
    Target managing = target;
    managing.managed_routes = {"header", "mirror"};
    const auto router = make_istio_router(by_host());
    Documents documents{
        {service_ref(), service(R"({"http":[{"name":"mirror"},{"name":"header"},{"route":[
      {"destination":{"host":"stable"},"weight":100},
      {"destination":{"host":"canary"},"weight":0}]}]})")}};
    expect_round_trip(*router, documents, managing, 40);
    ASSERT_TRUE(perform(documents, *router->remove(documents, managing)).ok());
    EXPECT_EQ((*documents[service_ref()])["spec"]["http"].size(), 1u);
    EXPECT_TRUE(router->remove(documents, managing)->empty());
    EXPECT_EQ(*router->read(documents, managing), 40);
}

struct BadRoute {
    std::string spec;
    crds::IstioConfig config;
    std::string text;
    std::string protocol;
};

TEST(Istio, ErrorsSayWhatUpstreamSays) {
    auto tls = by_host();
    tls.virtual_services[0].tls_routes = {{3000, {"a"}}};
    auto tcp = by_host();
    tcp.virtual_services[0].tcp_routes = {{3000}};
    const std::string pair =
        R"("route":[{"destination":{"host":"stable"}},{"destination":{"host":"canary"}}])";
    const std::vector<BadRoute> rows = {
        {std::string(host_spec), by_host({"missing"}),
         "HTTP Route 'missing' is not found in the defined Virtual Service.", "HTTP"},
        {std::string(host_spec), by_host(),
         "spec.http[] should be set in VirtualService and it must have exactly one route when "
         "omitting "
         "spec.strategy.canary.trafficRouting.istio.virtualService.routes",
         "HTTP"},
        {std::string(host_spec), by_host({"other"}), "Canary Service 'canary' not found in route",
         "HTTP"},
        {R"({"http":[{"route":[{"destination":{"host":"canary"}}]}]})", by_host(),
         "Stable Service 'stable' not found in route", "HTTP"},
        {std::string(subset_spec),
         {by_host().virtual_services, {{"dr", "x", "stable-set"}}},
         "Canary DestinationRule subset 'x' not found in route",
         "HTTP"},
        {std::string(subset_spec),
         {by_host().virtual_services, {{"dr", "canary-set", "y"}}},
         "Stable DestinationRule subset 'y' not found in route",
         "HTTP"},
        {R"({"tls":[{"match":[{"port":3000,"sniHosts":["b"]}],)" + pair + "}]}", tls,
         "No matching TLS routes found in the defined Virtual Service.", "TLS"},
        {R"({"tcp":[{"match":[{"port":3001}],)" + pair + "}]}", tcp,
         "No matching TCP routes found in the defined Virtual Service.", "TCP"},
        {R"({"tcp":[{)" + pair + "},{" + pair + "}]}", by_host(),
         "spec.tcp[] should be set in VirtualService and it must have exactly one route when "
         "omitting "
         "spec.strategy.canary.trafficRouting.istio.virtualService.tcpRoutes",
         "TCP"},
    };
    for (const auto& row : rows) {
        Documents documents = subsets();
        documents[service_ref()] = service(row.spec);
        const auto router = make_istio_router(row.config);
        const auto writes = router->write(documents, target, 5, 100);
        ASSERT_FALSE(writes.ok()) << row.text;
        EXPECT_EQ(writes.error(), invalid(row.text));
        EXPECT_EQ(router->problems(documents, target),
                  (std::vector<Problem>{
                      {"spec.strategy.canary.trafficRouting.istio.virtualService.name",
                       concat("Invalid value: \"vs\": Istio VirtualService has invalid ",
                              row.protocol, " routes. Error: ", row.text)}}));
    }
}

TEST(Istio, MissingObjectsAreProblems) {
    const auto router = make_istio_router(by_subset());
    EXPECT_EQ(
        router->problems({}, target),
        (std::vector<Problem>{
            {"spec.strategy.canary.trafficRouting.istio.virtualService.name",
             "Invalid value: \"vs\": virtualservices.networking.istio.io \"vs\" not found"},
            {"spec.strategy.canary.trafficRouting.istio.destinationRule.name",
             "Invalid value: \"dr\": destinationrules.networking.istio.io \"dr\" not found"}}));
    Documents documents = subsets();
    documents[service_ref()] = service("{}");
    EXPECT_EQ(
        router->problems(documents, target).at(0).what,
        "Invalid value: \"vs\": Unable to get any of the HTTP, TCP or TLS routes for the Istio "
        "VirtualService");
    EXPECT_EQ(router->write({}, target, 5, 100).error(),
              not_found("virtualservices.networking.istio.io \"vs\" not found"));
    documents = subsets();
    (*documents[rule_ref()])["spec"]["subsets"].erase(1);
    EXPECT_EQ(router->write(documents, target, 5, 100).error(),
              invalid("DestinationRule `dr` has no subset 'canary-set'"));
    EXPECT_EQ(*router->read({}, target), std::nullopt);
}

// Upstream's own end-to-end manifests: the Rollout decides the configuration.
TEST(Istio, WritesUpstreamsManifests) {
    const auto folder = test::conformance_folder() / "argo-rollouts/test/e2e/istio";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no manifests in " << folder;
    int played = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        const std::string name = file.path().filename();
        // Services swap their roles there, or there is no Rollout.
        if (name.find("ping-pong") != std::string::npos || name.find("load-test") == 0) continue;
        std::stringstream text;
        text << std::ifstream(file.path()).rdbuf();
        const auto parsed = parse_yaml(text.str(), name);
        ASSERT_TRUE(parsed.ok()) << parsed.error().message;
        Documents documents;
        Json canary;
        for (const auto& document : *parsed) {
            const Json object = json(document.text);
            const std::string kind = text_at(object, {"kind"});
            const std::string object_name = text_at(object, {"metadata", "name"});
            if (kind == "VirtualService")
                documents[{resources::virtual_services, "shop", object_name}] = object;
            if (kind == "DestinationRule")
                documents[{resources::destination_rules, "shop", object_name}] = object;
            if (kind == "Rollout") canary = object["spec"]["strategy"]["canary"];
        }
        const Json& routing = canary["trafficRouting"]["istio"];
        crds::IstioConfig config;
        crds::IstioVirtualService one{.name = text_at(routing, {"virtualService", "name"})};
        if (const Json* routes = find(routing, {"virtualService", "routes"}))
            one.routes = routes->get<std::vector<std::string>>();
        if (const Json* routes = find(routing, {"virtualService", "tlsRoutes"}))
            for (const auto& route : *routes)
                one.tls_routes.push_back({integer_at(route, {"port"}),
                                          route.at("sniHosts").get<std::vector<std::string>>()});
        config.virtual_services.push_back(one);
        if (const Json* rule = find(routing, {"destinationRule"}))
            config.destination_rule = {text_at(*rule, {"name"}),
                                       text_at(*rule, {"canarySubsetName"}),
                                       text_at(*rule, {"stableSubsetName"})};
        Target web = target;
        web.stable_service = text_at(canary, {"stableService"});
        web.canary_service = text_at(canary, {"canaryService"});
        SCOPED_TRACE(name);
        const auto router = make_istio_router(config);
        EXPECT_TRUE(router->problems(documents, web).empty());
        for (const int weight : {10, 100, 0}) expect_round_trip(*router, documents, web, weight);
        ++played;
    }
    EXPECT_GE(played, 9);
}

}  // namespace
}  // namespace istio_test
}  // namespace sluice::traffic
