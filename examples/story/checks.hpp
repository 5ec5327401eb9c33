// SPDX-License-Identifier: Apache-2.0
// What the story promises, each promise as a function over what was seen. A broken one is an error
// whose text begins with the name of the check, so that a test can ask for the very one.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "examples/story/counts.hpp"
#include "examples/story/timeline.hpp"

namespace story {

using sluice::Result;

// "share: at 5 % clients …".
sluice::Error broken(std::string_view check, std::string_view text);

struct Promise {
    double share_tolerance = 3;                         // points
    std::uint64_t share_requests = 5000;                // at least, at each step
    sluice::Duration settle = std::chrono::seconds{1};  // from a weight to the first counted answer
    size_t measurements = 3;                            // at least, for each metric and step
    sluice::Duration to_zero = std::chrono::seconds{2};  // from the failed verdict
};

// share: clients saw the weight that was asked for.
Result<void> check_share(const Promise& promise, int weight, const Share& share);
// measurements: each metric was measured often enough while that weight was in force and settled.
Result<void> check_measurements(const Promise& promise, int weight, sluice::TimePoint in_force,
                                const AnalysisRun* run);
// nothing-lost: every request had a complete answer of the service.
Result<void> check_nothing_lost(const Counts& counts);
// rolled-back: a bad version went no further than its first step, because its measurements failed.
// Ok while nothing speaks against it.
Result<void> check_not_promoted(const Picture& picture, const std::string& bad_hash,
                                int first_weight);
// weight-zero: the route said 0 and clients saw no more of it soon after the verdict.
Result<void> check_weight_zero(const Promise& promise, sluice::TimePoint verdict,
                               std::optional<sluice::TimePoint> route_zero,
                               std::optional<sluice::TimePoint> last_bad_answer);

struct Commit {
    std::string id;
    std::string message;
    std::string author;
    std::vector<std::string> files;  // that it changed
};

// restored-first: users were back on the good version before Git heard of it.
Result<void> check_restored_first(std::optional<sluice::TimePoint> last_bad_answer,
                                  sluice::TimePoint revert_pushed);
// one-revert: exactly one commit came after the bad one.
Result<void> check_one_revert(const std::vector<Commit>& since_bad);
// revert-names-bad: the revert says which commit it undoes, and undoes nothing else.
Result<void> check_revert(const Commit& revert, const std::string& bad_commit,
                          const std::string& file);
// still: no new canary after our own revert.
Result<void> check_still(const Picture& picture, sluice::TimePoint since);
// told: the condition of a measurement that fails names a metric, that Prometheus, since when, and
// a command of ours that goes on; that command.
Result<std::string> check_told(const RolloutState& rollout, const std::string& prometheus);
// on-time: the whole story took no longer than it may.
Result<void> check_on_time(sluice::Duration took, sluice::Duration limit);

// The record of that kind about that commit (and of that weight where it is not negative), or null.
const sluice::Json* find_record(const std::vector<sluice::Json>& records, std::string_view kind,
                                std::string_view commit, int weight = -1);
// evidence: the record of a rollback says which check failed, on which values.
Result<void> check_evidence(const sluice::Json& record);

}  // namespace story
