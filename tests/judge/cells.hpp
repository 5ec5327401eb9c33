// SPDX-License-Identifier: Apache-2.0
// The judge's table of promises: which traffic, which bound, and what was found.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/judge/judge.hpp"
#include "tests/judge/world.hpp"

namespace judge_bench {

inline constexpr int looks = 60;  // a look a minute for an hour

// What a cell's runs came to.
struct Tally {
    int runs = 0;
    int failed = 0;          // at any look
    int passed = 0;          // at any look
    std::vector<int> fails;  // minute of the first failure; runs without one are left out
    std::vector<int> passes;
    void add(const Tally& other);
};

// The middle one of all runs; 99 where most never came there.
int median(std::vector<int> minutes, int runs);

struct Cell {
    std::string name;
    sluice::judge::Settings settings;
    // Plays one run on that stream.
    std::function<void(Tally&, Random&, const sluice::judge::Settings&)> play;
};

Cell ratio_cell(std::string name, const RatioTraffic& traffic, bool no_margin);
Cell latency_cell(std::string name, const LatencyTraffic& traffic, double quantile, bool no_margin);
Cell gauge_cell(std::string name, const GaugeTraffic& traffic, bool no_margin);

// Row by row of the table. A row's cells are told apart by their names.
enum class Promise {
    HealthyCells,  // at most 33 in 2,000 in any cell, 0.5 % over all
    Printed,       // at most 3 % in any cell
    Found,         // at least `least` found, median at most `latest`
    Passed,        // the same of passes
    NotPassed,     // at most 5 % passed
    Shown,         // nothing is promised
};

struct Row {
    std::string name;
    Promise promise = Promise::Shown;
    double least = 0;
    int latest = 99;
    std::vector<Cell> cells;
};

std::vector<Row> all_rows();

Tally play(const Cell& cell, std::uint64_t seed, std::uint64_t number, int runs);

}  // namespace judge_bench
