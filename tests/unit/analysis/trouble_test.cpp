// SPDX-License-Identifier: Apache-2.0
// Why a run gives no good verdict, from the run as the API server holds it.
#include "analysis/trouble.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::analysis {
namespace trouble_test {

using crds::AnalysisPhase;

Json run_document(const char* phase, const char* results) {
    return Json::parse(concat(
        R"({"metadata": {"name": "r"}, "spec": {"metrics": [
            {"name": "success-rate", "interval": "1s", "count": 10, "provider": {"prometheus": {}}},
            {"name": "latency", "interval": "1s", "count": 10, "provider": {"prometheus": {}}}]},
          "status": {"startedAt": "2026-11-20T12:00:00Z", "phase": ")",
        phase, R"(", "metricResults": )", results, "}}"));
}

std::optional<Trouble> trouble_in(const Json& document) {
    std::vector<Problem> problems;
    return trouble_of(crds::decode_analysis_run(Field(document, problems)));
}

TimePoint at(const char* text) {
    return *parse_rfc3339(text);
}

TEST(Trouble, MeasurementsThatFailAreSaidWhileTheRunGoesOn) {
    const auto trouble = trouble_in(run_document("Running", R"([
        {"name": "success-rate", "phase": "Running", "count": 1, "consecutiveError": 2, "error": 3,
         "measurements": [
           {"phase": "Error", "message": "old", "startedAt": "2026-11-20T12:00:01Z"},
           {"phase": "Successful", "value": "[1]", "startedAt": "2026-11-20T12:00:02Z"},
           {"phase": "Error", "message": "a", "startedAt": "2026-11-20T12:00:03Z"},
           {"phase": "Error", "message": "POST http://p/api/v1/query: connection refused",
            "startedAt": "2026-11-20T12:00:13Z"}]},
        {"name": "latency", "phase": "Running", "consecutiveError": 1, "measurements": [
           {"phase": "Error", "message": "b", "startedAt": "2026-11-20T12:00:13Z"}]}])"));
    ASSERT_TRUE(trouble);
    EXPECT_EQ(*trouble, (Trouble{.phase = AnalysisPhase::Running,
                                 .metric = "success-rate",
                                 .others = {"latency"},
                                 .found = "POST http://p/api/v1/query: connection refused",
                                 .rule = "2 errors in a row, and more than 4 in a row end the run",
                                 .since = at("2026-11-20T12:00:03Z")}));
}

TEST(Trouble, AStreakLongerThanWhatIsKeptBeganEarlier) {
    const auto trouble = trouble_in(run_document("Running", R"([
        {"name": "latency", "phase": "Running", "consecutiveError": 12, "measurements": [
           {"phase": "Error", "message": "b", "startedAt": "2026-11-20T12:00:13Z"}]}])"));
    ASSERT_TRUE(trouble);
    EXPECT_FALSE(trouble->since_is_exact);
}

TEST(Trouble, AnEmptyAnswerIsSaidShortly) {
    const auto trouble = trouble_in(run_document("Error", R"([
        {"name": "latency", "phase": "Error", "consecutiveError": 5, "measurements": [
           {"phase": "Error", "startedAt": "2026-11-20T12:00:13Z", "message":
            "could not evaluate successCondition \"result[0] > 1\": metric result is nil or empty: no data returned from the metric provider"}]}])"));
    ASSERT_TRUE(trouble);
    EXPECT_EQ(trouble->found, "the answer was empty");
    EXPECT_EQ(trouble->rule, "consecutiveErrors (5) > consecutiveErrorLimit (4)");
}

TEST(Trouble, NaNAndOtherValuesAreNamed) {
    const char* results = R"([{"name": "latency", "phase": "%s", "%s": 1, "measurements": [
           {"phase": "%s", "value": "%s", "startedAt": "2026-11-20T12:00:13Z"}]}])";
    char text[512];
    snprintf(text, sizeof text, results, "Failed", "failed", "Failed", "[NaN]");
    EXPECT_EQ(trouble_in(run_document("Failed", text))->found, "found [NaN] (NaN: not a number)");
    snprintf(text, sizeof text, results, "Inconclusive", "inconclusive", "Inconclusive", "[0.93]");
    const auto trouble = trouble_in(run_document("Inconclusive", text));
    EXPECT_EQ(trouble->found, "found [0.93]");
    EXPECT_EQ(trouble->rule, "inconclusive (1) > inconclusiveLimit (0)");
    snprintf(text, sizeof text, results, "Failed", "failed", "Failed", "[]");
    EXPECT_EQ(trouble_in(run_document("Failed", text))->found, "the answer was empty");
}

TEST(Trouble, OnlyTheMetricsThatDecidedAreNamed) {
    const auto trouble = trouble_in(run_document("Failed", R"([
        {"name": "success-rate", "phase": "Failed", "dryRun": true, "failed": 1, "measurements": [
           {"phase": "Failed", "value": "[0]"}]},
        {"name": "latency", "phase": "Failed", "failed": 1, "measurements": [
           {"phase": "Failed", "value": "[9]", "startedAt": "2026-11-20T12:00:13Z"}]},
        {"name": "errors", "phase": "Successful", "measurements": [
           {"phase": "Successful", "value": "[0]"}]}])"));
    ASSERT_TRUE(trouble);
    EXPECT_EQ(trouble->metric, "latency");
    EXPECT_TRUE(trouble->others.empty());
}

TEST(Trouble, ARunWithoutAnyMeasurementSpeaksForItself) {
    Json document = run_document("Error", "[]");
    document["status"]["message"] = "Unable to resolve metric arguments: secrets \"s\" not found";
    document["status"]["completedAt"] = "2026-11-20T12:00:05Z";
    EXPECT_EQ(*trouble_in(document),
              (Trouble{.phase = AnalysisPhase::Error,
                       .found = "Unable to resolve metric arguments: secrets \"s\" not found",
                       .since = at("2026-11-20T12:00:05Z")}));
}

TEST(Trouble, TooFewSuccessesInARowIsARuleToo) {
    Json document = run_document("Inconclusive", R"([
        {"name": "latency", "phase": "Inconclusive", "count": 10, "consecutiveSuccess": 2,
         "measurements": [{"phase": "Successful", "value": "[1]",
                           "finishedAt": "2026-11-20T12:00:13Z"}]}])");
    document["spec"]["metrics"][1]["consecutiveSuccessLimit"] = 4;
    const auto trouble = trouble_in(document);
    ASSERT_TRUE(trouble);
    EXPECT_EQ(trouble->found, "2 successes in a row at the end");
    EXPECT_EQ(trouble->rule, "consecutiveSuccess (2) < consecutiveSuccessLimit (4)");
}

TEST(Trouble, GoodRunsHaveNone) {
    for (const char* phase : {"", "Pending", "Running", "Successful"})
        EXPECT_FALSE(trouble_in(run_document(phase, R"([
            {"name": "latency", "phase": "Successful", "measurements": [
               {"phase": "Successful", "value": "[1]"}]}])")))
            << phase;
}

}  // namespace trouble_test
}  // namespace sluice::analysis
