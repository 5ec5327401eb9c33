// SPDX-License-Identifier: Apache-2.0
// What must hold however often Sluice was killed, as functions over what was seen.
#pragma once

#include <string>
#include <vector>

#include "examples/story/checks.hpp"
#include "examples/story/counts.hpp"
#include "examples/story/timeline.hpp"

namespace chaos {

using sluice::Json;
using sluice::Result;

// weights: of one version's canary, as the route told them. They only rise, never above `most`,
// and once they are back at 0 they stay. Changes that came while nobody watched may be missing.
Result<void> check_weights(const std::vector<story::WeightChange>& changes, sluice::TimePoint from,
                           sluice::TimePoint to, const std::vector<int>& allowed);

// records: of one commit, exactly one of each of `kinds`, and one of each step in `weights`.
Result<void> check_records(const std::vector<Json>& records, const std::string& commit,
                           const std::vector<std::string>& kinds, const std::vector<int>& weights);

// op-ids: no operation was committed twice on one branch, whose commits these are.
Result<void> check_op_ids(const std::vector<story::Commit>& commits);

// share: never more of a version than its weight, but for `tolerance` points; where too few
// requests were counted between two changes, nothing is said.
Result<void> check_shares(const story::Counts& counts, const std::string& version,
                          const std::vector<story::WeightChange>& changes, sluice::TimePoint from,
                          sluice::TimePoint to, double tolerance);

}  // namespace chaos
