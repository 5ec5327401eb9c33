// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/replay.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace {

using namespace sluice;
using namespace sluice::judge;

Plan plan_of(std::string_view json) {
    const auto document = parse_json(json);
    std::vector<Problem> problems;
    const Field root(*document, problems);
    auto plan = decode_plan(root);
    report_unknown(root);
    for (const auto& problem : problems) ADD_FAILURE() << to_text(problem);
    return plan;
}

std::vector<std::string> problems_of(std::string_view json) {
    const auto document = parse_json(json);
    std::vector<Problem> problems;
    const Field root(*document, problems);
    decode_plan(root);
    report_unknown(root);
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(to_text(problem));
    return texts;
}

std::string sample(int minute, const char* arm, int bad) {
    return concat(R"({"t": )", 60 * minute, R"(, "arm": ")", arm,
                  R"(", "metric": "errors", "total": 600, "bad": )", bad, "}");
}

std::vector<Look> replayed(Replay& replay, const std::vector<std::string>& lines) {
    std::vector<Look> looks;
    for (const auto& line : lines) {
        const auto look = replay.feed(line);
        EXPECT_TRUE(look.ok()) << line;
        if (look.ok() && *look) looks.push_back(**look);
    }
    if (const auto look = replay.finish()) looks.push_back(*look);
    return looks;
}

TEST(Replay, LooksOnceAMinuteAndGoesOnAfterAnAnswer) {
    std::vector<std::string> lines;
    for (int minute = 1; minute <= 10; ++minute) {
        lines.push_back(sample(minute, "baseline", 3));
        lines.push_back(sample(minute, "canary", 40));
    }
    Replay replay(plan_of(R"({"metrics": [{"name": "errors", "kind": "ratio"}]})"));
    const auto looks = replayed(replay, lines);
    ASSERT_EQ(looks.size(), 10U);
    EXPECT_EQ(looks[3].verdict, Verdict::Inconclusive);
    EXPECT_EQ(looks[4].verdict, Verdict::Fail);
    EXPECT_EQ(looks[9].verdict, Verdict::Fail);
    const auto json = parse_json(to_json_text(looks[4]));
    ASSERT_TRUE(json.ok());
    EXPECT_EQ((*json)["t"], 300);
    EXPECT_EQ((*json)["verdict"], "fail");
    const auto& metric = (*json)["metrics"][0];
    EXPECT_EQ(metric["name"], "errors");
    EXPECT_LT(metric["low"], metric["estimate"]);
    EXPECT_LT(metric["estimate"], metric["high"]);
    EXPECT_NE(metric["reason"].get<std::string>().find("is harm"), std::string::npos);
}

TEST(Replay, SaysTheSameInOnePieceAndFromAnyRestart) {
    // No state: the last look of a whole replay is that of one which begins with all lines anew.
    std::vector<std::string> lines;
    for (int minute = 1; minute <= 12; ++minute) {
        lines.push_back(sample(minute, "baseline", minute % 4));
        lines.push_back(sample(minute, "canary", minute % 3));
    }
    const auto plan = plan_of(R"({"metrics": [{"name": "errors", "kind": "ratio"}]})");
    Replay first(plan), second(plan);
    EXPECT_EQ(replayed(first, lines).back(), replayed(second, lines).back());
}

TEST(Replay, NamesWhatIsWrongWithALine) {
    Replay replay(plan_of(R"({"metrics": [{"name": "errors", "kind": "ratio"},
                                          {"name": "p95", "kind": "quantile"}]})"));
    const auto problem = [&](std::string_view line) {
        const auto look = replay.feed(line);
        return look.ok() ? std::string("none") : look.error().message;
    };
    EXPECT_EQ(problem(sample(2, "canary", 1)), "none");
    EXPECT_EQ(problem(sample(1, "canary", 1)),
              "\"t\" is 60 after 120: lines must be in order of time");
    EXPECT_EQ(problem(sample(2, "canary", 1)),
              "a second bucket of errors in the canary ends at 120");
    EXPECT_EQ(problem(sample(3, "stable", 1)), "\"arm\" is neither \"baseline\" nor \"canary\"");
    EXPECT_EQ(problem(R"({"t": 180, "arm": "canary", "metric": "errors", "total": -1, "bad": 0})"),
              "\"total\" must not be negative");
    EXPECT_EQ(problem(R"({"t": 180, "arm": "canary", "metric": "errors", "total": 1})"),
              "\"bad\" is missing");
    EXPECT_EQ(problem(R"({"t": 180, "arm": "canary", "metric": "p95", "histogram": {"x": 1}})"),
              "\"histogram\" has a bound \"x\" that is not a number");
    EXPECT_EQ(problem(R"({"arm": "canary"})"), "\"t\" is missing");
    EXPECT_EQ(problem(R"([1])"), "expected a JSON object");
    EXPECT_EQ(problem(R"({"t": 200, "weight": 101})"), "\"weight\" is not between 0 and 100");
    EXPECT_NE(problem("{"), "none");
    EXPECT_EQ(problem(sample(4, "canary", 1)), "none");
}

TEST(Plan, SharesTheBudgetForFalseAlarmsBetweenMetrics) {
    const auto plan = plan_of(
        R"({"falseAlarm": "2%", "metrics": [{"name": "a", "kind": "ratio"},
                                            {"name": "b", "kind": "gauge"}]})");
    EXPECT_DOUBLE_EQ(plan.metrics[0].false_alarm, 0.01);
    EXPECT_DOUBLE_EQ(plan.metrics[1].false_alarm, 0.01);
    EXPECT_DOUBLE_EQ(plan.metrics[0].margin.times, 2);
    EXPECT_DOUBLE_EQ(plan.metrics[0].abort.plus, 0.0005);
    EXPECT_DOUBLE_EQ(plan.metrics[1].abort.times, 1.05);
}

TEST(Plan, AMarginOfNothingLeavesNothing) {
    const auto plan = plan_of(R"({"metrics": [{"name": "a", "kind": "ratio", "margin": 0},
                                {"name": "b", "kind": "quantile", "margin": "20%"},
                                {"name": "c", "kind": "ratio",
                                 "margin": {"times": 3, "points": 1}}]})");
    EXPECT_EQ(plan.metrics[0].margin, (RateLine{1, 0}));
    EXPECT_EQ(plan.metrics[0].abort, (RateLine{1, 0}));
    EXPECT_DOUBLE_EQ(plan.metrics[1].abort.times, 1.1);
    EXPECT_EQ(plan.metrics[2].abort, (RateLine{2, 0.005}));
}

TEST(Plan, CollectsEveryProblem) {
    EXPECT_EQ(
        problems_of(R"({"metrics": [{"name": "a", "kind": "ratios", "margin": -1, "colour": 1},
                                          {"name": "a", "kind": "gauge", "quantile": 0.5}]})"),
        (std::vector<std::string>{
            "metrics[0].kind: expected one of ratio, quantile, gauge, found \"ratios\"",
            "metrics[0].margin: must not be negative, found -1",
            "metrics[1].quantile: only a metric of kind quantile has one",
            "metrics[1].name: a metric \"a\" stands above", "metrics[0].colour: unknown field"}));
    EXPECT_EQ(problems_of("{}"),
              (std::vector<std::string>{"metrics: required: a list of metrics to judge"}));
}

}  // namespace
