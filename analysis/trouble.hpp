// SPDX-License-Identifier: Apache-2.0
// Why an AnalysisRun gives no good verdict, in what a person needs to act: which metric, what was
// found, since when. Pure; the texts are ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crds/analysis.hpp"

namespace sluice::analysis {

struct Trouble {
    // Running: measurements fail and the run goes on; Inconclusive, Error, Failed: how it ended.
    crds::AnalysisPhase phase = crds::AnalysisPhase::None;
    std::string metric;               // empty: no metric could be measured at all
    std::vector<std::string> others;  // metrics in the same plight
    std::string found;                // "the answer was empty", "found [0.8]", or the error
    std::string rule;                 // "failed (1) > failureLimit (0)"; empty where none is known
    // The first of the measurements in a row that said so, in whole seconds.
    TimePoint since{};
    bool since_is_exact = true;  // false: older measurements are no longer kept
    bool operator==(const Trouble&) const = default;
};

// `run` as decoded from the server, results and all (crds::decode_analysis_run). Nothing for a run
// that measures well, has passed, or was told to end. Metrics in dry run never count.
std::optional<Trouble> trouble_of(const crds::AnalysisRun& run);

}  // namespace sluice::analysis
