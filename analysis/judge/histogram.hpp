// SPDX-License-Identifier: Apache-2.0
// Quantiles from classic histograms: cumulative counts over upper bounds.
#pragma once

#include <optional>
#include <vector>

namespace sluice::judge {

struct HistogramStep {
    double bound = 0;  // upper; +Inf for the last
    double count = 0;  // observations at or below it
    bool operator==(const HistogramStep&) const = default;
};

// In order of bounds. Counts that fall from one bound to the next are raised to their
// predecessor's, as histogram_quantile does: scrapes are not atomic.
using Histogram = std::vector<HistogramStep>;

double observations(const Histogram& histogram);

struct Quantile {
    double value = 0;
    bool beyond = false;  // above the last finite bound, which `value` then is
};

// Between two bounds the distribution is taken for log-normal, not for even as histogram_quantile
// takes it: with Prometheus' default bounds an even bucket shrinks a 10 % change of p95 to 2 %.
// 0 < q < 1; nothing where there is no observation or no finite bound.
std::optional<Quantile> quantile_of(const Histogram& histogram, double q);

// a + b where the bounds are the same; a's bounds otherwise, with b's counts at or below them.
Histogram sum_of(const Histogram& a, const Histogram& b);

}  // namespace sluice::judge
