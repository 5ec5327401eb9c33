// SPDX-License-Identifier: Apache-2.0
// judge_bench: the judge's table, from made-up traffic. It asserts nothing; docs/judge.md says what
// the figures were.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "tests/judge/cells.hpp"
#include "tests/judge/cost.hpp"

namespace {

using judge_bench::Promise;

std::string percent(double part, double whole) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f %%", whole > 0 ? 100 * part / whole : 0);
    return text.data();
}

// A row's figures, and what its promise makes of them.
struct Found {
    judge_bench::Tally all;
    int worst = -1;  // false failures or passes of the worst cell
    std::string worst_cell;
    int over = 0;      // cells above their bound
    double least = 2;  // share found or passed in the worst cell
    int slowest = 0;   // median of the slowest cell
    std::string least_cell;
};

void take(Found& found, const judge_bench::Row& row, const judge_bench::Cell& cell,
          const judge_bench::Tally& tally) {
    found.all.add(tally);
    const bool passes = row.promise == Promise::Passed || row.promise == Promise::NotPassed;
    const int count = passes ? tally.passed : tally.failed;
    if (count > found.worst) {
        found.worst = count;
        found.worst_cell = cell.name;
    }
    const double share = static_cast<double>(count) / tally.runs;
    if (share < found.least) {
        found.least = share;
        found.least_cell = cell.name;
    }
    found.slowest = std::max(found.slowest,
                             judge_bench::median(passes ? tally.passes : tally.fails, tally.runs));
    if (row.promise == Promise::HealthyCells && share > 33.0 / 2000) ++found.over;
    if (row.promise == Promise::Printed && share > 0.03) ++found.over;
    if (row.promise == Promise::NotPassed && share > 0.05) ++found.over;
}

void print(const judge_bench::Row& row, const Found& found) {
    const double runs = found.all.runs, cells = static_cast<double>(row.cells.size());
    std::string bound, measured;
    const std::string worst = percent(found.worst, runs / cells) + " (" + found.worst_cell + ")";
    switch (row.promise) {
        case Promise::HealthyCells:
        case Promise::Printed:
        case Promise::Shown:
            bound = row.promise == Promise::HealthyCells ? "≤ 1.65 % a cell, ≤ 0.5 % over all"
                    : row.promise == Promise::Printed    ? "≤ 3 % a cell"
                                                         : "—";
            measured = "over all " + percent(found.all.failed, runs) + ", worst cell " + worst;
            break;
        case Promise::NotPassed:
            bound = "≤ 5 % passed";
            measured = "over all " + percent(found.all.passed, runs) + ", worst cell " + worst;
            break;
        case Promise::Found:
        case Promise::Passed:
            bound = std::string(row.promise == Promise::Found ? "≥ " : "passed ≥ ") +
                    percent(row.least, 1) + ", median ≤ " + std::to_string(row.latest) + " min";
            measured = percent(found.least, 1) + ", median " + std::to_string(found.slowest) +
                       " min in the worst cell";
            if (row.cells.size() > 2) measured += " (" + found.least_cell + ")";
            break;
    }
    std::cout << "| " << row.name << " | " << row.cells.size() << " | " << bound << " | "
              << measured << " | " << (found.over > 0 ? std::to_string(found.over) + " over" : "")
              << " |" << std::endl;
}

void print_costs(std::uint64_t seed) {
    std::cout << "\n| processor time of a look over 20 metrics of 60 buckets | bound | verdict | "
                 "with all its figures |\n|---|---|---|---|\n";
    for (const auto& cost : judge_bench::costs_of_a_look(seed)) {
        std::array<char, 80> text{};
        std::snprintf(text.data(), text.size(), "1 ms | %.2f ms | %.2f ms", cost.verdict,
                      cost.explained);
        std::cout << "| " << cost.name << " | " << text.data() << " |" << std::endl;
    }
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"judge_bench: what the judge's verdicts are worth, as a Markdown table"};
    std::uint64_t seed = 1;
    int runs = 2000;
    std::string only;
    bool every_cell = false;
    app.add_option("--seed", seed, "of the traffic");
    app.add_option("--runs", runs, "a cell");
    app.add_option("--only", only, "rows whose name holds this");
    app.add_flag("--cells", every_cell, "every cell, on standard error");
    bool cost_only = false;
    app.add_flag("--cost", cost_only, "only what a look costs");
    CLI11_PARSE(app, argc, argv);
    if (cost_only) {
        print_costs(seed);
        return 0;
    }
    const auto began = std::chrono::steady_clock::now();
    std::cout << "Seed " << seed << ", " << runs << " runs a cell, default settings, margin 0 in "
              << "the rows of harm found.\n\n| case | cells | bound | measured | |\n"
              << "|---|---|---|---|---|\n";
    std::uint64_t number = 0;
    for (const auto& row : judge_bench::all_rows()) {
        Found found;
        for (const auto& cell : row.cells) {
            ++number;
            if (row.name.find(only) == std::string::npos) continue;
            const auto tally = judge_bench::play(cell, seed, number, runs);
            take(found, row, cell, tally);
            if (every_cell)
                std::cerr << row.name << "; " << cell.name << ": failed " << tally.failed
                          << " (median " << judge_bench::median(tally.fails, tally.runs)
                          << "), passed " << tally.passed << " (median "
                          << judge_bench::median(tally.passes, tally.runs) << ") of " << tally.runs
                          << "\n";
        }
        if (found.all.runs > 0) print(row, found);
    }
    if (only.empty()) print_costs(seed);
    std::cout << "\n"
              << std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                                  began)
                     .count()
              << " s\n";
    return 0;
}
