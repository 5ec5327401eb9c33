// SPDX-License-Identifier: Apache-2.0
#include "crds/rollout.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/rollout_conditions.hpp"

namespace sluice::crds {
namespace rollout_test {

// A valid canary with traffic routing, bent by a merge patch on its spec.
Rollout rollout_with(const std::string& spec_patch) {
    Json document = Json::parse(R"({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
      "metadata": {"name": "shop", "namespace": "default", "uid": "u", "generation": 7},
      "spec": {"selector": {"matchLabels": {"app": "shop"}},
        "template": {"metadata": {"labels": {"app": "shop"}},
          "spec": {"containers": [{"name": "shop", "image": "shop:v1"}]}},
        "strategy": {"canary": {"canaryService": "c", "stableService": "s",
          "trafficRouting": {"nginx": {"stableIngress": "shop"}},
          "steps": [{"setWeight": 5}, {"pause": {}}]}}}})");
    document["spec"].merge_patch(Json::parse(spec_patch));
    return decode_rollout(document);
}

TEST(DecodeRollout, ReadsEveryStep) {
    const Rollout rollout = rollout_with(R"({"strategy": {"canary": {"steps": [
      {"setWeight": 5}, {"pause": {}}, {"pause": {"duration": "1m30s"}},
      {"pause": {"duration": 20}},
      {"pause": {"duration": "20"}}, {"setCanaryScale": {"weight": 25}},
      {"setCanaryScale": {"replicas": 3}}, {"setCanaryScale": {"matchTrafficWeight": true}},
      {"analysis": {"templates": [{"templateName": "a", "clusterScope": true}],
        "args": [{"name": "h", "valueFrom": {"podTemplateHashValue": "Latest"}},
                 {"name": "v", "value": "1"},
                 {"name": "f", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}},
      {"plugin": {"name": "a/b", "config": {"x": 1}}}]}}})");
    ASSERT_TRUE(rollout.problems.empty()) << to_text(rollout.problems.front());
    std::vector<std::string> texts;
    for (const auto& step : rollout.spec.canary->steps) texts.push_back(to_text(step));
    EXPECT_EQ(texts, (std::vector<std::string>{
                         "setWeight: 5", "pause", "pause: 1m30s", "pause: 20", "pause: 20",
                         "setCanaryScale{weight: 25}", "setCanaryScale{replicas: 3}",
                         "setCanaryScale{matchTrafficWeight: true}", "analysis", "plugin: a/b"}));
    const auto& steps = rollout.spec.canary->steps;
    EXPECT_EQ(std::get<PauseStep>(steps[2]).duration, std::chrono::seconds{90});
    EXPECT_EQ(std::get<PauseStep>(steps[4]).duration, std::chrono::seconds{20});
    const auto& analysis = std::get<AnalysisStep>(steps[8]).analysis;
    EXPECT_TRUE(analysis.templates[0].cluster_scope);
    EXPECT_EQ(analysis.args[0].pod_template_hash_value, "Latest");
    EXPECT_EQ(analysis.args[1].value, "1");
    EXPECT_EQ(analysis.args[2].field_path, "metadata.name");
}

TEST(DecodeRollout, ReadsBothFormsOfARouter) {
    const auto one = rollout_with("{}").spec.canary->traffic_routing;
    EXPECT_EQ(one->nginx->stable_ingresses, std::vector<std::string>{"shop"});
    EXPECT_EQ(one->nginx->annotation_prefix, "nginx.ingress.kubernetes.io");
    const auto istio = rollout_with(R"({"strategy": {"canary": {"trafficRouting": {"nginx": null,
      "istio": {"virtualServices": [{"name": "a", "routes": ["x"]}, {"name": "b.ns",
        "tlsRoutes": [{"port": 443, "sniHosts": ["h"]}], "tcpRoutes": [{"port": 1}]}],
        "destinationRule": {"name": "d", "canarySubsetName": "c", "stableSubsetName": "s"}}}}}})")
                           .spec.canary->traffic_routing->istio;
    ASSERT_EQ(istio->virtual_services.size(), 2U);
    EXPECT_EQ(istio->virtual_services[1].tls_routes[0].sni_hosts, std::vector<std::string>{"h"});
    EXPECT_EQ(istio->destination_rule->canary_subset_name, "c");
}

TEST(DecodeRollout, TellsEveryProblemWithItsPath) {
    const Rollout rollout = rollout_with(R"({"replicas": "three", "pausd": true,
      "strategy": {"canary": {"steps": [{"setWeight": "5"}, {"pause": {"lenght": 3}}]}}})");
    std::vector<std::string> texts;
    for (const auto& problem : rollout.problems) texts.push_back(to_text(problem));
    EXPECT_EQ(texts,
              (std::vector<std::string>{
                  "spec.replicas: expected a whole number, found \"three\"",
                  "spec.strategy.canary.steps[0].setWeight: expected a whole number, found \"5\"",
                  "spec.pausd: unknown field",
                  "spec.strategy.canary.steps[1].pause.lenght: unknown field"}));
    // Unknown fields do not stop a rollout.
    EXPECT_EQ(refusals(rollout).size(), 2U);
}

