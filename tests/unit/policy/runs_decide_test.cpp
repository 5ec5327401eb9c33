// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/policy/runs/decide.hpp"

namespace sluice::policy::runs {
namespace {

using crds::AnalysisPhase;
using std::chrono::seconds;

const TimePoint start{seconds{1'000'000}};

crds::AnalysisRun run_of(const std::string& metrics, const std::string& more = "") {
    const auto document =
        parse_json(concat(R"({"metadata": {"name": "r", "namespace": "n", "uid": "u"},
        "spec": {"metrics": [)",
                          metrics, "]", more, "}}"));
    return crds::analysis_run_of(*document);
}

std::string metric(const char* name, const char* fields) {
    return concat(R"({"name": ")", name, R"(", "provider": {"prometheus": {}})", fields, "}");
}

Answer answer(const char* name, AnalysisPhase phase, TimePoint at, const char* message = "") {
    return {name, {.phase = phase, .message = message, .started = at, .finished = at}, {}};
}

// A run that is measured with the same outcome each time, until it rests or `rounds` are over.
struct Story {
    crds::AnalysisRun run;
    TimePoint now = start;
    std::vector<std::string> events;
    int measured = 0;

    Decision step(const Observation& seen = {}) {
        Decision decision = decide(run, seen, now);
        run.status = decision.status;
        for (const auto& event : decision.events) events.push_back(event.reason);
        return decision;
    }
    void play(const std::vector<AnalysisPhase>& outcomes) {
        Decision decision = step();
        for (const auto outcome : outcomes) {
            while (decision.measure.empty() && decision.look_again_after) {
                now += *decision.look_again_after;
                decision = step();
            }
            if (decision.measure.empty()) return;
            ++measured;
            Observation seen;
            for (const auto& due : decision.measure)
                seen.answers.push_back(answer(due.metric.c_str(), outcome, now, "why"));
            decision = step(seen);
        }
    }
};

constexpr auto ok = AnalysisPhase::Successful;
constexpr auto bad = AnalysisPhase::Failed;
constexpr auto unsure = AnalysisPhase::Inconclusive;
constexpr auto error = AnalysisPhase::Error;

struct Row {
    const char* fields;
    std::vector<AnalysisPhase> outcomes;
    AnalysisPhase phase;
    const char* message;
    int measured;
};

TEST(RunsDecide, MetricsEndAsUpstreamSays) {
    const Row rows[] = {
        {"", {ok, ok}, ok, "", 1},
        {"",
         {bad},
         bad,
         "Metric \"m\" assessed Failed due to failed (1) > failureLimit (0): \"Error Message: "
         "why\"",
         1},
        {R"(, "count": 3, "interval": "5s")", {ok, ok, ok, ok}, ok, "", 3},
        {R"(, "count": 3, "interval": "5s", "failureLimit": 1)", {bad, ok, ok, ok}, ok, "", 3},
        {R"(, "count": 3, "interval": "5s", "failureLimit": 1)",
         {bad, ok, bad},
         bad,
         "Metric \"m\" assessed Failed due to failed (2) > failureLimit (1): \"Error Message: "
         "why\"",
         3},
        {"",
         {unsure},
         unsure,
         "Metric \"m\" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0): "
         "\"Error Message: why\"",
         1},
        {"",
         {error, error, error, error, error, error},
         error,
         "Metric \"m\" assessed Error due to consecutiveErrors (5) > consecutiveErrorLimit (4): "
         "\"Error Message: why\"",
         5},
        {"", {error, error, ok}, ok, "", 3},
        {R"(, "count": "2", "interval": "1m", "consecutiveErrorLimit": 0)",
         {ok, error},
         error,
         "Metric \"m\" assessed Error due to consecutiveErrors (1) > consecutiveErrorLimit (0): "
         "\"Error Message: why\"",
         2},
        {R"(, "interval": "5s", "consecutiveSuccessLimit": 2, "failureLimit": 9)",
         {ok, bad, ok, ok, ok},
         ok,
         "",
         4},
        {R"(, "count": 3, "interval": "5s", "consecutiveSuccessLimit": 2, "failureLimit": 1)",
         {ok, bad, ok},
         unsure,
         "",
         3},
        {R"(, "count": 3, "interval": "5s", "consecutiveSuccessLimit": 2, "failureLimit": -1)",
         {ok, bad, ok},
         bad,
         "",
         3},
        {R"(, "interval": "5s")", {ok, ok, ok, ok}, AnalysisPhase::Running, "", 4},
    };
    for (const auto& row : rows) {
        Story story{run_of(metric("m", row.fields))};
        story.play(row.outcomes);
        EXPECT_EQ(story.run.status.phase, row.phase) << row.fields;
        EXPECT_EQ(story.run.status.message, row.message) << row.fields;
        EXPECT_EQ(story.measured, row.measured) << row.fields;
    }
}

TEST(RunsDecide, StartsAtOnceAndSaysSo) {
    Story story{run_of(metric("m", ""))};
    const auto decision = story.step();
    EXPECT_EQ(decision.measure, (std::vector<Measure>{{0, "m"}}));
    EXPECT_EQ(story.run.status.phase, AnalysisPhase::Running);
    EXPECT_EQ(story.run.status.started, start);
    EXPECT_EQ(decision.changes,
              (std::vector<PhaseChange>{{"", AnalysisPhase::None, AnalysisPhase::Running, ""}}));
    EXPECT_TRUE(story.step({.in_flight = {"m"}}).measure.empty());
}

TEST(RunsDecide, WaitsForTheInitialDelayAndTheInterval) {
    Story story{run_of(metric("m", R"(, "initialDelay": "30s", "interval": "10s", "count": 2)"))};
    auto decision = story.step();
    EXPECT_TRUE(decision.measure.empty());
    EXPECT_EQ(decision.look_again_after, seconds{30});
    story.now += seconds{30};
    EXPECT_EQ(story.step().measure.size(), 1U);
    decision = story.step({.answers = {answer("m", ok, story.now)}});
    EXPECT_EQ(decision.look_again_after, seconds{10});
    story.now += Duration{9'999};
    EXPECT_TRUE(story.step().measure.empty());
    story.now += Duration{1};
    EXPECT_EQ(story.step().measure.size(), 1U);
}

TEST(RunsDecide, AnErrorIsTriedAgainAfterTenSecondsWhateverTheInterval) {
    Story story{run_of(metric("m", R"(, "interval": "10m")"))};
    story.step();
    EXPECT_EQ(story.step({.answers = {answer("m", error, story.now)}}).look_again_after,
              seconds{10});
}

TEST(RunsDecide, IntervalsBelowASecondHoldWhileTheProcessLives) {
    Story story{run_of(metric("m", R"(, "interval": "400ms")"))};
    story.now += Duration{500};
    story.step();
    auto measured = answer("m", ok, start);  // as the status keeps it: whole seconds
    const auto decision =
        story.step({.answers = {measured}, .finished_exactly = {{"m", story.now}}});
    EXPECT_TRUE(decision.measure.empty());
    EXPECT_EQ(decision.look_again_after, Duration{400});
}

TEST(RunsDecide, OneFailedMetricEndsTheRunInOnePass) {
    Story story{run_of(metric("a", R"(, "interval": "1s")") + "," + metric("b", "") + "," +
                       metric("c", R"(, "initialDelay": "1h")"))};
    story.step();
    story.step({.answers = {answer("a", ok, story.now), answer("b", bad, story.now)}});
    EXPECT_EQ(story.run.status.phase, bad);
    EXPECT_EQ(story.run.status.message,
              "Metric \"b\" assessed Failed due to failed (1) > failureLimit (0)");
    EXPECT_EQ(story.run.status.metric_results[0].phase, ok);
    EXPECT_EQ(story.run.status.completed, story.now);
    EXPECT_EQ(story.run.status.summary,
              (crds::RunSummary{.count = 3, .successful = 1, .failed = 1}));
    EXPECT_EQ(story.events,
              (std::vector<std::string>{"MetricFailed", "MetricSuccessful", "AnalysisRunFailed"}));
}

TEST(RunsDecide, TerminateEndsARunThatWasNeverMeasured) {
    Story story{run_of(metric("m", ""), R"(, "terminate": true)")};
    EXPECT_TRUE(story.step().measure.empty());
    EXPECT_EQ(story.run.status.phase, ok);
    EXPECT_EQ(story.run.status.message, "Run Terminated");
}

TEST(RunsDecide, TerminateEndsAnEndlessMetricAsSuccessful) {
    Story story{run_of(metric("m", R"(, "interval": "1s")"))};
    story.play({ok, ok});
    story.run.spec.terminate = true;
    story.step();
    EXPECT_EQ(story.run.status.phase, ok);
    EXPECT_EQ(story.run.status.message, "Run Terminated");
    EXPECT_EQ(story.run.status.metric_results[0].phase, ok);
}

TEST(RunsDecide, DryRunMetricsDecideNothing) {
    Story story{
        run_of(metric("a", "") + "," + metric("b", ""), R"(, "dryRun": [{"metricName": "a.*"}])")};
    story.step();
    story.step({.answers = {answer("a", bad, story.now), answer("b", ok, story.now)}});
    EXPECT_EQ(story.run.status.phase, ok);
    EXPECT_EQ(story.run.status.metric_results[0].message,
              "Metric assessed Failed due to failed (1) > failureLimit (0)");
    EXPECT_EQ(story.run.status.dry_run_summary, (crds::RunSummary{.count = 1, .failed = 1}));
    EXPECT_EQ(story.run.status.summary, (crds::RunSummary{.count = 1, .successful = 1}));
}

TEST(RunsDecide, KeepsTheTenNewestMeasurements) {
    Story story{run_of(metric("m", R"(, "interval": "1s")"))};
    story.play(std::vector<AnalysisPhase>(14, ok));
    ASSERT_EQ(story.run.status.metric_results[0].measurements.size(), 10U);
    EXPECT_EQ(story.run.status.metric_results[0].measurements.back().finished, story.now);
    EXPECT_EQ(story.run.status.metric_results[0].count, 14);
    Story kept{run_of(metric("m", R"(, "interval": "1s")"),
                      R"(, "measurementRetention": [{"metricName": "m", "limit": 12}])")};
    kept.play(std::vector<AnalysisPhase>(14, ok));
    EXPECT_EQ(kept.run.status.metric_results[0].measurements.size(), 12U);
}

struct Refusal {
    std::string metrics;
    std::string more;
    const char* message;
};

TEST(RunsDecide, AWrongSpecEndsTheRunWithUpstreamsWords) {
    const Refusal rows[] = {
        {"", "", "Analysis spec invalid: no metrics specified"},
        {R"({"name": "m"})", "", "Analysis spec invalid: metrics[0]: no provider specified"},
        {R"({"name": "m", "provider": {"web": {}, "job": {}}})", "",
         "Analysis spec invalid: metrics[0]: multiple providers specified"},
        {metric("m", "") + "," + metric("m", ""), "",
         "Analysis spec invalid: metrics[1]: duplicate name 'm'"},
        {metric("m", R"(, "count": 2)"), "",
         "Analysis spec invalid: metrics[0]: interval must be specified when count > 1"},
        {metric("m", R"(, "count": 1, "failureLimit": 2)"), "",
         "Analysis spec invalid: metrics[0]: count (1) must be >= failureLimit + "
         "consecutiveSuccessLimit (2 + 0) if both >= 0"},
        {metric("m", R"(, "failureLimit": -1)"), "",
         "Analysis spec invalid: metrics[0]: failureLimit and consecutiveSuccessLimit cannot both "
         "be disabled"},
        {metric("m", R"(, "successCondition": "{{args.x}}")"), "",
         "Unable to resolve metric arguments: failed to resolve {{args.x}}"},
        {metric("m", ""), R"(, "dryRun": [{"metricName": "z"}])",
         "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)"},
        {metric("m", R"(, "interval": "soon")"), "",
         "Analysis spec invalid: spec.metrics[0].interval: expected a duration such as 90s or "
         "1h30m, found \"soon\""},
    };
    for (const auto& row : rows) {
        Story story{run_of(row.metrics, row.more)};
        story.step();
        EXPECT_EQ(story.run.status.phase, error) << row.message;
        EXPECT_EQ(story.run.status.message, row.message);
        EXPECT_EQ(story.events, (std::vector<std::string>{"AnalysisRunError"}));
    }
}

TEST(RunsDecide, MissingSecretsEndTheRun) {
    Story story{run_of(metric("m", ""))};
    story.step({.argument_problem = "secrets \"s\" not found"});
    EXPECT_EQ(story.run.status.message,
              "Unable to resolve metric arguments: secrets \"s\" not found");
}

TEST(RunsDecide, AFinishedRunGoesWhenItsTimeIsOver) {
    auto run =
        run_of("", R"(, "ttlStrategy": {"secondsAfterCompletion": 60, "secondsAfterFailure": 10})");
    run.status = {.phase = ok, .completed = start};
    EXPECT_EQ(decide(run, {}, start + seconds{1}).look_again_after, seconds{60});
    EXPECT_FALSE(decide(run, {}, start + seconds{60}).remove);
    EXPECT_TRUE(decide(run, {}, start + seconds{61}).remove);
    run.status.phase = bad;
    EXPECT_TRUE(decide(run, {}, start + seconds{11}).remove);
    run.spec.ttl.reset();
    EXPECT_EQ(decide(run, {}, start + seconds{1000}), (Decision{.status = run.status}));
}

TEST(RunsDecide, TheSameObservationGivesTheSameDecision) {
    const auto run = run_of(metric("m", ""));
    const Observation seen{.answers = {answer("m", bad, start)}};
    EXPECT_EQ(decide(run, seen, start), decide(run, seen, start));
}

TEST(Runs, AClockThatIsSetBackCostsAMeasurementNoHour) {
    Story story{.run = run_of(metric("m", R"(, "interval": "1m", "count": 3)"))};
    story.play({AnalysisPhase::Successful});
    EXPECT_TRUE(story.step().measure.empty()) << "the interval is not over";
    story.now -= std::chrono::hours{1};
    EXPECT_EQ(story.step().measure.size(), 1u);
}

}  // namespace
}  // namespace sluice::policy::runs
