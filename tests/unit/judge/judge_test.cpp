// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/judge.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "analysis/judge/level.hpp"
#include "analysis/judge/special.hpp"
#include "tests/judge/world.hpp"

namespace {

using namespace sluice::judge;

std::vector<ArmBucket> counts(std::initializer_list<double> bad, double total = 600) {
    std::vector<ArmBucket> buckets;
    for (const double errors : bad)
        buckets.push_back(
            {60.0 * static_cast<double>(buckets.size() + 1), 60, Counts{total, errors}});
    return buckets;
}

MetricVerdict judged(const std::vector<ArmBucket>& baseline, const std::vector<ArmBucket>& canary,
                     Settings settings = default_settings(Kind::Ratio)) {
    return judge_metric(settings, pair_up(baseline, canary, {}, settings.warm_up),
                        60.0 * static_cast<double>(canary.size()));
}

TEST(Judge, OneBurstProvesNothing) {
    const auto verdict = judged(counts({0, 0, 0, 1, 0, 0}), counts({0, 0, 40, 0, 0, 0}));
    EXPECT_EQ(verdict.verdict, Verdict::Inconclusive);
    EXPECT_GT(verdict.dispersion, 10);
}

TEST(Judge, TheSameErrorsSpreadEvenlyAreHarm) {
    const auto verdict = judged(counts({0, 0, 0, 1, 0, 0}), counts({8, 8, 8, 8, 8, 8}));
    EXPECT_EQ(verdict.verdict, Verdict::Fail);
    EXPECT_LT(verdict.dispersion, 3);
}

TEST(Judge, NoErrorsAtAllPassOnceThereIsEnoughTraffic) {
    const auto none = counts({0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(judged(none, none).verdict, Verdict::Inconclusive);
    const auto busy = counts({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 60'000);
    EXPECT_EQ(judged(busy, busy).verdict, Verdict::Pass);
}

TEST(Judge, WarmUpDoesNotCount) {
    const auto verdict = judged(counts({3, 3, 3, 3}), counts({500, 3, 3, 3}));
    EXPECT_EQ(verdict.buckets, 3);
    EXPECT_EQ(verdict.verdict, Verdict::Inconclusive);
    EXPECT_EQ(verdict.reason,
              "3 of the 4 buckets that a first verdict rests on; left out: 1 warming up");
}

TEST(Judge, LimitsStandOnEitherSideOfTheEstimate) {
    const auto verdict = judged(counts({3, 4, 2, 3, 5, 3, 3}), counts({4, 3, 3, 2, 4, 4, 3}));
    EXPECT_LT(verdict.low, verdict.estimate);
    EXPECT_GT(verdict.high, verdict.estimate);
    EXPECT_EQ(verdict.verdict, Verdict::Inconclusive);
    EXPECT_NE(verdict.reason.find("neither is shown"), std::string::npos);
    EXPECT_FALSE(verdict.needs.empty());
}

TEST(Judge, AHardLimitFailsWhateverTheBaselineDoes) {
    auto settings = default_settings(Kind::Ratio);
    const auto broken = counts({60, 60, 60, 60, 60, 60});
    EXPECT_NE(judged(broken, broken, settings).verdict, Verdict::Fail);
    settings.limit = 0.01;
    const auto verdict = judged(broken, broken, settings);
    EXPECT_EQ(verdict.verdict, Verdict::Fail);
    EXPECT_EQ(verdict.reason,
              "10 % of the canary's requests were errors; more than 1 % is not allowed");
}

TEST(Judge, ABurntBudgetFailsInBothWindowsOnly) {
    auto settings = default_settings(Kind::Ratio);
    settings.burn_rate = BurnRate{0.999, {{600, 120, 14.4}}};
    const auto burning = counts({20, 20, 20, 20, 20, 20});
    EXPECT_EQ(judged(burning, burning, settings).verdict, Verdict::Fail);
    const auto over = counts({60, 60, 60, 60, 0, 0});
    EXPECT_NE(judged(over, over, settings).verdict, Verdict::Fail);
}

TEST(Judge, ADeadlineAnswersAsThePolicySays) {
    auto settings = default_settings(Kind::Ratio);
    const auto few = counts({0, 1, 0, 1, 0, 1});
    settings.deadline = 360;
    EXPECT_EQ(judged(few, few, settings).verdict, Verdict::Inconclusive);
    settings.on_deadline = Policy::Pass;
    EXPECT_EQ(judged(few, few, settings).verdict, Verdict::Pass);
    settings.on_deadline = Policy::Fail;
    EXPECT_EQ(judged(few, few, settings).verdict, Verdict::Fail);
    settings.deadline = 361;
    EXPECT_EQ(judged(few, few, settings).verdict, Verdict::Inconclusive);
}

TEST(PairUp, LeavesOutStraddlingWarmingAndLonelyBuckets) {
    auto baseline = counts({1, 1, 1, 1, 1, 1}), canary = baseline;
    canary.erase(canary.begin() + 5);  // a scrape is missing
    const auto evidence = pair_up(baseline, canary, {0, 150}, 1);
    // Bucket 1 warms up, 3 straddles, 4 warms up anew (it begins within a minute of the change).
    EXPECT_EQ(evidence.straddling, 1);
    EXPECT_EQ(evidence.warming_up, 2);
    EXPECT_EQ(evidence.unpaired, 1);
    ASSERT_EQ(evidence.buckets.size(), 2U);
    EXPECT_EQ(evidence.buckets[0].epoch, 0);
    EXPECT_EQ(evidence.buckets[1].epoch, 1);
}

TEST(PairUp, ABadHourAtAHighWeightIsNoDifference) {
    // Errors rise tenfold in both arms just as the canary's share rises from 5 to 50 %.
    std::vector<CountPair> buckets;
    for (int i = 0; i < 10; ++i) buckets.push_back({{9500, 10}, {500, 0.5}, 0});
    for (int i = 0; i < 10; ++i) buckets.push_back({{5000, 50}, {5000, 50}, 1});
    EXPECT_NEAR(RatioEvidence(buckets).estimate(), 1, 0.02);
}

std::vector<Difference> remembered(double rho, double level, int length, std::uint64_t run) {
    auto random = judge_bench::stream(5, 1, run);
    judge_bench::Memory memory(rho, random);
    std::vector<Difference> series;
    for (int i = 0; i < length; ++i) series.push_back({i, level + 0.05 * memory.next(random), 1});
    return series;
}

TEST(Level, MinutesThatRememberAreFewerWitnesses) {
    double white = 0, slow = 0;
    for (std::uint64_t run = 0; run < 20; ++run) {
        white += LevelEvidence(remembered(0, 0, 60, run)).independent_buckets() / 20;
        slow += LevelEvidence(remembered(0.8, 0, 60, run)).independent_buckets() / 20;
    }
    EXPECT_GT(white, 35);
    EXPECT_LT(slow, 18);
}

TEST(Level, LimitsAreWhereTheTailsAreWhatWasAsked) {
    const LevelEvidence found(remembered(0.3, 0.02, 40, 3));
    EXPECT_NEAR(found.tail_above(found.low(0.01)), 0.01, 1e-4);
    EXPECT_NEAR(found.tail_below(found.high(0.05)), 0.05, 1e-4);
}

TEST(Histogram, AQuantileBetweenBoundsIsThatOfALogNormal) {
    // 100,000 log-normal durations, median 0.1, σ 0.5: p95 is 0.2276.
    const auto quantile =
        quantile_of({{0.05, 8283}, {0.1, 50'000}, {0.25, 96'656}, {HUGE_VAL, 100'000}}, 0.95);
    ASSERT_TRUE(quantile);
    EXPECT_NEAR(quantile->value, 0.2276, 0.0005);
    EXPECT_FALSE(quantile->beyond);
    EXPECT_TRUE(quantile_of({{0.05, 10}, {HUGE_VAL, 100}}, 0.95)->beyond);
    EXPECT_FALSE(quantile_of({{0.05, 0}, {HUGE_VAL, 0}}, 0.95));
}

TEST(Special, TailsAndQuantilesAgreeWithTables) {
    EXPECT_NEAR(normal_upper(0.01), 2.326348, 1e-6);
    EXPECT_NEAR(normal_upper(0.99), -2.326348, 1e-6);
    EXPECT_NEAR(normal_tail(3), 1.349898e-3, 1e-9);
    EXPECT_NEAR(normal_tail(normal_of_student(4.2968, 9)), 0.001, 4e-5);
    EXPECT_NEAR(student_of_normal(normal_of_student(2.5, 12), 12), 2.5, 1e-9);
    EXPECT_NEAR(log_gamma(0.5), 0.5723649429, 1e-9);
    EXPECT_NEAR(gammas(1).digamma, -0.5772156649, 1e-8);
    EXPECT_NEAR(gammas(1).trigamma, 1.6449340668, 1e-8);
}

// Limits take a short cut; a verdict at a line on either side of one must agree with it.
TEST(Ratio, LimitsLieWhereVerdictsChange) {
    int compared = 0;
    for (const double burst : {1.0, 2.0, 5.0, 20.0})
        for (const double requests : {30.0, 600.0, 6000.0})
            for (const double errors : {0.0005, 0.005, 0.05})
                for (const int minutes : {4, 10, 60}) {
                    auto random = judge_bench::stream(7, static_cast<std::uint64_t>(burst), 1);
                    const judge_bench::RatioTraffic traffic{requests, requests, errors, errors,
                                                            burst,    true,     false};
                    judge_bench::RatioWorld world(traffic, random);
                    std::vector<CountPair> counts;
                    for (int k = 0; k < minutes; ++k) {
                        const auto [baseline, canary] = world.next();
                        counts.push_back(
                            {{baseline.total, baseline.bad}, {canary.total, canary.bad}, 0});
                    }
                    const RatioEvidence found(counts);
                    constexpr double tail = 0.002, near = 1.08;
                    const double low = found.low(tail), high = found.high(tail);
                    if (low > 0.05) {
                        ++compared;
                        EXPECT_TRUE(found.shows_harm({low / near, 0}, tail)) << low;
                        EXPECT_FALSE(found.shows_harm({low * near, 0}, tail)) << low;
                    }
                    if (high < 20) {
                        ++compared;
                        EXPECT_TRUE(found.shows_safety({high * near, 0}, tail)) << high;
                        EXPECT_FALSE(found.shows_safety({high / near, 0}, tail)) << high;
                    }
                }
    EXPECT_GT(compared, 15);
}

}  // namespace
