// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "analysis/run.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace retry_after_test {
namespace {

using crds::AnalysisPhase;

// When the next measurement is due after one that ended at noon, in seconds after noon.
long due_after(AnalysisPhase phase, std::optional<long> resume) {
    const TimePoint noon = *parse_rfc3339("2026-11-20T12:00:00Z");
    const crds::Metric metric{.name = "m", .interval = Duration{std::chrono::minutes{5}}};
    crds::Measurement last{.phase = phase, .started = noon, .finished = noon};
    if (resume) last.resume = noon + std::chrono::seconds{*resume};
    crds::AnalysisRunStatus status;
    status.metric_results.push_back(
        {.name = "m", .phase = AnalysisPhase::Running, .measurements = {last}});
    const auto due = next_measurement(metric, status, noon + std::chrono::seconds{1}, {});
    return due ? (*due - noon) / std::chrono::seconds{1} : -1;
}

TEST(RetryAfter, PutsOffWhatWasRefused) {
    EXPECT_EQ(due_after(AnalysisPhase::Error, std::nullopt), 10) << "as upstream";
    EXPECT_EQ(due_after(AnalysisPhase::Error, 90), 90);
    EXPECT_EQ(due_after(AnalysisPhase::Error, 3), 10);
    EXPECT_EQ(due_after(AnalysisPhase::Error, 86'400), 600) << "no longer than people wait";
    EXPECT_EQ(due_after(AnalysisPhase::Successful, 3), 300) << "only what was refused";
}

}  // namespace
}  // namespace retry_after_test
}  // namespace sluice::analysis
