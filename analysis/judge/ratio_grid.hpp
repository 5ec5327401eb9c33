// SPDX-License-Identifier: Apache-2.0
// The dispersions that are weighed, and what is believed of them before the data speak.
#pragma once

#include <array>
#include <cstddef>

namespace sluice::judge::ratio_detail {

// Errors are as likely independent as not, and clusters of any size, up to 600, are as likely as of
// any other.
inline constexpr size_t grid_size = 24;
inline constexpr double grid_step = 1.32;
inline constexpr double independent_prior = 0.6;

// Counts are lumpy: without a correction the tail would be too small, with half a lump it would be
// that of the exact test, which is too large on average (as the mid-p value shows).
inline constexpr double correction = 0.25;

// So many clusters in either arm that their sum is normal, and dispersion but a divisor.
inline constexpr double many_clusters = 150;

struct Candidate {
    double dispersion;
    double log_prior;
    double log_dispersion;
    double cluster;  // errors of a mean cluster of the negative binomial: (φ-1)/ln φ
};

// In equal steps of ln φ, from 0.
const std::array<Candidate, grid_size>& grid();

}  // namespace sluice::judge::ratio_detail
