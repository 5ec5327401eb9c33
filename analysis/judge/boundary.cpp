// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/boundary.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/judge/special.hpp"

namespace sluice::judge {
namespace boundary_detail {
namespace {

constexpr double slope = 0.15;
constexpr double caution = 0.8;

double boundary(double first_budget, double buckets, double first) {
    return normal_upper(first_budget) + slope * std::log(std::max(1.0, buckets / first));
}

}  // namespace
}  // namespace boundary_detail

double tail_for_harm(double budget, double buckets, double first) {
    return normal_tail(boundary_detail::boundary(budget / 6, buckets, first));
}

double tail_for_harm_in_series(double budget, double buckets, double first) {
    const double early = first / std::max(buckets, 1.0);
    return normal_tail(boundary_detail::boundary(budget / 6, buckets, first) +
                       boundary_detail::caution * early * early);
}

double tail_for_safety(double budget, double buckets, double first) {
    return normal_tail(boundary_detail::boundary(budget / 12, buckets, first));
}

}  // namespace sluice::judge
