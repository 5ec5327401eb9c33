// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/endpoint_slice.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::standalone::workloads {
namespace {

ServiceView web_service() {
    ServiceView service{.ns = "shop", .name = "web", .uid = "svc-1", .selector = {{"app", "web"}}};
    service.ports.push_back(
        {.name = "http", .protocol = "TCP", .port = 80, .target = {.number = {}, .text = "http"}});
    return service;
}

PodView web_pod(const std::string& name, const std::string& ip) {
    return {.ns = "shop",
            .name = name,
            .uid = "uid-" + name,
            .labels = {{"app", "web"}},
            .node = "local",
            .phase = "Running",
            .ready = true,
            .ip = ip,
            .ports = {{"http", "TCP", 8080}}};
}

Json only_created(const EndpointSliceDecision& decision) {
    EXPECT_EQ(decision.create.size(), 1U);
    return decision.create.empty() ? Json{} : decision.create.front();
}

TEST(EndpointSlice, NamesPodsWithResolvedPorts) {
    const auto slice =
        only_created(decide_endpoint_slices(web_service(), {web_pod("a", "127.64.0.1")}, {}));
    EXPECT_EQ(slice["ports"], Json::parse(R"([{"name":"http","port":8080,"protocol":"TCP"}])"));
    EXPECT_EQ(slice["endpoints"], Json::parse(R"([{"addresses":["127.64.0.1"],"nodeName":"local",
        "conditions":{"ready":true,"serving":true,"terminating":false},
        "targetRef":{"kind":"Pod","name":"a","namespace":"shop","uid":"uid-a"}}])"));
    EXPECT_EQ(slice["metadata"]["labels"]["kubernetes.io/service-name"], "web");
    EXPECT_EQ(slice["metadata"]["ownerReferences"][0]["uid"], "svc-1");
    EXPECT_EQ(slice["addressType"], "IPv4");
}

TEST(EndpointSlice, ConditionsOfEveryState) {
    struct Row {
        bool ready;
        bool terminating;
        const char* conditions;
    };
    for (const auto& row : {
             Row{true, false, R"({"ready":true,"serving":true,"terminating":false})"},
             Row{false, false, R"({"ready":false,"serving":false,"terminating":false})"},
             Row{true, true, R"({"ready":false,"serving":true,"terminating":true})"},
             Row{false, true, R"({"ready":false,"serving":false,"terminating":true})"},
         }) {
        auto pod = web_pod("a", "127.64.0.1");
        pod.ready = row.ready;
        pod.terminating = row.terminating;
        const auto slice = only_created(decide_endpoint_slices(web_service(), {pod}, {}));
        EXPECT_EQ(slice["endpoints"][0]["conditions"], Json::parse(row.conditions));
    }
}

TEST(EndpointSlice, PodsWithoutAddressOrAtTheirEndAreNotNamed) {
    auto starting = web_pod("a", "");
    auto finished = web_pod("b", "127.64.0.2");
    finished.phase = "Succeeded";
    auto other = web_pod("c", "127.64.0.3");
    other.labels = {{"app", "db"}};
    const auto slice =
        only_created(decide_endpoint_slices(web_service(), {starting, finished, other}, {}));
    EXPECT_TRUE(slice["endpoints"].empty());
}

TEST(EndpointSlice, NothingIsWrittenWhenNothingChanged) {
    const std::vector<PodView> pods = {web_pod("a", "127.64.0.1")};
    const auto slice = only_created(decide_endpoint_slices(web_service(), pods, {}));
    EXPECT_EQ(decide_endpoint_slices(web_service(), pods, {slice}), EndpointSliceDecision{});
}

TEST(EndpointSlice, ChangeReplacesTheSliceWithTheVersionThatWasRead) {
    auto slice =
        only_created(decide_endpoint_slices(web_service(), {web_pod("a", "127.64.0.1")}, {}));
    slice["metadata"]["resourceVersion"] = "17";
    const auto decision =
        decide_endpoint_slices(web_service(), {web_pod("b", "127.64.0.2")}, {slice});
    ASSERT_EQ(decision.replace.size(), 1U);
    EXPECT_EQ(decision.replace[0]["metadata"]["resourceVersion"], "17");
    EXPECT_EQ(decision.replace[0]["endpoints"][0]["addresses"][0], "127.64.0.2");
    EXPECT_TRUE(decision.create.empty() && decision.remove.empty());
}

TEST(EndpointSlice, SelectorThatChangesTakesOtherPods) {
    auto service = web_service();
    const std::vector<PodView> pods = {web_pod("a", "127.64.0.1"), [] {
                                           auto pod = web_pod("b", "127.64.0.2");
                                           pod.labels["hash"] = "new";
                                           return pod;
                                       }()};
    const auto slice = only_created(decide_endpoint_slices(service, pods, {}));
    service.selector["hash"] = "new";
    const auto decision = decide_endpoint_slices(service, pods, {slice});
    ASSERT_EQ(decision.replace.size(), 1U);
    ASSERT_EQ(decision.replace[0]["endpoints"].size(), 1U);
    EXPECT_EQ(decision.replace[0]["endpoints"][0]["targetRef"]["name"], "b");
}

TEST(EndpointSlice, OneNameTwoNumbersMakesTwoSlices) {
    auto odd = web_pod("b", "127.64.0.2");
    odd.ports = {{"http", "TCP", 9090}};
    const auto decision =
        decide_endpoint_slices(web_service(), {web_pod("a", "127.64.0.1"), odd}, {});
    ASSERT_EQ(decision.create.size(), 2U);
    EXPECT_NE(decision.create[0]["metadata"]["name"], decision.create[1]["metadata"]["name"]);
}

TEST(EndpointSlice, RepeatedCreateTriesTheSameName) {
    const std::vector<PodView> pods = {web_pod("a", "127.64.0.1")};
    EXPECT_EQ(decide_endpoint_slices(web_service(), pods, {}).create[0]["metadata"]["name"],
              decide_endpoint_slices(web_service(), {}, {}).create[0]["metadata"]["name"]);
}

TEST(EndpointSlice, ServiceWithoutSelectorKeepsNone) {
    const auto slice =
        only_created(decide_endpoint_slices(web_service(), {web_pod("a", "127.64.0.1")}, {}));
    auto service = web_service();
    service.selector.clear();
    const auto decision = decide_endpoint_slices(service, {web_pod("a", "127.64.0.1")}, {slice});
    EXPECT_EQ(decision.remove.size(), 1U);
    EXPECT_TRUE(decision.create.empty());
}

TEST(EndpointSlice, OnlyWhatShowsWakesTheController) {
    const auto pod = web_pod("a", "127.64.0.1");
    auto restarted = pod;
    restarted.restarts = 1;
    EXPECT_FALSE(changes_endpoints(&pod, &restarted));
    auto going = pod;
    going.terminating = true;
    EXPECT_TRUE(changes_endpoints(&pod, &going));
    EXPECT_TRUE(changes_endpoints(nullptr, &pod));
}

TEST(ServiceView, TargetPortIsThePortWhereNothingIsSaid) {
    const auto service = decode_service_view(Json::parse(
        R"({"spec":{"ports":[{"port":80},{"port":81,"targetPort":8081},{"port":82,"targetPort":"x"}]}})"));
    EXPECT_EQ(service.ports[0].target.number, 80);
    EXPECT_EQ(service.ports[1].target.number, 8081);
    EXPECT_EQ(service.ports[2].target.text, "x");
    EXPECT_FALSE(service.ports[2].target.number);
}

}  // namespace
}  // namespace sluice::standalone::workloads
