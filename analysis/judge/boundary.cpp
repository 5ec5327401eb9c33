// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/boundary.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/judge/special.hpp"

namespace sluice::judge {
namespace boundary_detail {
namespace {

constexpr double slope = 0.15;
constexpr double caution_with_harm = 0.8;
constexpr double caution_with_safety = 1.2;

double boundary(double first_budget, double buckets, double first) {
    return normal_upper(first_budget) + slope * std::log(std::max(1.0, buckets / first));
}

// What the first looks at a series are kept to beyond that.
double early(double caution, double buckets, double first) {
    const double share = first / std::max(buckets, 1.0);
    return caution * share * share;
}

}  // namespace
}  // namespace boundary_detail

using boundary_detail::boundary;
using boundary_detail::early;

double tail_for_harm(double budget, double buckets, double first) {
    return normal_tail(boundary(budget / 6, buckets, first));
}

double tail_for_harm_in_series(double budget, double buckets, double first) {
    return normal_tail(boundary(budget / 6, buckets, first) +
                       early(boundary_detail::caution_with_harm, buckets, first));
}

double tail_for_safety(double budget, double buckets, double first) {
    return normal_tail(boundary(budget / 12, buckets, first));
}

double tail_for_safety_in_series(double budget, double buckets, double first) {
    return normal_tail(boundary(budget / 12, buckets, first) +
                       early(boundary_detail::caution_with_safety, buckets, first));
}

}  // namespace sluice::judge
