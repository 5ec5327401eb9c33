// SPDX-License-Identifier: Apache-2.0
#include "tests/judge/cells.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"

namespace judge_bench {
namespace {

using sluice::concat;
using sluice::format_number;
using namespace sluice::judge;

// Looks once a minute at all that was seen so far.
template <class NextMinute>
void watch(Tally& tally, const Settings& settings, const NextMinute& next) {
    std::vector<ArmBucket> baseline, canary;
    int failed = 0, passed = 0;
    for (int minute = 1; minute <= looks; ++minute) {
        auto [left, right] = next();
        baseline.push_back({60.0 * minute, 60, std::move(left)});
        canary.push_back({60.0 * minute, 60, std::move(right)});
        const auto evidence = pair_up(baseline, canary, {}, settings.warm_up);
        const auto verdict =
            judge_metric(settings, evidence, 60.0 * minute, Detail::VerdictOnly).verdict;
        if (verdict == Verdict::Fail && failed == 0) failed = minute;
        if (verdict == Verdict::Pass && passed == 0) passed = minute;
        if (failed > 0) break;  // nothing that counts can follow
    }
    ++tally.runs;
    if (failed > 0) {
        ++tally.failed;
        tally.fails.push_back(failed);
    }
    if (passed > 0) {
        ++tally.passed;
        tally.passes.push_back(passed);
    }
}

Histogram histogram_of(const Buckets& buckets) {
    Histogram histogram;
    histogram.reserve(buckets.size());
    for (size_t i = 0; i < buckets.size(); ++i)
        histogram.push_back({i < default_bounds.size() ? default_bounds[i] : HUGE_VAL, buckets[i]});
    return histogram;
}

Settings settings_of(Kind kind, bool no_margin) {
    auto settings = default_settings(kind);
    if (no_margin) settings.margin = settings.abort = {1, 0};
    return settings;
}

std::string number(double value) {
    return format_number(value);
}

}  // namespace

void Tally::add(const Tally& other) {
    runs += other.runs;
    failed += other.failed;
    passed += other.passed;
    fails.insert(fails.end(), other.fails.begin(), other.fails.end());
    passes.insert(passes.end(), other.passes.begin(), other.passes.end());
}

int median(std::vector<int> minutes, int runs) {
    constexpr int never = 99;
    minutes.resize(static_cast<size_t>(runs), never);
    if (minutes.empty()) return never;
    const auto middle = minutes.begin() + (runs - 1) / 2;
    std::nth_element(minutes.begin(), middle, minutes.end());
    return *middle;
}

Cell ratio_cell(std::string name, const RatioTraffic& traffic, bool no_margin) {
    return {std::move(name), settings_of(Kind::Ratio, no_margin),
            [traffic](Tally& tally, Random& random, const Settings& settings) {
                RatioWorld world(traffic, random);
                watch(tally, settings, [&] {
                    const auto minute = world.next();
                    return std::pair<Sample, Sample>(
                        Counts{minute.baseline.total, minute.baseline.bad},
                        Counts{minute.canary.total, minute.canary.bad});
                });
            }};
}

Cell latency_cell(std::string name, const LatencyTraffic& traffic, double quantile,
                  bool no_margin) {
    auto settings = settings_of(Kind::Quantile, no_margin);
    settings.quantile = quantile;
    return {std::move(name), settings,
            [traffic](Tally& tally, Random& random, const Settings& with) {
                LatencyWorld world(traffic, random);
                watch(tally, with, [&] {
                    const auto minute = world.next();
                    return std::pair<Sample, Sample>(histogram_of(minute.baseline),
                                                     histogram_of(minute.canary));
                });
            }};
}

Cell gauge_cell(std::string name, const GaugeTraffic& traffic, bool no_margin) {
    return {std::move(name), settings_of(Kind::Gauge, no_margin),
            [traffic](Tally& tally, Random& random, const Settings& settings) {
                GaugeWorld world(traffic, random);
                watch(tally, settings, [&] {
                    const auto minute = world.next();
                    return std::pair<Sample, Sample>(minute[0], minute[1]);
                });
            }};
}

Tally play(const Cell& cell, std::uint64_t seed, std::uint64_t number, int runs) {
    Tally tally;
    for (int run = 0; run < runs; ++run) {
        auto random = stream(seed, number, static_cast<std::uint64_t>(run));
        cell.play(tally, random, cell.settings);
    }
    return tally;
}

namespace {

Row healthy_ratios(double burst, bool two_minutes, bool no_margin) {
    Row row{.name = concat("healthy ratios, bursts of mean ", number(burst),
                           two_minutes ? ", spread over two minutes" : "",
                           no_margin ? ", margin 0" : ""),
            .promise = no_margin     ? Promise::Shown
                       : two_minutes ? Promise::Printed
                                     : Promise::HealthyCells};
    for (const double share : {0.01, 0.05, 0.1, 0.2, 0.5})
        for (const double requests : {30.0, 600.0, 6000.0, 60'000.0})
            for (const double errors : {0.0, 0.0005, 0.005, 0.05})
                for (const bool load : {false, true}) {
                    // What is only shown is shown of fewer cells.
                    const bool wanted = load && errors > 0 && share != 0.05 && share != 0.2;
                    if ((no_margin || two_minutes) && !wanted) continue;
                    row.cells.push_back(
                        ratio_cell(concat("share ", number(100 * share), " %, ", number(requests),
                                          "/min, errors ", number(100 * errors), " %",
                                          load ? ", shared load" : ""),
                                   {requests * (1 - share), requests * share, errors, errors, burst,
                                    load, two_minutes},
                                   no_margin));
                }
    return row;
}

Row healthy_levels(std::initializer_list<double> rhos, Promise promise, bool no_margin) {
    Row row{.name = concat("healthy quantiles and gauges, ρ ",
                           rhos.size() == 1 ? "0.9" : "up to 0.8", no_margin ? ", margin 0" : ""),
            .promise = promise};
    for (const double rho : rhos)
        for (const double noise : {0.03, 0.1})
            for (const bool both : {false, true}) {
                const std::string how = concat("ρ ", number(rho), ", sd ", number(100 * noise),
                                               " %", both ? " in both arms" : "");
                row.cells.push_back(gauge_cell(
                    "gauge, " + how, {.noise = noise, .rho = rho, .both_noisy = both}, no_margin));
                row.cells.push_back(latency_cell("p95 of 600/min, " + how,
                                                 {.noise = noise, .rho = rho, .both_noisy = both},
                                                 0.95, no_margin));
                row.cells.push_back(
                    latency_cell("p95 of 5,400 and 600/min, " + how,
                                 {.requests = 5400, .noise = noise, .rho = rho, .both_noisy = both},
                                 0.95, no_margin));
                row.cells.push_back(latency_cell("median of 6,000/min, " + how,
                                                 {.requests = 6000,
                                                  .canary_requests = 6000,
                                                  .median = 0.2,
                                                  .noise = noise,
                                                  .rho = rho,
                                                  .both_noisy = both},
                                                 0.5, no_margin));
            }
    return row;
}

Row ratio_row(std::string name, Promise promise, double least, int latest, RatioTraffic traffic,
              bool no_margin) {
    Row row{std::move(name), promise, least, latest, {}};
    for (const bool load : {false, true}) {
        traffic.shared_load = load;
        row.cells.push_back(ratio_cell(load ? "shared load" : "even load", traffic, no_margin));
    }
    return row;
}

void add_power_rows(std::vector<Row>& rows) {
    rows.push_back(ratio_row("errors 0.05 → 0.5 %, 600/min an arm", Promise::Found, 0.99, 7,
                             {600, 600, 0.0005, 0.005}, true));
    rows.push_back(ratio_row("errors 0.5 → 1 %, 6,000/min an arm", Promise::Found, 0.99, 5,
                             {6000, 6000, 0.005, 0.01}, true));
    rows.push_back(ratio_row("errors 0.5 → 1 %, 600/min an arm", Promise::Found, 0.99, 20,
                             {600, 600, 0.005, 0.01}, true));
    Row p95{"p95 +10 %, 600/min an arm, shared load", Promise::Found, 0.95, 60, {}};
    Row middle{"median +2 %, 6,000/min an arm, private noise 1.5 %, shared load",
               Promise::Found,
               0.8,
               60,
               {}};
    for (const double typical : {0.02, 0.06, 0.1, 0.2, 0.4}) {
        const std::string name = concat("median at ", number(1000 * typical), " ms");
        p95.cells.push_back(latency_cell(name, {.median = typical, .harm = 1.1}, 0.95, true));
        for (const bool both : {false, true})
            middle.cells.push_back(latency_cell(name + (both ? ", noise in both arms" : ""),
                                                {.requests = 6000,
                                                 .canary_requests = 6000,
                                                 .median = typical,
                                                 .harm = 1.02,
                                                 .noise = 0.015,
                                                 .both_noisy = both},
                                                0.5, true));
    }
    rows.push_back(std::move(p95));
    rows.push_back(std::move(middle));
    rows.push_back(ratio_row("healthy canary passes, errors 0.5 %, 600/min an arm", Promise::Passed,
                             0.95, 20, {600, 600, 0.005, 0.005}, false));
    rows.push_back(ratio_row("healthy canary passes, errors 0.5 %, 6,000/min an arm",
                             Promise::Passed, 0.95, 6, {6000, 6000, 0.005, 0.005}, false));
}

// Errors that equal the margin: the larger of twice as many and 0.1 points more.
Row harmful() {
    Row row{.name = "harm equal to the margin", .promise = Promise::NotPassed};
    for (const double burst : {1.0, 20.0})
        for (const double requests : {600.0, 6000.0})
            for (const double share : {0.1, 0.5})
                for (const double errors : {0.0005, 0.005, 0.05}) {
                    const double harm = std::max(2 * errors, errors + 0.001);
                    row.cells.push_back(ratio_cell(
                        concat("bursts of ", number(burst), ", share ", number(100 * share), " %, ",
                               number(2 * requests), "/min, errors ", number(100 * errors), " %"),
                        {2 * requests * (1 - share), 2 * requests * share, errors, harm, burst,
                         true},
                        false));
                }
    for (const double rho : {0.0, 0.5, 0.8})
        row.cells.push_back(gauge_cell(concat("gauge, ρ ", number(rho), ", sd 10 %"),
                                       {.harm = 1.1, .noise = 0.1, .rho = rho}, false));
    return row;
}

}  // namespace

std::vector<Row> all_rows() {
    std::vector<Row> rows;
    for (const double burst : {1.0, 2.0, 5.0, 20.0})
        rows.push_back(healthy_ratios(burst, false, false));
    rows.push_back(healthy_levels({0, 0.5, 0.8}, Promise::HealthyCells, false));
    for (const double burst : {5.0, 20.0}) rows.push_back(healthy_ratios(burst, true, false));
    rows.push_back(healthy_levels({0.9}, Promise::Printed, false));
    add_power_rows(rows);
    rows.push_back(harmful());
    for (const double burst : {1.0, 2.0, 5.0, 20.0})
        rows.push_back(healthy_ratios(burst, false, true));
    rows.push_back(healthy_levels({0, 0.5, 0.8}, Promise::Shown, true));
    return rows;
}

}  // namespace judge_bench
