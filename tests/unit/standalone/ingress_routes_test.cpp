// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/ingress/endpoints.hpp"
#include "standalone/ingress/routes.hpp"

namespace sluice::standalone::ingress {
namespace routes_test {
namespace {

using Routes = std::map<std::string, std::vector<Share>>;

Json doc(const std::string& text) {
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return parsed.ok() ? *parsed : Json();
}

Json service(const std::string& name) {
    return doc(concat(R"({"metadata":{"name":")", name, R"(","namespace":"shop"},"spec":{"ports":
      [{"name":"http","port":80,"targetPort":"web"}],"selector":{"side":")",
                      name, R"("}}})"));
}

Json pod(const std::string& side, const std::string& ip, const std::string& ready = "True") {
    return doc(
        concat(R"({"metadata":{"namespace":"shop","labels":{"side":")", side,
               R"(","v":"1","rollouts-pod-template-hash":"h)", side,
               R"("}},"spec":{"containers":[{"ports":[{"name":"web","containerPort":8080}]}]},
                      "status":{"podIP":")",
               ip, R"(","conditions":[{"type":"Ready","status":")", ready, R"("}]}})"));
}

Json ingress(const std::string& name, const std::string& annotations, const std::string& host,
             const std::string& path, const std::string& type, const std::string& service_name) {
    return doc(concat(
        R"({"metadata":{"name":")", name, R"(","namespace":"shop","annotations":)", annotations,
        R"(},"spec":{"rules":[{)", host.empty() ? "" : concat(R"("host":")", host, R"(",)"),
        R"("http":{"paths":[{"path":")", path, R"(","pathType":")", type,
        R"(","backend":{"service":{"name":")", service_name, R"(","port":{"number":80}}}}]}}]}})"));
}

std::string weighted(const std::string& weight, const std::string& total = {}) {
    return concat(R"({"nginx.ingress.kubernetes.io/canary":"true",
      "nginx.ingress.kubernetes.io/canary-weight":")",
                  weight, "\"",
                  total.empty() ? ""
                                : concat(R"(,"nginx.ingress.kubernetes.io/canary-weight-total":")",
                                         total, "\""),
                  "}");
}

Objects shop() {
    return {.services = {service("stable"), service("canary")},
            .pods = {pod("stable", "10.0.0.1"), pod("stable", "10.0.0.2", "False"),
                     pod("canary", "10.0.0.3")}};
}

TEST(IngressRoutes, AnIngressRoutesToTheReadyPodsOfItsService) {
    Objects objects = shop();
    objects.ingresses = {ingress("a", "{}", "A.test", "/img/", "Prefix", "stable"),
                         ingress("b", "{}", "", "/x", "Exact", "stable")};
    const Desired desired = render(objects);
    EXPECT_EQ(desired.prefix, (Routes{{"a.test/img/", {{"shop/stable:80", 10000}}}}));
    EXPECT_EQ(desired.exact, (Routes{{"*/x", {{"shop/stable:80", 10000}}}}));
    EXPECT_EQ(desired.backends, (std::map<std::string, std::set<Endpoint>>{
                                    {"shop/stable:80", {{"10.0.0.1", 8080, "hstable"}}}}));
    EXPECT_TRUE(desired.problems.empty());
}

TEST(IngressRoutes, ACanaryTakesItsShareOfTheSamePath) {
    struct Row {
        std::string annotations;
        int share;
    };
    for (const auto& [annotations, share] : std::vector<Row>{{weighted("0"), 0},
                                                             {weighted("5"), 500},
                                                             {weighted("100"), 10000},
                                                             {weighted("150"), 10000},
                                                             {weighted("1", "10000"), 1},
                                                             {weighted("250", "1000"), 2500}}) {
        Objects objects = shop();
        objects.ingresses = {ingress("c", annotations, "a.test", "/", "Prefix", "canary"),
                             ingress("s", "{}", "a.test", "/", "Prefix", "stable")};
        const Desired desired = render(objects);
        EXPECT_EQ(
            desired.prefix,
            (Routes{{"a.test/", {{"shop/canary:80", share}, {"shop/stable:80", 10000 - share}}}}))
            << annotations;
        EXPECT_TRUE(desired.problems.empty());
    }
}

TEST(IngressRoutes, WhatCannotBeServedIsSaid) {
    Objects objects = shop();
    objects.ingresses = {ingress("s", "{}", "a.test", "/", "Prefix", "stable"),
                         ingress("t", "{}", "a.test", "/", "Prefix", "stable"),
                         ingress("c", weighted("x"), "a.test", "/", "Prefix", "canary"),
                         ingress("d", weighted("5"), "b.test", "/", "Prefix", "canary"),
                         ingress("e", "{}", "c.test", "/", "Prefix", "missing"),
                         ingress("f", "{}", "c.test", "/a b", "Prefix", "stable")};
    const Desired desired = render(objects);
    EXPECT_EQ(desired.problems,
              (std::vector<std::string>{
                  "ingress shop/c: canary-weight or canary-weight-total is not a whole number",
                  "ingress shop/d: b.test/ has no single main route for this canary",
                  "ingress shop/e: service shop/missing has no port \"80\"",
                  "ingress shop/f: path of c.test/a b/ has characters not allowed",
                  "ingress shop/t: a.test/ is already routed by another object"}));
    // A route to nothing is a route that answers 503, not one that is not there.
    EXPECT_EQ(desired.prefix.at("c.test/"), (std::vector<Share>{{"shop/missing:80", 10000}}));
    EXPECT_TRUE(desired.backends.at("shop/missing:80").empty());
}

