// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/source/three_way.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/policy/source/live_traffic.hpp"

namespace sluice::policy::source {
namespace {

struct Row {
    const char* what;
    const char* before;
    const char* declared;
    const char* live;
    const char* expected;
};

TEST(ThreeWay, FollowsTheTable) {
    const Row rows[] = {
        {"a declared field is set", "{}", R"({"a": 1})", R"({"a": 2})", R"({"a": 1})"},
        {"an undeclared live field stays", "{}", R"({"a": 1})", R"({"a": 1, "b": 2})",
         R"({"a": 1, "b": 2})"},
        {"a field declared no longer goes", R"({"a": 1, "b": 2})", R"({"a": 1})",
         R"({"a": 1, "b": 9})", R"({"a": 1})"},
        {"inside objects too", R"({"o": {"a": 1, "b": 2}})", R"({"o": {"a": 1}})",
         R"({"o": {"a": 0, "b": 2, "c": 3}})", R"({"o": {"a": 1, "c": 3}})"},
        {"without a memory nothing goes", "null", R"({"a": 1})", R"({"b": 2})",
         R"({"a": 1, "b": 2})"},
        {"a declared null removes", "{}", R"({"a": null})", R"({"a": 1, "b": 2})", R"({"b": 2})"},
        {"nulls are not stored", "{}", R"({"o": {"a": null, "b": 1}})", "{}", R"({"o": {"b": 1}})"},
        {"another type wins", "{}", R"({"a": {"x": 1}})", R"({"a": "text"})", R"({"a": {"x": 1}})"},
        {"a list is replaced", R"({"l": [1, 2]})", R"({"l": [1, 3]})", R"({"l": [1, 2]})",
         R"({"l": [1, 3]})"},
        {"a longer live list is drift", R"({"l": [1]})", R"({"l": [1]})", R"({"l": [1, 2]})",
         R"({"l": [1]})"},
        {"defaults inside items stay", R"({"l": [{"name": "a", "port": 1}]})",
         R"({"l": [{"name": "a", "port": 1}]})",
         R"({"l": [{"name": "a", "port": 1, "protocol": "TCP"}]})",
         R"({"l": [{"name": "a", "port": 1, "protocol": "TCP"}]})"},
        {"drift inside items is repaired", R"({"l": [{"name": "a", "image": "v1"}]})",
         R"({"l": [{"name": "a", "image": "v1"}]})",
         R"({"l": [{"name": "a", "image": "v2", "x": 1}]})",
         R"({"l": [{"name": "a", "image": "v1", "x": 1}]})"},
        {"an item's field declared no longer goes", R"({"l": [{"name": "a", "v": 1}]})",
         R"({"l": [{"name": "a"}]})", R"({"l": [{"name": "a", "v": 1, "x": 1}]})",
         R"({"l": [{"name": "a", "x": 1}]})"},
        {"an item of another name is another item", R"({"l": [{"name": "a"}]})",
         R"({"l": [{"name": "b"}]})", R"({"l": [{"name": "a", "x": 1}]})",
         R"({"l": [{"name": "b"}]})"},
        {"a step that becomes another leaves nothing behind",
         R"({"l": [{"setWeight": 5}, {"pause": {}}]})",
         R"({"l": [{"setWeight": 5}, {"setWeight": 20}]})",
         R"({"l": [{"setWeight": 5}, {"pause": {}}]})",
         R"({"l": [{"setWeight": 5}, {"setWeight": 20}]})"},
        {"a list adopted without memory is set", "null", R"({"l": [{"a": 1}]})",
         R"({"l": [{"a": 1, "b": 2}]})", R"({"l": [{"a": 1}]})"},
    };
    for (const auto& row : rows)
        EXPECT_EQ(
            three_way(Json::parse(row.before), Json::parse(row.declared), Json::parse(row.live)),
            Json::parse(row.expected))
            << row.what;
}

TEST(LiveTraffic, WeightsOfAVirtualServiceAreNotOurs) {
    const auto declared = Json::parse(R"({
        "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "spec": {
          "hosts": ["shop"],
          "http": [{"name": "primary", "timeout": "5s", "route": [
              {"destination": {"host": "shop", "subset": "stable"}, "weight": 100},
              {"destination": {"host": "shop", "subset": "canary"}, "weight": 0},
              {"destination": {"host": "fresh"}, "weight": 1}]},
            {"route": [{"destination": {"host": "other"}}]}]}})");
    const auto live = Json::parse(R"({
        "spec": {"http": [
          {"name": "header-route", "route": [{"destination": {"host": "shop"}}]},
          {"name": "primary", "route": [
              {"destination": {"host": "shop", "subset": "canary"}, "weight": 20},
              {"destination": {"host": "shop", "subset": "stable"}, "weight": 80}]},
          {"route": [{"destination": {"host": "other"}, "weight": 7}]}]}})");
    const auto kept = with_live_traffic(declared, live);
    EXPECT_EQ(kept["spec"]["http"][0]["route"], Json::parse(R"([
        {"destination": {"host": "shop", "subset": "stable"}, "weight": 80},
        {"destination": {"host": "shop", "subset": "canary"}, "weight": 20},
        {"destination": {"host": "fresh"}, "weight": 1}])"));
    EXPECT_EQ(kept["spec"]["http"][0]["timeout"], "5s");
    EXPECT_EQ(kept["spec"]["http"][1]["route"][0]["weight"], 7);
}

