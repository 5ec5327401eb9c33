// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/backtest.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::judge {
namespace backtest_detail {
namespace {

double first_edge(double bucket, const Past& past) {
    return std::ceil(past.start / bucket) * bucket;
}

double last_edge(double bucket, double t) {
    return std::floor(t / bucket) * bucket;
}

}  // namespace
}  // namespace backtest_detail

using namespace backtest_detail;

Range range_of(const Source& source, const Past& past) {
    return {first_edge(source.bucket, past) - lead_buckets * source.bucket,
            last_edge(source.bucket, past.end), source.bucket};
}

std::vector<double> look_times(const std::vector<RecordedMetric>& metrics, const Past& past) {
    double bucket = HUGE_VAL;
    for (const auto& one : metrics) bucket = std::min(bucket, one.metric.source.bucket);
    std::vector<double> times;
    if (!std::isfinite(bucket)) return times;
    const double first = first_edge(bucket, past);
    for (double k = 1; first + k * bucket <= past.end; ++k) times.push_back(first + k * bucket);
    return times;
}

Look look_back(const std::vector<RecordedMetric>& metrics, const Past& past, double t) {
    Look look{.t = t};
    for (const auto& [metric, arms] : metrics)
        look.metrics.push_back(
            look_at(metric, arms, last_edge(metric.source.bucket, t), past.start).verdict);
    look.verdict = joined(look.metrics);
    return look;
}

}  // namespace sluice::judge
