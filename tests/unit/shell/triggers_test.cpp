// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/shell/triggers.hpp"
#include "traffic/router.hpp"

namespace sluice::shell {
namespace {

crds::Rollout routed() {
    crds::Rollout rollout;
    rollout.metadata.ns = "shop";
    rollout.metadata.name = "web";
    auto& canary = rollout.spec.canary.emplace();
    canary.stable_service = "web-stable";
    canary.canary_service = "web-canary";
    auto& routing = canary.traffic_routing.emplace();
    routing.nginx.emplace().stable_ingresses = {"front"};
    routing.istio.emplace().virtual_services = {{.name = "near"}, {.name = "far.mesh"}};
    crds::AnalysisStep step;
    step.analysis.templates = {{"errors", false}, {"everywhere", true}};
    canary.steps.push_back(step);
    return rollout;
}

TEST(Triggers, NameWhatARolloutUses) {
    const auto rollout = routed();
    EXPECT_TRUE(uses_service(rollout, "web-canary"));
    EXPECT_FALSE(uses_service(rollout, "other"));
    EXPECT_TRUE(uses_ingress(rollout, "front"));
    EXPECT_TRUE(uses_ingress(rollout, "web-front-canary"));
    EXPECT_FALSE(uses_ingress(rollout, "web-back-canary"));
    EXPECT_TRUE(uses_analysis_template(rollout, "errors", false));
    EXPECT_FALSE(uses_analysis_template(rollout, "errors", true));
    EXPECT_TRUE(uses_analysis_template(rollout, "everywhere", true));
}

TEST(Triggers, KnowTheCanaryIngressOfALongNameAsTheRouterMakesIt) {
    auto rollout = routed();
    const std::string longest(200, 'x');
    rollout.metadata.name = longest;
    rollout.spec.canary->traffic_routing->nginx->stable_ingresses = {longest};
    const auto router = traffic::make_nginx_router(*rollout.spec.canary->traffic_routing->nginx);
    for (const auto& ref : router->objects({.ns = "shop", .name = longest}))
        EXPECT_TRUE(uses_ingress(rollout, ref.name)) << ref.name;
}

TEST(Triggers, FindVirtualServicesAcrossNamespaces) {
    const auto rollout = routed();
    EXPECT_TRUE(uses_virtual_service(rollout, "shop", "near"));
    EXPECT_FALSE(uses_virtual_service(rollout, "mesh", "near"));
    EXPECT_TRUE(uses_virtual_service(rollout, "mesh", "far"));
    EXPECT_FALSE(uses_virtual_service(rollout, "shop", "far"));
}

}  // namespace
}  // namespace sluice::shell
