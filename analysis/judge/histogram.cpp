// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/histogram.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/judge/special.hpp"

namespace sluice::judge {
namespace histogram_detail {
namespace {

// Shares nearer to 0 or 1 than this are not told apart: a nearly empty bucket's far end would
// otherwise depend on how many requests the arm had.
constexpr double least_share = 0.005;

double count_at(const Histogram& histogram, double bound) {
    double count = 0;
    for (const auto& step : histogram)
        if (step.bound <= bound) count = std::max(count, step.count);
    return count;
}

double normal_score(double share, double margin) {
    return -quick_normal_upper(std::clamp(share, margin, 1 - margin));
}

}  // namespace
}  // namespace histogram_detail

using namespace histogram_detail;

double observations(const Histogram& histogram) {
    double most = 0;
    for (const auto& step : histogram) most = std::max(most, step.count);
    return most;
}

std::optional<Quantile> quantile_of(const Histogram& histogram, double q) {
    const double total = observations(histogram);
    if (total <= 0) return std::nullopt;
    const double margin = std::min(least_share, 0.1 * std::min(q, 1 - q));
    double below_bound = 0, below_share = 0, count = 0;
    bool finite = false;
    for (const auto& step : histogram) {
        if (!std::isfinite(step.bound)) break;
        count = std::max(count, step.count);
        const double share = count / total;
        if (share < q) {
            below_bound = step.bound;
            below_share = share;
            finite = true;
            continue;
        }
        if (!finite && step.bound <= 0) return Quantile{step.bound, false};
        // From zero on there is no logarithm to go by: an even spread.
        if (below_bound <= 0 || !finite)
            return Quantile{below_bound + (step.bound - below_bound) * (q - below_share) /
                                              (share - below_share),
                            false};
        const double low = normal_score(below_share, margin), high = normal_score(share, margin);
        const double at = high > low ? (normal_score(q, margin) - low) / (high - low) : 1;
        return Quantile{below_bound * std::pow(step.bound / below_bound, std::clamp(at, 0.0, 1.0)),
                        false};
    }
    if (!finite) return std::nullopt;
    return Quantile{below_bound, true};
}

Histogram sum_of(const Histogram& a, const Histogram& b) {
    Histogram sum = a;
    for (auto& step : sum) step.count += count_at(b, step.bound);
    return sum;
}

}  // namespace sluice::judge
