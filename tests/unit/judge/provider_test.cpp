// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/judge.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/run.hpp"
#include "analysis/template.hpp"
#include "base/text.hpp"

namespace {

using namespace sluice;
using crds::AnalysisPhase;

crds::Metric judged_metric(std::string_view more = "") {
    crds::Metric metric{.name = "errors"};
    metric.providers.push_back(
        {"plugin sluice/judge",
         concat(R"({"kind": "ratio", "baseline": "old", "canary": "new", "window": "20m",
                    "total": "requests_total", "bad": "errors_total",
                    "prometheus": {"address": "http://prometheus:9090/"})",
                more, "}")});
    return metric;
}

// Counters that grow by these amounts a minute, from 1,000,020 s on.
HttpResponse answer(double total, double bad_old, double bad_new, int minutes = 10) {
    Json result = Json::array();
    const auto add = [&](const char* part, const char* arm, double step) {
        Json samples = Json::array();
        for (int k = 0; k <= minutes; ++k)
            samples.push_back({1'000'020 + 60 * k, format_number(step * k)});
        result.push_back({{"metric", {{"sluice_part", part}, {"rollouts_pod_template_hash", arm}}},
                          {"values", samples}});
    };
    add("total", "old", total);
    add("total", "new", total);
    add("bad", "old", bad_old);
    add("bad", "new", bad_new);
    const Json body = {{"status", "success"},
                       {"data", {{"resultType", "matrix"}, {"result", result}}}};
    return {.status = 200, .body = sluice::to_text(body)};
}

analysis::Reading read(const HttpResponse& response, std::string_view more = "") {
    const auto reading = analysis::parse_reading(judged_metric(more), response);
    EXPECT_TRUE(reading.ok()) << (reading.ok() ? "" : reading.error().message);
    return reading.ok() ? *reading : analysis::Reading{};
}

TEST(JudgeProvider, AsksPrometheusForBothArmsAtOnce) {
    const auto query = analysis::build_query(judged_metric(), {}, TimePoint{std::chrono::hours{1}});
    ASSERT_TRUE(query.ok()) << query.error().message;
    EXPECT_EQ(query->request.url, "http://prometheus:9090/api/v1/query_range");
    EXPECT_TRUE(query->request.body.ends_with("&start=1800&end=3600&step=60"));
}

TEST(JudgeProvider, AVerdictIsThePhase) {
    EXPECT_EQ(read(answer(6000, 30, 30)).phase, AnalysisPhase::Successful);
    const auto failed = read(answer(6000, 30, 90));
    EXPECT_EQ(failed.phase, AnalysisPhase::Failed);
    EXPECT_EQ(failed.metadata.at("canary"), "900 of 60000");
    EXPECT_NE(failed.message.find("is harm"), std::string::npos);
    EXPECT_EQ(read(answer(10, 1, 1)).phase, AnalysisPhase::Running);
}

TEST(JudgeProvider, NoAnswerIsHeldUntilTheDeadlineAndThenAsThePolicySays) {
    EXPECT_EQ(read(answer(10, 1, 1), R"(, "deadline": "11m")").phase, AnalysisPhase::Inconclusive);
    EXPECT_EQ(read(answer(10, 1, 1), R"(, "deadline": "12m")").phase, AnalysisPhase::Running);
    EXPECT_EQ(read(answer(10, 1, 1), R"(, "deadline": "11m", "onDeadline": "fail")").phase,
              AnalysisPhase::Failed);
    EXPECT_EQ(read(answer(10, 1, 1), R"(, "deadline": "11m", "onDeadline": "pass")").phase,
              AnalysisPhase::Successful);
}

TEST(JudgeProvider, NothingSeenNeverPasses) {
    const HttpResponse empty{
        .status = 200,
        .body = R"({"status": "success", "data": {"resultType": "matrix", "result": []}})"};
    EXPECT_EQ(read(empty).phase, AnalysisPhase::Running);
    for (const int status : {200, 401, 429, 500}) {
        const auto reading =
            analysis::parse_reading(judged_metric(), {.status = status, .body = "{"});
        EXPECT_FALSE(reading.ok()) << status;
    }
}

