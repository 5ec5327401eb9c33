// SPDX-License-Identifier: Apache-2.0
#include "examples/story/timeline.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace story {
namespace {

using sluice::Json;
using sluice::TimePoint;

TimePoint at(long ms) {
    return TimePoint{std::chrono::milliseconds{1'700'000'000'000 + ms}};
}

Json canary_ingress(const char* weight) {
    return {{"metadata",
             {{"name", "shop-shop-canary"},
              {"annotations",
               {{"nginx.ingress.kubernetes.io/canary", "true"},
                {"nginx.ingress.kubernetes.io/canary-weight", weight}}}}}};
}

Json virtual_service(int canary) {
    return {{"spec",
             {{"http",
               {{{"route",
                  {{{"destination", {{"host", "shop"}, {"subset", "stable"}}},
                    {"weight", 100 - canary}},
                   {{"destination", {{"host", "shop"}, {"subset", "canary"}}},
                    {"weight", canary}}}}}}}}}};
}

Json analysis_run(const char* phase) {
    return {{"metadata",
             {{"name", "shop-abc-2-2"},
              {"labels", {{"rollouts-pod-template-hash", "abc"}, {"step-index", "2"}}}}},
            {"spec",
             {{"metrics", {{{"name", "success-rate"}, {"successCondition", "result[0] > 0.9"}}}}}},
            {"status",
             {{"phase", phase},
              {"metricResults",
               {{{"name", "success-rate"},
                 {"measurements",
                  {{{"phase", "Failed"},
                    {"value", "[0.8]"},
                    {"startedAt", "2023-11-14T22:13:20Z"}}}}}}}}}};
}

Json rollout() {
    return {{"metadata", {{"generation", 3}}},
            {"spec",
             {{"template", {{"spec", {{"containers", {{{"image", "shop:v2"}}}}}}}},
              {"strategy",
               {{"canary",
                 {{"steps",
                   {{{"setWeight", 5}}, {{"pause", Json::object()}}, {{"setWeight", 20}}}}}}}}}},
            {"status", {{"phase", "Healthy"}, {"observedGeneration", "3"}, {"stableRS", "abc"}}}};
}

TEST(Timeline, AnIngressWeightIsAChangeOnlyWhenItDiffers) {
    Timeline timeline(Router::Nginx);
    timeline.route({{"metadata", {{"name", "shop"}}}}, false, at(0));
    timeline.route(canary_ingress("5"), false, at(10));
    timeline.route(canary_ingress("5"), false, at(20));
    timeline.route(canary_ingress("20"), false, at(30));
    timeline.route(canary_ingress("20"), true, at(40));
    EXPECT_EQ(timeline.picture().weights,
              (std::vector<WeightChange>{{at(10), 5}, {at(30), 20}, {at(40), 0}}));
}

TEST(Timeline, AVirtualServiceTellsTheWeightOfItsCanarySubset) {
    Timeline timeline(Router::Istio);
    timeline.route(virtual_service(0), false, at(0));
    timeline.route(virtual_service(5), false, at(10));
    EXPECT_EQ(timeline.picture().weights, (std::vector<WeightChange>{{at(0), 0}, {at(10), 5}}));
}

TEST(Timeline, ARunBelongsToTheWeightOfItsStep) {
    Timeline timeline(Router::Nginx);
    timeline.rollout(rollout());
    timeline.analysis_run(analysis_run("Running"), at(0));
    timeline.analysis_run(analysis_run("Failed"), at(500));
    timeline.analysis_run(analysis_run("Failed"), at(900));
    const auto picture = timeline.picture();
    // Step 2 sets 20 %.
    const auto* run = picture.run_at("abc", 20);
    ASSERT_NE(run, nullptr);
    EXPECT_EQ(picture.run_at("abc", 5), nullptr);
    EXPECT_EQ(picture.run_at("xyz", 20), nullptr);
    EXPECT_TRUE(run->failed());
    EXPECT_EQ(run->ended, at(500)) << "the first time that it was seen failed";
    ASSERT_EQ(run->metrics.size(), 1U);
    EXPECT_EQ(run->metrics[0].condition, "result[0] > 0.9");
    EXPECT_EQ(run->metrics[0].measurements, (std::vector<Measurement>{{"Failed", "[0.8]", at(0)}}));
    EXPECT_EQ(picture.births.size(), 1U);
}

TEST(Timeline, AStatusOfAnOlderSpecIsNotObserved) {
    Timeline timeline(Router::Nginx);
    timeline.rollout(rollout());
    EXPECT_TRUE(timeline.picture().rollout.observed);
    EXPECT_EQ(timeline.picture().rollout.image, "shop:v2");
    Json changed = rollout();
    changed["metadata"]["generation"] = 4;
    timeline.rollout(changed);
    EXPECT_FALSE(timeline.picture().rollout.observed);
}

}  // namespace
}  // namespace story
