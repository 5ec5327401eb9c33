// SPDX-License-Identifier: Apache-2.0
// The programs that the story starts: each in a process group of its own, with its output in a
// file, and gone when the story is, whatever ends it.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace story {

using sluice::Duration;
using sluice::Error;
using sluice::Result;
using sluice::TimePoint;

struct Command {
    std::vector<std::string> words;            // the program by path, then its arguments
    std::map<std::string, std::string> extra;  // added to our own environment
    std::string directory;                     // to run in; empty: ours
};

// A running child. Move-only; the destructor stops it.
class Process {
public:
    // `log` takes standard output and error, appended. `wants_pipes`: standard input and output go
    // to input() and output() instead.
    static Result<Process> start(std::string name, const Command& command, const std::string& log,
                                 bool wants_pipes = false);
    Process() = default;
    Process(Process&& other) noexcept;
    Process& operator=(Process&& other) noexcept;
    ~Process();

    [[nodiscard]] int input() const { return input_; }    // to write to, or -1
    [[nodiscard]] int output() const { return output_; }  // to read from, or -1
    // Nothing while it runs; else how it ended: "exit 1", "signal 9".
    std::optional<std::string> ended();
    // SIGTERM, then SIGKILL to the whole group once `patience` is over. How it ended.
    std::string stop(Duration patience);
    // SIGKILL to it alone: what it has started goes on. How it ended.
    std::string kill_alone();

private:
    std::string name_;
    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    std::optional<std::string> ended_;
};

// Runs a short command to its end. Timeout and Unavailable say which command; a bad exit code is
// Invalid with the last of what it printed.
Result<std::string> run(const Command& command, std::string_view input = {},
                        Duration deadline = std::chrono::seconds{20});

// Still running programs whose command line names `mark`: what a run left behind.
std::vector<pid_t> find_marked(const std::string& mark);

// A loopback TCP port that is free now.
Result<unsigned short> free_port();
// Whether that one is.
bool port_is_free(unsigned short port);

}  // namespace story
