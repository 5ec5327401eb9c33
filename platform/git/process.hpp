// SPDX-License-Identifier: Apache-2.0
// Runs one program in a process group of its own, with an absolute deadline for the whole group.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::git {

struct Program {
    std::vector<std::string> arguments;              // arguments[0] is looked up in PATH
    std::map<std::string, std::string> environment;  // the whole of it: nothing is inherited
    std::string input;                               // what stands on its stdin
    Duration deadline = std::chrono::seconds{60};
    size_t output_limit = 64U << 20U;  // of stdout and stderr each, in bytes
    int inherited_fd = -1;             // kept open in the program, where not -1: a lock, say
    std::stop_token stop;
};

struct ProgramResult {
    int exit_code = 0;  // 128 + n where signal n ended it
    std::string out;
    std::string err;
};

// Any exit code is a success here. Timeout: the deadline passed and the group was killed;
// Unavailable: `stop` was asked for, or the program could not be started. Any thread.
Result<ProgramResult> run_program(const Program& program);

}  // namespace sluice::git
