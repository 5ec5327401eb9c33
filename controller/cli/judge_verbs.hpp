// SPDX-License-Identifier: Apache-2.0
// judge, plan, backtest: what people do with the judge outside a rollout.
#pragma once

#include <string>

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

// Adds the verbs; `exit_code` is written by the one that runs.
void add_judge_verbs(CLI::App& app, JudgeOptions& judge, int& exit_code);

// Replays samples: one JSON object a look on standard output, problems on standard error.
int run_judge(const JudgeOptions& options);

}  // namespace sluice::cli
