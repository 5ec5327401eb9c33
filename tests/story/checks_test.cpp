// SPDX-License-Identifier: Apache-2.0
#include "examples/story/checks.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace story {
namespace {

using sluice::Json;
using sluice::TimePoint;
using std::chrono::milliseconds;
using std::chrono::seconds;

TimePoint at(long ms) {
    return TimePoint{milliseconds{1'700'000'000'000 + ms}};
}

std::string text_of(const Result<void>& result) {
    return result.ok() ? "ok" : result.error().message;
}

AnalysisRun run_with(std::vector<long> starts) {
    AnalysisRun run;
    run.name = "shop-abc-2-2";
    run.hash = "abc";
    run.step = 2;
    Metric metric{"success-rate", "result[0] >= 0.95", {}};
    for (const long start : starts) metric.measurements.push_back({"Successful", "[1]", at(start)});
    run.metrics.push_back(metric);
    return run;
}

Picture at_step(int weight) {
    Picture picture;
    picture.step_weights = {5, 5, 5, 20, 20, 20};
    picture.weights = {{at(0), 5}};
    if (weight != 5) picture.weights.push_back({at(5000), weight});
    return picture;
}

TEST(CheckShare, ThreePointsOffIsAllowedAndMoreIsNot) {
    EXPECT_EQ(text_of(check_share({}, 20, {2300, 10000})), "ok");
    EXPECT_EQ(text_of(check_share({}, 20, {1700, 10000})), "ok");
    EXPECT_EQ(text_of(check_share({}, 20, {2301, 10000})),
              "share: at 20 % clients saw 23.0 % (2301 of 10000 requests)");
    EXPECT_EQ(text_of(check_share({}, 5, {1500, 5000})),
              "share: at 5 % clients saw 30.0 % (1500 of 5000 requests)");
}

TEST(CheckShare, TooFewRequestsProveNothing) {
    EXPECT_EQ(text_of(check_share({}, 20, {1000, 4999})),
              "share: at 20 % only 4999 requests were counted, and 5000 are needed");
}

TEST(CheckMeasurements, OnlyThoseTakenAfterTheWeightHadSettledCount) {
    const auto run = run_with({2000, 3000, 4000});
    EXPECT_EQ(text_of(check_measurements({}, 5, at(0), &run)), "ok");
    const auto early = run_with({0, 2000, 3000});
    EXPECT_EQ(text_of(check_measurements({}, 5, at(500), &early)),
              "measurements: at 5 % success-rate was measured 2 times once the weight was settled, "
              "and 3 are needed");
}

TEST(CheckMeasurements, WithoutARunNothingWasMeasured) {
    EXPECT_EQ(text_of(check_measurements({}, 20, at(0), nullptr)),
              "measurements: at 20 % nothing was measured");
}

TEST(CheckMeasurements, AMeasurementWithoutAValueIsNone) {
    auto run = run_with({2000, 3000, 4000});
    run.metrics[0].measurements[1].value.clear();
    EXPECT_NE(text_of(check_measurements({}, 5, at(0), &run)), "ok");
}

TEST(CheckNothingLost, OneLostRequestIsTooMany) {
    Counts counts;
    counts.add({at(0), at(100), {{"v1", 100}}, {}});
    EXPECT_EQ(text_of(check_nothing_lost(counts)), "ok");
    counts.add({at(100), at(200), {{"v1", 99}}, {{"reset", 1}}});
    EXPECT_EQ(text_of(check_nothing_lost(counts)), "nothing-lost: 1 reset among 199 answers");
}

TEST(CheckNotPromoted, ABadVersionThatGoesOnIsNamedWithTheReason) {
    EXPECT_EQ(text_of(check_not_promoted(at_step(5), "abc", 5)), "ok");
    EXPECT_EQ(text_of(check_not_promoted(at_step(20), "abc", 5)),
              "rolled-back: v3 was not rolled back: it went on to 20 % without any measurement");
    Picture measured = at_step(20);
    measured.runs["shop-abc-2-2"] = run_with({2000});
    EXPECT_EQ(text_of(check_not_promoted(measured, "abc", 5)),
              "rolled-back: v3 was not rolled back: it went on to 20 %, for its measurements were "
              "good (success-rate [1])");
    Picture promoted = at_step(0);
    promoted.rollout.stable_hash = "abc";
    EXPECT_EQ(text_of(check_not_promoted(promoted, "abc", 5)),
              "rolled-back: v3 was not rolled back: it was promoted without any measurement");
}

TEST(CheckWeightZero, RouteAndClientsHaveTwoSeconds) {
    EXPECT_EQ(text_of(check_weight_zero({}, at(0), at(2000), at(2000))), "ok");
    EXPECT_EQ(text_of(check_weight_zero({}, at(0), std::nullopt, at(100))),
              "weight-zero: the route never went back to 0");
    EXPECT_EQ(text_of(check_weight_zero({}, at(0), at(2001), at(100))),
              "weight-zero: the route said 0 2001 ms after the failed verdict, and 2000 ms are "
              "allowed");
    EXPECT_EQ(text_of(check_weight_zero({}, at(0), at(100), at(2100))),
              "weight-zero: the bad version still answered 2100 ms after the failed verdict, and "
              "2000 ms are allowed");
}

TEST(CheckRestoredFirst, TheRevertComesAfterTheLastBadAnswer) {
    EXPECT_EQ(text_of(check_restored_first(at(100), at(100))), "ok");
    EXPECT_EQ(text_of(check_restored_first(at(150), at(100))),
              "restored-first: the revert was pushed 50 ms before the last answer of the bad "
              "version");
}

TEST(CheckOneRevert, NoneAndTwoAreBothWrong) {
    const Commit one{"1111111111", "Revert \"x\"\n", "sluice <s@x>", {"shop/rollout.yaml"}};
    EXPECT_EQ(text_of(check_one_revert({one})), "ok");
    EXPECT_EQ(text_of(check_one_revert({})),
              "one-revert: there must be one commit after the bad one, and there are 0: ");
    EXPECT_EQ(text_of(check_one_revert({one, one})),
              "one-revert: there must be one commit after the bad one, and there are 2: 11111111 "
              "Revert \"x\"; 11111111 Revert \"x\"");
}

TEST(CheckRevert, NamesTheBadCommitAndTouchesItsFileAlone) {
    Commit revert{"1111", "Revert\n\nThis reverts commit 2222, …", "sluice", {"shop/rollout.yaml"}};
    EXPECT_EQ(text_of(check_revert(revert, "2222", "shop/rollout.yaml")), "ok");
    EXPECT_EQ(text_of(check_revert(revert, "3333", "shop/rollout.yaml")),
              "revert-names-bad: commit 1111 does not say that it reverts commit 3333");
    revert.files.emplace_back("README");
    EXPECT_EQ(text_of(check_revert(revert, "2222", "shop/rollout.yaml")),
              "revert-names-bad: commit 1111 changes shop/rollout.yaml, README and not "
              "shop/rollout.yaml alone");
}

TEST(CheckStill, NothingIsBornAndNoWeightRisesAfterwards) {
    Picture picture;
    picture.weights = {{at(0), 5}, {at(100), 0}};
    picture.births = {{"ReplicaSet", "shop-abc", at(0)}};
    EXPECT_EQ(text_of(check_still(picture, at(200))), "ok");
    Picture moved = picture;
    moved.weights.push_back({at(300), 5});
    EXPECT_EQ(text_of(check_still(moved, at(200))), "still: a canary got 5 % after the revert");
    picture.births.push_back({"AnalysisRun", "shop-abc-4-2", at(300)});
    EXPECT_EQ(text_of(check_still(picture, at(200))),
              "still: AnalysisRun shop-abc-4-2 came to be after the revert");
}

TEST(CheckOnTime, TheLimitItselfIsInTime) {
    EXPECT_EQ(text_of(check_on_time(seconds{60}, seconds{60})), "ok");
    EXPECT_EQ(text_of(check_on_time(seconds{61}, seconds{60})),
              "on-time: the story took 61 s, and 60 s are allowed");
}

TEST(CheckEvidence, ARecordOfARollbackSaysWhichValuesFailed) {
    Json record{
        {"kind", "rolledback"},
        {"source", {{"commit", "2222"}}},
        {"cause", {{"text", "success-rate 0.8"}}},
        {"steps", {{{"weight", 5}, {"checks", {{{"name", "success-rate"}, {"value", "0.8"}}}}}}}};
    EXPECT_EQ(text_of(check_evidence(record)), "ok");
    record["steps"][0]["checks"] = Json::array();
    EXPECT_EQ(text_of(check_evidence(record)),
              "evidence: the last step of the rollback's record has no checks");
    record["cause"] = Json::object();
    EXPECT_EQ(text_of(check_evidence(record)),
              "evidence: the record of the rollback gives no cause");
}

TEST(FindRecord, AsksForKindCommitAndTheWeightOfTheLastStep) {
    const Json step{{"kind", "step"},
                    {"source", {{"commit", "2222"}}},
                    {"steps", {{{"weight", 5}}, {{"weight", 20}}}}};
    const std::vector<Json> records{step};
    EXPECT_EQ(find_record(records, "step", "2222", 20), &records[0]);
    EXPECT_EQ(find_record(records, "step", "2222", 5), nullptr);
    EXPECT_EQ(find_record(records, "step", "1111", 20), nullptr);
    EXPECT_EQ(find_record(records, "promoted", "2222"), nullptr);
}

TEST(Counts, AShareHoldsOnlyStretchesThatLieWhollyInside) {
    Counts counts;
    counts.add({at(0), at(100), {{"v1", 90}, {"v2", 10}}, {}});
    counts.add({at(100), at(200), {{"v1", 80}, {"v2", 20}}, {}});
    counts.add({at(200), at(300), {{"v1", 50}, {"v2", 50}}, {}});
    EXPECT_EQ(counts.share("v2", at(50), at(250)), (Share{20, 100}));
    EXPECT_EQ(counts.share("v2", at(0), at(300)), (Share{80, 300}));
    EXPECT_EQ(counts.last_answer("v2"), at(300));
    EXPECT_EQ(counts.last_answer("v3"), std::nullopt);
}

TEST(ReadStretch, TakesALineOfTheLoadClientAndLeavesTheSummaryOut) {
    const auto stretch = read_stretch(
        R"({"from_ms":1700000000000,"to_ms":1700000000100,"late":0,"lost":{"reset":1},)"
        R"("sent":5,"versions":{"v1":{"200":3,"500":1}}})");
    ASSERT_TRUE(stretch.ok() && *stretch);
    EXPECT_EQ((**stretch).from, at(0));
    EXPECT_EQ((**stretch).answers.at("v1"), 4U);
    EXPECT_EQ((**stretch).lost.at("reset"), 1U);
    const auto summary = read_stretch(R"({"summary":true,"versions":{},"lost":{}})");
    ASSERT_TRUE(summary.ok());
    EXPECT_FALSE(*summary);
}

TEST(CheckTold, NamesMetricProviderBeginningAndCommand) {
    const std::string whole =
        "metric m of analysis run r: POST http://p:1/api/v1/query: connection refused, since "
        "2026-11-20T12:00:00Z (2 in a row, and more than 4 end the run); it is measured again; to "
        "go on without it: sluice promote shop -n shop";
    const auto told = [](std::string text, std::string reason = "MeasurementError") {
        RolloutState rollout;
        rollout.trouble = std::move(reason);
        rollout.trouble_message = std::move(text);
        const auto command = check_told(rollout, "p:1");
        return command.ok() ? *command : command.error().message;
    };
    EXPECT_EQ(told(whole), "sluice promote shop -n shop");
    EXPECT_EQ(told(whole, "AnalysisRunError"),
              "told: the condition has the reason \"AnalysisRunError\"");
    const auto without = [&](std::string_view part) {
        std::string text = whole;
        text.erase(text.find(part), part.size());
        return told(text).substr(0, told(text).rfind(": \"metric") + 1);
    };
    EXPECT_EQ(without("p:1"), "told: the condition does not say who failed:");
    EXPECT_EQ(without(", since 2026-11-20T12:00:00Z"),
              "told: the condition does not say since when:");
    EXPECT_EQ(without("to go on without it: sluice promote shop -n shop"),
              "told: the condition names no command:");
    EXPECT_EQ(told("of r"), "told: the condition names no metric: \"of r\"");
}

}  // namespace
}  // namespace story
