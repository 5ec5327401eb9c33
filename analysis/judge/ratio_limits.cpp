// SPDX-License-Identifier: Apache-2.0
// Limits of the ratio, which people read: a verdict looks at its line alone.
#include <algorithm>
#include <cmath>

#include "analysis/judge/ratio.hpp"
#include "analysis/judge/ratio_grid.hpp"
#include "analysis/judge/special.hpp"

namespace sluice::judge {
namespace ratio_limits_detail {
namespace {

// The root of every so manieth dispersion is reckoned, the others lie between (to 2 % of a limit).
constexpr size_t stride = 2;

}  // namespace
}  // namespace ratio_limits_detail

using namespace ratio_detail;

double RatioEvidence::tail_for_limits(const RateLine& line, double side) const {
    if (baseline_.total <= 0 || canary_.total <= 0) return 1;
    const auto& points = weights();
    const double least = std::min(baseline_.bad, canary_.bad);
    // √φ times the root is nearly straight in ln φ, which the grid has equal steps of.
    const auto scaled = [&](size_t k) {
        const double dispersion = grid()[k].dispersion;
        return least > many_clusters * dispersion ? root_at(0, line, side)
                                                  : root_at(k, line, side) * std::sqrt(dispersion);
    };
    // Where the correction eats up the errors of an arm there is a kink, and nothing lies between.
    const auto bent = [&](size_t i) {
        const double lump = correction * grid()[points[i].index].cluster;
        return (side > 0 ? canary_.bad : baseline_.bad) < 4 * lump;
    };
    double sum = 0;
    for (size_t left = 0; left < points.size();) {
        size_t right = left;
        while (right + 1 < points.size() && right < left + ratio_limits_detail::stride &&
               !bent(right + 1))
            ++right;
        const double at_left = scaled(points[left].index);
        const double at_right = right == left ? at_left : scaled(points[right].index);
        const double across = static_cast<double>(right - left);
        for (size_t i = left; i <= right; ++i) {
            const double part = right == left ? 0 : static_cast<double>(i - left) / across;
            const double root = at_left + part * (at_right - at_left);
            const double dispersion = grid()[points[i].index].dispersion;
            sum += points[i].weight * normal_tail(root / std::sqrt(dispersion));
        }
        left = right + 1;
    }
    return sum;
}

double RatioEvidence::limit(double wanted, double side) const {
    constexpr double most = 1e6;
    const double goal = normal_upper(wanted);
    // How far the data lie beyond the line of that ratio, in units that are nearly straight in its
    // logarithm.
    const auto beyond = [&](double log_ratio) {
        const double found = tail_for_limits({std::exp(log_ratio), 0}, side);
        return quick_normal_upper(std::clamp(found, 1e-300, 1 - 1e-16)) - goal;
    };
    double inner = std::log(std::clamp(estimate(), 1 / most, most));  // beyond < 0 here
    // About where it would be if counts were normal.
    const double spread =
        std::sqrt(dispersion() / (baseline_.bad + 1) + dispersion() / (canary_.bad + 1));
    double outer = inner - side * 1.1 * goal * spread;
    double at_inner = beyond(inner), at_outer = beyond(outer);
    while (at_outer < 0 && std::abs(outer) < std::log(most)) {
        inner = outer;
        at_inner = at_outer;
        outer -= side * std::max(0.5, std::abs(outer));
        at_outer = beyond(outer);
    }
    if (at_outer < 0) return side > 0 ? 0 : most;
    for (int round = 0; round < 6; ++round) {
        double next = inner + (outer - inner) * at_inner / (at_inner - at_outer);
        if (!(at_inner < 0)) return std::exp(inner);
        const double at_next = beyond(next);
        if (std::abs(at_next) < 0.03) return std::exp(next);
        (at_next < 0 ? inner : outer) = next;
        (at_next < 0 ? at_inner : at_outer) = at_next;
    }
    return std::exp(at_inner < 0 ? outer : inner);
}

double RatioEvidence::low(double tail_wanted) const {
    return limit(tail_wanted, 1);
}

double RatioEvidence::high(double tail_wanted) const {
    return limit(tail_wanted, -1);
}

}  // namespace sluice::judge