TEST(JudgeProvider, TellsEveryProblemOfItsBlock) {
    crds::Metric metric{.name = "errors"};
    metric.providers.push_back({"plugin sluice/judge", R"({"kind": "ratio", "canary": "new",
        "total": "t", "bad": "b", "value": "v", "colour": 1})"});
    const auto query = analysis::build_query(metric, {}, {});
    ASSERT_FALSE(query.ok());
    EXPECT_EQ(query.error().message,
              "provider.plugin.sluice/judge.baseline: is required; "
              "provider.plugin.sluice/judge.value: only a metric of kind gauge has one; "
              "provider.plugin.sluice/judge.colour: unknown field");
}

TEST(JudgeProvider, OneMeasurementLooksUntilItIsAnswered) {
    analysis::ResolvedRun run;
    run.metrics = {judged_metric()};
    crds::AnalysisRunStatus status;
    const TimePoint start{std::chrono::hours{1}};
    crds::Measurement look{.phase = AnalysisPhase::Running,
                           .started = start,
                           .resume = start + std::chrono::seconds{60}};
    analysis::record_measurement(run, status, "errors", look, {});
    EXPECT_EQ(analysis::next_measurement(run.metrics[0], status, start), look.resume);
    look.started = start + std::chrono::seconds{60};
    analysis::record_measurement(run, status, "errors", look, {});
    ASSERT_EQ(status.metric_results[0].measurements.size(), 1U);
    EXPECT_EQ(status.metric_results[0].count, 0);
    look.phase = AnalysisPhase::Successful;
    analysis::record_measurement(run, status, "errors", look, {});
    ASSERT_EQ(status.metric_results[0].measurements.size(), 1U);
    EXPECT_EQ(status.metric_results[0].measurements[0].started, start);
    EXPECT_EQ(status.metric_results[0].count, 1);
    EXPECT_FALSE(analysis::next_measurement(run.metrics[0], status, start));
}

// Two templates of one run, three judged metrics, of which one names its own.
TEST(JudgeProvider, MetricsOfAnAttemptShareItsBudgetOfFalseAlarms) {
    const auto judged = [](const char* name, const char* more) {
        return crds::MetricDocument{
            name, concat(R"({"name": ")", name, R"(", "provider": {"plugin": {"sluice/judge": {)",
                         R"("kind": "ratio")", more, "}}}}")};
    };
    crds::AnalysisTemplate one{.metrics = {judged("a", ""), judged("b", "")}};
    crds::AnalysisTemplate two{
        .metrics = {judged("c", R"(, "falseAlarm": 0.002)"),
                    {"d", R"({"name": "d", "provider": {"prometheus": {"query": "q"}}})"}}};
    analysis::RunRequest request;
    for (const auto& entry : {one, two})
        request.templates.push_back(std::make_shared<const crds::AnalysisTemplate>(entry));
    const auto alarms = [&] {
        std::vector<double> found;
        const auto spec = analysis::build_run_spec(request);
        EXPECT_TRUE(spec.ok());
        for (const auto& metric : (*spec)["metrics"]) {
            const Json* alarm = find(metric, {"provider", "plugin", "sluice/judge", "falseAlarm"});
            found.push_back(alarm ? alarm->get<double>() : 0);
        }
        return found;
    };
    EXPECT_EQ(alarms(), (std::vector<double>{0.005, 0.005, 0.002, 0}));
    // The same templates at four steps.
    request.sharing_false_alarm = 8;
    EXPECT_EQ(alarms(), (std::vector<double>{0.00125, 0.00125, 0.002, 0}));
    // One alone has it all, which is the default.
    request.templates.resize(1);
    request.sharing_false_alarm = 0;
    request.templates = {std::make_shared<const crds::AnalysisTemplate>(
        crds::AnalysisTemplate{.metrics = {judged("a", "")}})};
    EXPECT_EQ(alarms(), (std::vector<double>{0}));
    EXPECT_EQ(analysis::with_false_alarm_share(judged("a", ""), 3).text.find("0.00333333") !=
                  std::string::npos,
              true);
    EXPECT_EQ(read(answer(6000, 30, 30)).metadata.at("falseAlarm"), "1 %");
}

}  // namespace
