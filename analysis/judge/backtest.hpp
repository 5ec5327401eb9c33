// SPDX-License-Identifier: Apache-2.0
// What the judge would have said, bucket by bucket, of a past that is all there: `sluice backtest`
// without its requests.
#pragma once

#include <vector>

#include "analysis/judge/prometheus_source.hpp"
#include "analysis/judge/replay.hpp"

namespace sluice::judge {

// Seconds since the epoch; nothing before `start` counts.
struct Past {
    double start = 0, end = 0;
};

// The columns that a metric's question needs: whole buckets within the past, and the lead.
Range range_of(const Source& source, const Past& past);

struct RecordedMetric {
    JudgedMetric metric;
    ArmsSeen arms;
};

// The ends of the buckets at which somebody looks: those of the shortest bucket.
std::vector<double> look_times(const std::vector<RecordedMetric>& metrics, const Past& past);
// Each metric at the end of its last whole bucket before `t`: what its plugin says then.
Look look_back(const std::vector<RecordedMetric>& metrics, const Past& past, double t);

}  // namespace sluice::judge
