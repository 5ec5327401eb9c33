// SPDX-License-Identifier: Apache-2.0
#include "platform/git/process.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace sluice::git {
namespace {

using namespace std::chrono_literals;

Program shell_line(std::string line) {
    return {.arguments = {"/bin/sh", "-c", std::move(line)},
            .environment = {{"PATH", "/bin:/usr/bin"}}};
}

TEST(RunProgram, GivesBothStreamsAndTheExitCode) {
    const auto result = run_program(shell_line("echo out; echo err >&2; exit 3"));
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->exit_code, 3);
    EXPECT_EQ(result->out, "out\n");
    EXPECT_EQ(result->err, "err\n");
}

TEST(RunProgram, FeedsItsInputHoweverLong) {
    auto program = shell_line("wc -c; true");
    program.input = std::string(1'000'000, 'x');
    EXPECT_EQ(run_program(program)->out, "1000000\n");
    // A program that never reads its input harms nobody.
    auto deaf = shell_line("exec true");
    deaf.input = std::string(1'000'000, 'x');
    EXPECT_EQ(run_program(deaf)->exit_code, 0);
}

TEST(RunProgram, InheritsNothingOfTheEnvironment) {
    ::setenv("SLUICE_TEST_SECRET", "hidden", 1);
    EXPECT_EQ(run_program(shell_line("echo \"[$SLUICE_TEST_SECRET]\""))->out, "[]\n");
}

// A listening socket that a git inherits outlives us with it, and its port is taken for our next
// life.
TEST(RunProgram, InheritsNoneOfOurFiles) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);  // as libraries open files: without close-on-exec
    auto program = shell_line(
        "i=3; while [ $i -lt 99 ]; do [ ! -e /proc/$$/fd/$i ] || echo $i; i=$((i+1)); done");
    EXPECT_EQ(run_program(program)->out, "");
    program.inherited_fd = pipe[0];
    EXPECT_EQ(run_program(program)->out, "3\n");
    ::close(pipe[0]);
    ::close(pipe[1]);
}

TEST(RunProgram, KillsTheWholeGroupAtItsDeadline) {
    auto program = shell_line("trap '' TERM; sleep 600 & echo $!; wait; sleep 600");
    program.deadline = 200ms;
    const auto before = std::chrono::steady_clock::now();
    const auto result = run_program(program);
    EXPECT_TRUE(result.failed_with(ErrorKind::Timeout));
    EXPECT_EQ(result.error().message, "run /bin/sh: killed after 200ms");
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

TEST(RunProgram, LeavesNoGrandchildThatHoldsItsPipes) {
    const auto result = run_program(shell_line("sleep 600 & echo $!"));
    ASSERT_TRUE(result.ok());
    const auto grandchild = static_cast<pid_t>(std::stol(result->out));
    // A signal needs a moment to be taken: the descriptor becomes readable when the process has
    // ended.
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, grandchild, 0));
    if (ended < 0) return;  // already gone
    pollfd waiting{ended, POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 5000), 1) << "the grandchild runs on";
    ::close(ended);
}

TEST(RunProgram, EndsWhenWeEnd) {
    std::stop_source source;
    auto program = shell_line("sleep 600");
    program.stop = source.get_token();
    Result<ProgramResult> result = internal("not run");
    std::jthread runner([&] { result = run_program(program); });
    source.request_stop();
    runner.join();
    EXPECT_TRUE(result.failed_with(ErrorKind::Unavailable));
}

TEST(RunProgram, SaysWhatCannotBeStarted) {
    const auto result = run_program({.arguments = {"/no/such/program"}});
    ASSERT_TRUE(result.failed_with(ErrorKind::Unavailable));
    EXPECT_EQ(result.error().message, "start /no/such/program: No such file or directory");
}

}  // namespace
}  // namespace sluice::git