TEST(DecodeRollout, SurvivesAnyNonsense) {
    for (const char* text :
         {"null", "[]", "3", "{}", R"({"spec": 3, "status": [], "metadata": "x"})",
          R"({"spec": {"strategy": {"canary": {"steps": [null, 4, {}]}},
                               "template": {"spec": {"containers": 3}, "metadata": []}}})"})
        static_cast<void>(refusals(decode_rollout(Json::parse(text))));
}

struct Refused {
    const char* spec_patch;
    const char* first;  // the whole text that users see
};

const Refused refused[] = {
#include "tests/unit/crds/rollout_refusals.inc"
};

TEST(ValidateRollout, RefusesInUpstreamsWords) {
    EXPECT_TRUE(refusals(rollout_with("{}")).empty());
    for (const auto& row : refused) {
        const auto found = refusals(rollout_with(row.spec_patch));
        ASSERT_FALSE(found.empty()) << row.spec_patch;
        EXPECT_EQ(found.front(), row.first) << row.spec_patch;
    }
}

TEST(RolloutStatus, ReadsBackAsItWasWritten) {
    const TimePoint when = *parse_rfc3339("2026-11-20T10:31:07Z");
    RolloutStatus status{.abort = true,
                         .aborted_at = when,
                         .pause_conditions = {{PauseReason::InconclusiveAnalysisRun, when}},
                         .controller_pause = true,
                         .current_pod_hash = "5d8",
                         .current_step_hash = "77c",
                         .current_step_index = 0,
                         .stable_rs = "4b2",
                         .promote_full = true,
                         .replicas = 4,
                         .updated_replicas = 1,
                         .ready_replicas = 3,
                         .available_replicas = 2,
                         .hpa_replicas = 4,
                         .selector = "app=shop",
                         .collision_count = 0,
                         .observed_generation = "7",
                         .restarted_at = when,
                         .phase = "Degraded",
                         .message = "why"};
    set_condition(status,
                  {"Progressing", ConditionStatus::Unknown, "RolloutPaused", "m", when, when});
    status.canary = {.current_step_analysis_run = RunStatus{"a", "Failed", "m"},
                     .current_background_analysis_run = RunStatus{"b", "", ""},
                     .weights = TrafficWeights{{5, "c", "5d8"}, {95, "s", "4b2"}, {}, false}};
    const Json encoded = encode_status(status);
    EXPECT_TRUE(encoded["observedGeneration"].is_string());
    std::vector<Problem> problems;
    EXPECT_EQ(decode_status(Field(encoded, problems)), status);
    EXPECT_TRUE(problems.empty());
}

TEST(RolloutConditions, ChangeByUpstreamsRules) {
    const TimePoint first{std::chrono::seconds{1}};
    const TimePoint later{std::chrono::seconds{2}};
    RolloutStatus status;
    set_condition(status, {"A", ConditionStatus::True, "R", "m", first, first});
    set_condition(status, {"B", ConditionStatus::True, "R", "m", first, first});
    // Same status and reason: untouched, even with another message.
    EXPECT_FALSE(set_condition(status, {"A", ConditionStatus::True, "R", "n", later, later}));
    EXPECT_EQ(find_condition(status, "A")->message, "m");
    // Another reason: moved to the end, the transition time kept.
    EXPECT_TRUE(set_condition(status, {"A", ConditionStatus::True, "Q", "n", later, later}));
    EXPECT_EQ(status.conditions.back().type, "A");
    EXPECT_EQ(status.conditions.back().last_transition_time, first);
    EXPECT_TRUE(set_condition(status, {"A", ConditionStatus::False, "Q", "n", later, later}));
    EXPECT_EQ(status.conditions.back().last_transition_time, later);
}

TEST(LabelSelector, MatchesAndReadsAsKubernetesDoes) {
    const LabelSelector selector{{{"app", "shop"}},
                                 {{"tier", "In", {"b", "a"}},
                                  {"old", "DoesNotExist", {}},
                                  {"env", "NotIn", {"dev"}},
                                  {"zone", "Exists", {}}}};
    EXPECT_EQ(to_text(selector), "app=shop,env notin (dev),!old,tier in (a,b),zone");
    EXPECT_TRUE(matches(selector, {{"app", "shop"}, {"tier", "a"}, {"zone", "z"}}));
    EXPECT_FALSE(matches(selector, {{"app", "shop"}, {"tier", "c"}, {"zone", "z"}}));
    EXPECT_FALSE(matches(selector, {{"app", "shop"}, {"tier", "a"}}));
    EXPECT_FALSE(
        matches(selector, {{"app", "shop"}, {"tier", "a"}, {"zone", "z"}, {"env", "dev"}}));
    EXPECT_FALSE(matches(selector, {{"app", "shop"}, {"tier", "a"}, {"zone", "z"}, {"old", ""}}));
}

}  // namespace rollout_test
}  // namespace sluice::crds
