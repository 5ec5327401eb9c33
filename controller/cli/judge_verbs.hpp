// SPDX-License-Identifier: Apache-2.0
// judge, backtest and plan: what people do with the judge outside a rollout.
#pragma once

#include <string>
#include <vector>

#include "analysis/judge/judge.hpp"
#include "base/result.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

// What the judge said, as an exit code; BadInput where it could not be asked.
enum JudgeExit { Passed = 0, FailedVerdict = 1, Undecided = 2, BadInput = 64 };

struct JudgeOptions {
    std::string config;  // a file
    std::string input;   // a file, or "-" for standard input
};

struct BacktestOptions {
    std::string template_file;
    std::string prometheus;                          // a URL
    std::string start, end;                          // RFC 3339, or seconds since the epoch
    std::string canary_selector, baseline_selector;  // label matchers: version="v2"
    std::vector<std::string> args;                   // "name=value", "name=@file"
};

struct PlanOptions {
    std::string file;
    std::string traffic;     // "600/m"
    std::string base_error;  // "0.5%"
};

// Each adds its verb, which writes `exit_code` when it runs.
void add_judge_verb(CLI::App& app, JudgeOptions& judge, int& exit_code);
void add_backtest_verb(CLI::App& app, BacktestOptions& backtest, int& exit_code);
void add_plan_verb(CLI::App& app, PlanOptions& plan, int& exit_code);

// Replays samples: one JSON object a look on standard output, problems on standard error.
int run_judge(const JudgeOptions& options);
// The same from a live Prometheus's history.
int run_backtest(const BacktestOptions& options);
// Passed, FailedVerdict or Undecided.
int exit_of(judge::Verdict verdict);
// Says what each step of a Rollout can and cannot detect, on standard output.
int run_plan(const PlanOptions& options);

}  // namespace sluice::cli
