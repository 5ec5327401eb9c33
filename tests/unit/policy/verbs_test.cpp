// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/policy/verbs/patches.hpp"
#include "controller/policy/verbs/standing.hpp"

namespace sluice::policy::verbs {
namespace {

Json rollout(const char* text) {
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.ok());
    return *parsed;
}

std::string text_of(const std::optional<Json>& patch) {
    return patch ? sluice::to_text(*patch) : "none";
}

struct PatchCase {
    const char* name;
    const char* object;
    bool full;
    const char* status;
    const char* spec;
};

const PatchCase cases[] = {
    {"PastAPauseStep",
     R"({"spec":{"strategy":{"canary":{"steps":[{},{}]}}},"status":{"currentStepIndex":0,"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep"}]}})",
     false, R"({"status":{"pauseConditions":null}})", "none"},
    {"PastAnInconclusiveRun",
     R"({"spec":{"strategy":{"canary":{"steps":[{},{}]}}},"status":{"currentStepIndex":0,"controllerPause":true,"canary":{"currentStepAnalysisRunStatus":{"status":"Inconclusive"}},"pauseConditions":[{"reason":"InconclusiveAnalysisRun"}]}})",
     false, R"({"status":{"controllerPause":false,"currentStepIndex":1,"pauseConditions":null}})",
     "none"},
    {"PastARunningAnalysis",
     R"({"spec":{"strategy":{"canary":{"steps":[{},{}]}}},"status":{"currentStepIndex":1}})", false,
     R"({"status":{"currentStepIndex":2,"pauseConditions":null}})", "none"},
    {"NothingToDoAtTheEnd",
     R"({"spec":{"strategy":{"canary":{"steps":[{},{}]}}},"status":{"currentStepIndex":2}})", false,
     "none", "none"},
    {"UserPauseIsLifted", R"({"spec":{"paused":true,"strategy":{"canary":{}}}})", false, "none",
     R"({"spec":{"paused":false}})"},
    {"FullSkipsTheRest", R"({"status":{"currentPodHash":"b","stableRS":"a"}})", true,
     R"({"status":{"promoteFull":true}})", "none"},
    {"FullOfAPromotedOneDoesNothing", R"({"status":{"currentPodHash":"a","stableRS":"a"}})", true,
     "none", "none"},
};

class Promote : public testing::TestWithParam<PatchCase> {};

TEST_P(Promote, SendsUpstreamsPatches) {
    const auto& c = GetParam();
    const auto pair = c.full ? promote_full(rollout(c.object)) : promote(rollout(c.object));
    EXPECT_EQ(text_of(pair.status), c.status);
    EXPECT_EQ(text_of(pair.spec), c.spec);
}

INSTANTIATE_TEST_SUITE_P(Cases, Promote, testing::ValuesIn(cases),
                         [](const auto& test) { return test.param.name; });

TEST(Abort, SetsTheFlagInTheStatus) {
    EXPECT_EQ(text_of(abort().status), R"({"status":{"abort":true}})");
    EXPECT_EQ(text_of(retry().status), R"({"status":{"abort":false}})");
}

TEST(Undo, RestoresTheTemplateWithoutTheHash) {
    const Json replica_set = rollout(
        R"({"spec":{"template":{"metadata":{"labels":{"app":"a","rollouts-pod-template-hash":"x"}},"spec":{"containers":[]}}}})");
    EXPECT_EQ(
        sluice::to_text(undo(replica_set)),
        R"([{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[]}}}])");
}

TEST(Standing, IsNotTheControllersLastWordOnWhatItHasNotSeen) {
    const auto told = [](const char* object) { return to_text(standing_of(rollout(object))); };
    EXPECT_EQ(
        told(
            R"({"metadata":{"generation":3},"status":{"observedGeneration":"2","phase":"Healthy"}})"),
        "Progressing - waiting for rollout spec update to be observed");
    EXPECT_EQ(told(R"({"status":{"controllerPause":true,"phase":"Paused"}})"),
              "Progressing - waiting for rollout to unpause");
    EXPECT_EQ(
        told(
            R"({"metadata":{"generation":2},"status":{"observedGeneration":"2","phase":"Healthy"}})"),
        "Healthy");
    EXPECT_EQ(told(R"({"spec":{}})"), "Progressing - waiting for a controller");
}

}  // namespace
}  // namespace sluice::policy::verbs