TEST(IngressRoutes, AnotherClassIsAnothersBusiness) {
    Objects objects = shop();
    objects.ingresses = {ingress("s", R"({"kubernetes.io/ingress.class":"alb"})", "a.test", "/",
                                 "Prefix", "stable")};
    EXPECT_EQ(render(objects), Desired{});
}

TEST(IngressRoutes, TerminatingPodsAreOut) {
    Objects objects = shop();
    objects.pods[0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    EXPECT_TRUE(Directory(objects).endpoints({"shop", "stable", "80", ""}, {}).empty());
}

TEST(IngressRoutes, AServiceWithoutSelectorUsesItsSlices) {
    Objects objects;
    objects.services = {
        doc(R"({"metadata":{"name":"s","namespace":"n"},"spec":{"ports":[{"port":80}]}})")};
    objects.endpoint_slices = {doc(R"({"metadata":{"namespace":"n","labels":
      {"kubernetes.io/service-name":"s"}},"ports":[{"port":9000}],"endpoints":[
      {"addresses":["10.1.1.1"]},{"addresses":["10.1.1.2"],"conditions":{"ready":false}}]})")};
    EXPECT_EQ(Directory(objects).endpoints({"n", "s", "80", ""}, {}),
              (std::set<Endpoint>{{"10.1.1.1", 9000, ""}}));
}

Json virtual_service(const std::string& http) {
    return doc(concat(R"({"metadata":{"name":"vs","namespace":"shop"},"spec":{"hosts":["Web.test",
      "*.web.test"],"http":)",
                      http, "}}"));
}

TEST(IngressRoutes, AVirtualServiceRoutesByWeightAndSubset) {
    Objects objects = shop();
    objects.services.push_back(doc(R"({"metadata":{"name":"web","namespace":"shop"},"spec":{"ports":
      [{"port":80,"targetPort":8080}],"selector":{"v":"1"}}})"));
    objects.destination_rules = {doc(R"({"metadata":{"namespace":"shop"},"spec":{"host":
      "web.shop.svc.cluster.local","subsets":[{"name":"old","labels":{"side":"stable"}},
      {"name":"new","labels":{"side":"canary"}}]}})")};
    objects.virtual_services = {virtual_service(R"([{"route":[
      {"destination":{"host":"web","subset":"old"},"weight":2},
      {"destination":{"host":"web","subset":"new"},"weight":1}]}])")};
    const Desired desired = render(objects);
    const std::vector<Share> shares = {{"shop/web:80#old", 6667}, {"shop/web:80#new", 3333}};
    EXPECT_EQ(desired.prefix, (Routes{{"web.test/", shares}, {"*.web.test/", shares}}));
    EXPECT_EQ(desired.backends.at("shop/web:80#new"),
              (std::set<Endpoint>{{"10.0.0.3", 8080, "hcanary"}}));
    EXPECT_EQ(desired.backends.at("shop/web:80#old"),
              (std::set<Endpoint>{{"10.0.0.1", 8080, "hstable"}}));
    EXPECT_TRUE(desired.problems.empty());
}

TEST(IngressRoutes, TheFirstMatchOfAVirtualServiceWins) {
    Objects objects = shop();
    objects.virtual_services = {virtual_service(R"([
      {"match":[{"uri":{"exact":"/a/b"}},{"uri":{"prefix":"/a"}}],
       "route":[{"destination":{"host":"stable"}}]},
      {"match":[{"uri":{"prefix":"/a/c"}}],"route":[{"destination":{"host":"canary"}}]},
      {"match":[{"headers":{"x":{"exact":"y"}}}],"route":[{"destination":{"host":"canary"}}]},
      {"route":[{"destination":{"host":"canary.shop"}}]}])")};
    const Desired desired = render(objects);
    EXPECT_EQ(desired.exact.at("web.test/a/b"), (std::vector<Share>{{"shop/stable:80", 10000}}));
    EXPECT_EQ(desired.prefix.at("web.test/a"), (std::vector<Share>{{"shop/stable:80", 10000}}));
    EXPECT_FALSE(desired.prefix.contains("web.test/a/c"));
    EXPECT_EQ(desired.prefix.at("web.test/"), (std::vector<Share>{{"shop/canary:80", 10000}}));
    EXPECT_EQ(desired.problems, (std::vector<std::string>{
                                    "virtualservice shop/vs: a match on something else than uri is "
                                    "not supported"}));
}

TEST(IngressRoutes, SharesAlwaysAddUpToTheWhole) {
    for (int a = 0; a <= 40; ++a)
        for (int b = 0; b <= 40; b += 3) {
            Objects objects = shop();
            objects.virtual_services = {virtual_service(
                concat(R"([{"route":[{"destination":{"host":"stable"},"weight":)", a,
                       R"(},{"destination":{"host":"canary"},"weight":)", b, "}]}]"))};
            const Desired desired = render(objects);
            if (a + b == 0) {
                EXPECT_EQ(desired.problems.at(0), "virtualservice shop/vs: all weights are 0");
                continue;
            }
            const auto& shares = desired.prefix.at("web.test/");
            EXPECT_EQ(shares[0].weight + shares[1].weight, whole_share);
            EXPECT_EQ(shares[0].weight == 0, a == 0);
            EXPECT_EQ(shares[1].weight == 0, b == 0);
        }
}

}  // namespace
}  // namespace routes_test
}  // namespace sluice::standalone::ingress
