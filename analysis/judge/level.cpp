// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/level.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/judge/special.hpp"

namespace sluice::judge {
namespace level_detail {
namespace {

// Beyond this many, neighbours are averaged: a look stays cheap however long the attempt.
constexpr size_t most_differences = 90;
// A series without any noise is rounded, not exact.
constexpr double least_scale = 1e-5;

struct Noise {
    double memory;  // of the autoregression, from bucket to bucket
    double share;   // of the variance that remembers
    double prior;
};

// Priors. Most series are white, and a long memory in a small share of the noise, which an hour can
// hardly show, is rare; tests/bench shows what these priors cost and buy.
constexpr Noise noises[] = {
    {0, 0, 35},      {0.3, 0.9, 2}, {0.5, 0.5, 2},    {0.5, 1, 2},    {0.7, 0.3, 0.7},
    {0.7, 0.6, 1},   {0.7, 1, 1},   {0.8, 0.3, 0.5},  {0.8, 0.6, 1},  {0.8, 1, 1},
    {0.9, 0.5, 0.3}, {0.9, 1, 0.7}, {0.95, 0.5, 0.1}, {0.95, 1, 0.3},
};

// Sums of generalised least squares for a constant level.
struct Fit {
    double ones = 0, cross = 0, squares = 0, log_determinant = 0;
};

Fit filter(std::span<const Difference> series, const Noise& noise) {
    Fit fit;
    double level = 0, unit = 0;  // predicted memory of the series, and of a series of ones
    double variance = noise.share;
    double product = 1;
    int last = series.empty() ? 0 : series.front().bucket;
    for (const auto& point : series) {
        const int gap = point.bucket - last;
        last = point.bucket;
        if (gap > 0) {
            const double kept = gap == 1 ? noise.memory : std::pow(noise.memory, gap);
            level *= kept;
            unit *= kept;
            variance = kept * kept * variance + noise.share * (1 - kept * kept);
        }
        const double total = variance + (1 - noise.share) * point.spread + 1e-9;
        const double inverse = 1 / total, gain = variance * inverse;
        const double surprise = point.value - level, unit_surprise = 1 - unit;
        fit.ones += unit_surprise * unit_surprise * inverse;
        fit.cross += unit_surprise * surprise * inverse;
        fit.squares += surprise * surprise * inverse;
        product *= total;
        if (product < 1e-100 || product > 1e100) {
            fit.log_determinant += std::log(product);
            product = 1;
        }
        level += gain * surprise;
        unit += gain * unit_surprise;
        variance *= 1 - gain;
    }
    fit.log_determinant += std::log(product);
    return fit;
}

std::vector<Difference> averaged(std::span<const Difference> series) {
    const size_t per_group = (series.size() + most_differences - 1) / most_differences;
    std::vector<Difference> groups;
    for (size_t i = 0; i < series.size(); i += per_group) {
        const size_t end = std::min(series.size(), i + per_group);
        Difference group{.bucket = series[i].bucket / static_cast<int>(per_group), .spread = 0};
        for (size_t j = i; j < end; ++j) {
            group.value += series[j].value / static_cast<double>(end - i);
            group.spread += series[j].spread / static_cast<double>(end - i);
        }
        groups.push_back(group);
    }
    return groups;
}

}  // namespace
}  // namespace level_detail

using namespace level_detail;

LevelEvidence::LevelEvidence(std::span<const Difference> differences) {
    std::vector<Difference> groups;
    if (differences.size() > most_differences) {
        groups = averaged(differences);
        differences = groups;
    }
    buckets_ = differences.size();
    if (buckets_ < 3) return;
    const double n = static_cast<double>(buckets_);
    freedom_ = n - 1;
    double best = -HUGE_VAL;
    std::vector<double> logs;
    for (const auto& noise : noises) {
        const Fit fit = filter(differences, noise);
        const double level = fit.cross / fit.ones;
        const double rest =
            std::max(fit.squares - fit.cross * level, n * least_scale * least_scale);
        candidates_.push_back({noise.prior, level, std::sqrt(rest / freedom_ / fit.ones)});
        logs.push_back(-0.5 *
                       (fit.log_determinant + std::log(fit.ones) + freedom_ * std::log(rest)));
        best = std::max(best, logs.back());
    }
    white_error_ = candidates_.front().error;
    double sum = 0;
    for (size_t k = 0; k < candidates_.size(); ++k) {
        candidates_[k].weight *= std::exp(logs[k] - best);
        sum += candidates_[k].weight;
    }
    for (auto& candidate : candidates_) candidate.weight /= sum;
}

double LevelEvidence::tail_above(double line) const {
    if (candidates_.empty()) return 1;
    double sum = 0;
    for (const auto& at : candidates_)
        sum += at.weight * normal_tail(normal_of_student((at.level - line) / at.error, freedom_));
    return sum;
}

double LevelEvidence::tail_below(double line) const {
    return candidates_.empty() ? 1 : 1 - tail_above(line);
}

double LevelEvidence::estimate() const {
    double sum = 0;
    for (const auto& at : candidates_) sum += at.weight * at.level;
    return sum;
}

double LevelEvidence::independent_buckets() const {
    double variance = 0;
    for (const auto& at : candidates_) variance += at.weight * at.error * at.error;
    if (variance <= 0) return 0;
    const double n = static_cast<double>(buckets_);
    return std::min(n, n * white_error_ * white_error_ / variance);
}

// The line that leaves `tail` on its far side: side 1 is the lower limit, -1 the upper.
double LevelEvidence::limit(double tail, double side) const {
    if (candidates_.empty()) return side > 0 ? -HUGE_VAL : HUGE_VAL;
    const double steps = student_of_normal(normal_upper(tail), freedom_);
    // The mixture's limit lies between those of its candidates.
    double near = HUGE_VAL, far = -HUGE_VAL;
    for (const auto& at : candidates_) {
        const double line = side * at.level - steps * at.error;
        near = std::min(near, line);
        far = std::max(far, line);
    }
    for (int round = 0; round < 30 && far - near > 1e-5; ++round) {
        const double middle = 0.5 * (near + far);
        const double found = side > 0 ? tail_above(middle) : tail_below(-middle);
        (found < tail ? near : far) = middle;
    }
    return side * near;
}

double LevelEvidence::low(double tail) const {
    return limit(tail, 1);
}

double LevelEvidence::high(double tail) const {
    return limit(tail, -1);
}

}  // namespace sluice::judge
