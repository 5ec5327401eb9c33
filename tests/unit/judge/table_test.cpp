// SPDX-License-Identifier: Apache-2.0
// A seeded twentieth of judge_bench. Unoptimised builds play a tenth of its cells.
#include <gtest/gtest.h>

#include "tests/judge/cells.hpp"

namespace {

using judge_bench::Promise;
using judge_bench::Row;
using judge_bench::Tally;

constexpr int runs = 100;
constexpr std::uint64_t seed = 20;
#ifdef __OPTIMIZE__
constexpr size_t every = 1;
#else
constexpr size_t every = 10;
#endif

const Row& row_named(const std::vector<Row>& rows, std::string_view name) {
    for (const auto& row : rows)
        if (row.name == name) return row;
    ADD_FAILURE() << "no row " << name;
    return rows.front();
}

Tally play_all(const Row& row, int most_in_a_cell, bool passes) {
    Tally all;
    for (size_t i = 0; i<row.cells.size(); i += row.cells.size()> 10 ? every : 1) {
        const auto tally = judge_bench::play(row.cells[i], seed, i, runs);
        EXPECT_LE(passes ? tally.passed : tally.failed, most_in_a_cell) << row.cells[i].name;
        all.add(tally);
    }
    return all;
}

// With 1 % in a cell, more than 6 of 100 come once in 10,000 cells.
void expect_healthy(std::string_view name) {
    const auto rows = judge_bench::all_rows();
    const auto all = play_all(row_named(rows, name), 6, false);
    EXPECT_LE(all.failed, 0.005 * all.runs + 2);
}

void expect_found(std::string_view name, double least) {
    const auto rows = judge_bench::all_rows();
    const auto& row = row_named(rows, name);
    const bool passes = row.promise == Promise::Passed;
    for (size_t i = 0; i < row.cells.size(); ++i) {
        const auto tally = judge_bench::play(row.cells[i], seed, i, runs);
        EXPECT_GE(passes ? tally.passed : tally.failed, least * runs) << row.cells[i].name;
        // One minute of luck.
        EXPECT_LE(judge_bench::median(passes ? tally.passes : tally.fails, runs), row.latest + 1)
            << row.cells[i].name;
    }
}

TEST(Table, HealthyRatiosWithIndependentErrorsDoNotFail) {
    expect_healthy("healthy ratios, bursts of mean 1");
}
TEST(Table, HealthyRatiosWithBurstsOfTwoDoNotFail) {
    expect_healthy("healthy ratios, bursts of mean 2");
}
TEST(Table, HealthyRatiosWithBurstsOfFiveDoNotFail) {
    expect_healthy("healthy ratios, bursts of mean 5");
}
TEST(Table, HealthyRatiosWithBurstsOfTwentyDoNotFail) {
    expect_healthy("healthy ratios, bursts of mean 20");
}
TEST(Table, HealthyQuantilesAndGaugesThatRememberDoNotFail) {
    expect_healthy("healthy quantiles and gauges, ρ up to 0.8");
}
TEST(Table, TenfoldErrorsAreFoundInMinutes) {
    expect_found("errors 0.05 → 0.5 %, 600/min an arm", 0.97);
}
TEST(Table, TwiceAsManyErrorsAreFoundInMinutesWhereThereIsTraffic) {
    expect_found("errors 0.5 → 1 %, 6,000/min an arm", 0.97);
    expect_found("errors 0.5 → 1 %, 600/min an arm", 0.97);
}
TEST(Table, ATenthMoreLatencyIsFoundThroughDefaultBuckets) {
    expect_found("p95 +10 %, 600/min an arm, shared load", 0.9);
}
TEST(Table, AHealthyCanaryPasses) {
    expect_found("healthy canary passes, errors 0.5 %, 600/min an arm", 0.92);
    expect_found("healthy canary passes, errors 0.5 %, 6,000/min an arm", 0.92);
}
TEST(Table, HarmEqualToTheMarginIsNotPromoted) {
    const auto rows = judge_bench::all_rows();
    const auto all = play_all(row_named(rows, "harm equal to the margin"), 13, true);
    EXPECT_LE(all.passed, 0.05 * all.runs);
}

}  // namespace
