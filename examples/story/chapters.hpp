// SPDX-License-Identifier: Apache-2.0
// The three chapters: v1 runs, v2 is promoted, v3 is rolled back; and what must hold in each.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "examples/story/author.hpp"
#include "examples/story/checks.hpp"
#include "examples/story/sabotage.hpp"
#include "examples/story/screen.hpp"
#include "examples/story/stage.hpp"
#include "examples/story/timeline.hpp"
#include "examples/story/watch.hpp"

namespace story {

class Story {
public:
    // `interrupted` becomes true when a person wants it to end.
    Story(Stage& stage, Screen& screen, sluice::Log& log, const std::atomic<bool>& interrupted);

    Result<void> raise_curtain();  // all parts up, the GitSource applied
    Result<void> first_version();
    Result<void> good_version();
    Result<void> bad_version();
    // Instead of the two: a good version whose Prometheus is killed at its first step.
    Result<void> prometheus_killed();
    Result<void> end();          // nothing lost, in time
    Result<void> look_around();  // both logs and the commands

private:
    using Condition = std::function<Result<bool>(const Picture&)>;
    // Until the condition holds. It is asked every 20 ms, and so are the promises that must hold
    // all the time. Timeout, as the broken promise `check`, says what did not happen.
    Result<void> wait(std::string_view check, std::string_view what, sluice::Duration patience,
                      const Condition& condition);
    Result<sluice::TimePoint> weight_after(int weight, sluice::TimePoint since,
                                           const Condition& meanwhile);
    Result<sluice::TimePoint> next_weight(sluice::TimePoint since, const Condition& meanwhile);
    Result<void> judge_step(const std::string& version, const std::string& hash, int weight,
                            sluice::TimePoint in_force, sluice::TimePoint left);
    Result<void> recorded(std::string_view kind, const std::string& commit, int weight,
                          sluice::Json* record = nullptr);
    Result<sluice::TimePoint> failed_verdict(const std::string& hash, int weight);
    Result<Commit> reverted();
    Result<void> at_rest(const Commit& revert, sluice::TimePoint pushed);
    void show_step(const std::string& version, const std::string& hash);

    Stage& stage_;
    Screen& screen_;
    const std::atomic<bool>& interrupted_;
    Promise promise_;
    Timeline timeline_;
    sluice::Log& log_;
    Author author_;
    std::unique_ptr<Watch> watch_;
    Saboteur saboteur_;
    std::string good_commit_, bad_commit_, first_hash_, good_hash_;
    std::string shown_version_, shown_hash_;
};

}  // namespace story