TEST(LiveTraffic, TheHashInSelectorsAndSubsetsIsNotOurs) {
    const auto service = Json::parse(
        R"({"apiVersion": "v1", "kind": "Service", "spec": {"selector": {"app": "shop"}}})");
    const auto hashed = Json::parse(
        R"({"spec": {"selector": {"app": "old", "rollouts-pod-template-hash": "abc"}}})");
    EXPECT_EQ(with_live_traffic(service, hashed)["spec"]["selector"],
              Json::parse(R"({"app": "shop", "rollouts-pod-template-hash": "abc"})"));
    EXPECT_EQ(with_live_traffic(service, Json::object()), service);

    const auto rule = Json::parse(R"({"apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule", "spec": {"subsets": [
            {"name": "canary", "labels": {"app": "shop"}}, {"name": "stable"}]}})");
    const auto live_rule = Json::parse(R"({"spec": {"subsets": [
        {"name": "stable", "labels": {"rollouts-pod-template-hash": "s"}},
        {"name": "canary", "labels": {"app": "shop", "rollouts-pod-template-hash": "c"}}]}})");
    EXPECT_EQ(with_live_traffic(rule, live_rule)["spec"]["subsets"], Json::parse(R"([
        {"name": "canary", "labels": {"app": "shop", "rollouts-pod-template-hash": "c"}},
        {"name": "stable", "labels": {"rollouts-pod-template-hash": "s"}}])"));
}

TEST(LiveTraffic, CanaryAnnotationsOfAnIngressAreNotOurs) {
    const auto declared = Json::parse(R"({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary-weight": "0",
                                     "nginx.ingress.kubernetes.io/canary-by-header": "x",
                                     "mine": "y"}}})");
    const auto live = Json::parse(R"({"metadata": {"annotations": {
        "nginx.ingress.kubernetes.io/canary": "true",
        "nginx.ingress.kubernetes.io/canary-weight": "20"}}})");
    EXPECT_EQ(with_live_traffic(declared, live)["metadata"]["annotations"],
              Json::parse(R"({"nginx.ingress.kubernetes.io/canary": "true",
                              "nginx.ingress.kubernetes.io/canary-weight": "20", "mine": "y"})"));
}

TEST(LiveTraffic, WeightsOfAnHttpRouteAreNotOurs) {
    const auto declared = Json::parse(R"({"apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute", "spec": {"rules": [{"backendRefs": [
            {"name": "stable", "port": 80, "weight": 100}, {"name": "canary", "port": 80}]}]}})");
    const auto live = Json::parse(R"({"spec": {"rules": [{"backendRefs": [
            {"name": "stable", "port": 80, "weight": 95},
            {"name": "canary", "port": 80, "weight": 5}]}]}})");
    EXPECT_EQ(with_live_traffic(declared, live)["spec"], live["spec"]);
}

}  // namespace
}  // namespace sluice::policy::source
