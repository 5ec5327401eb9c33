// SPDX-License-Identifier: Apache-2.0
#include "analysis/kayenta/mann_whitney.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/judge/special.hpp"

namespace sluice::kayenta {
namespace mann_whitney_detail {
namespace {

constexpr double tolerance = 1e-4;
constexpr int most_rounds = 1000;
constexpr double spread_of_constants = 1e-5;

// A point of the function whose root is sought.
struct Point {
    double at, value;
};

// Brent's root finder (R. P. Brent, Algorithms for Minimization without Derivatives, 1973, ch. 4).
template <class Function>
double brent_root(Point previous, Point best, const Function& function) {
    Point opposite = previous;  // the best point on the other side of the root
    if (previous.value == 0) return previous.at;
    if (best.value == 0) return best.at;
    for (int round = 0; round <= most_rounds; ++round) {
        const double last_step = best.at - previous.at;
        if (std::abs(opposite.value) < std::abs(best.value)) {
            previous = best;
            best = opposite;
            opposite = previous;
        }
        const double least_step =
            2 * std::numeric_limits<double>::epsilon() * std::abs(best.at) + tolerance / 2;
        double step = (opposite.at - best.at) / 2;
        if (std::abs(step) <= least_step || best.value == 0) return best.at;
        if (std::abs(last_step) >= least_step && std::abs(previous.value) > std::abs(best.value)) {
            // Secant where two points are known, inverse quadratic where three are.
            const double across = opposite.at - best.at;
            double numerator = 0, denominator = 0;
            if (previous.at == opposite.at) {
                const double ratio = best.value / previous.value;
                numerator = across * ratio;
                denominator = 1 - ratio;
            } else {
                const double q = previous.value / opposite.value;
                const double r = best.value / opposite.value;
                const double s = best.value / previous.value;
                numerator = s * (across * q * (q - r) - (best.at - previous.at) * (r - 1));
                denominator = (q - 1) * (r - 1) * (s - 1);
            }
            if (numerator > 0)
                denominator = -denominator;
            else
                numerator = -numerator;
            if (numerator < 0.75 * across * denominator - std::abs(least_step * denominator) / 2 &&
                numerator < std::abs(last_step * denominator / 2))
                step = numerator / denominator;
        }
        if (std::abs(step) < least_step) step = step > 0 ? least_step : -least_step;
        previous = best;
        best.at += step;
        best.value = function(best.at);
        if ((best.value > 0) == (opposite.value > 0) && best.value != 0) opposite = previous;
    }
    return best.at;
}

bool constant(std::span<const double> values) {
    return std::all_of(values.begin(), values.end(),
                       [&](double value) { return value == values.front(); });
}

std::vector<double> spread_out(std::span<const double> values) {
    std::vector<double> spread(values.begin(), values.end());
    const double n = static_cast<double>(values.size());
    for (size_t i = 0; i < spread.size(); ++i)
        spread[i] *=
            1 - spread_of_constants * judge::normal_upper((static_cast<double>(i) + 0.5) / n);
    return spread;
}

}  // namespace
}  // namespace mann_whitney_detail

double wilcoxon_difference(double shift, double z, std::span<const double> experiment,
                           std::span<const double> control) {
    struct Ranked {
        double value;
        bool of_experiment;
    };
    std::vector<Ranked> all;
    all.reserve(experiment.size() + control.size());
    for (const double value : experiment) all.push_back({value - shift, true});
    for (const double value : control) all.push_back({value, false});
    std::sort(all.begin(), all.end(),
              [](const Ranked& a, const Ranked& b) { return a.value < b.value; });
    double ranks = 0, ties = 0;
    for (size_t from = 0; from < all.size();) {
        size_t to = from;
        double members = 0;
        for (; to < all.size() && all[to].value == all[from].value; ++to)
            members += all[to].of_experiment ? 1 : 0;
        const double size = static_cast<double>(to - from);
        ranks += members * (static_cast<double>(from + 1 + to) / 2);  // the midrank
        ties += size * size * size - size;
        from = to;
    }
    const double x = static_cast<double>(experiment.size());
    const double y = static_cast<double>(control.size());
    const double sum = ranks - x * (x + 1) / 2 - x * y / 2;
    const double correction = sum == 0 ? 0 : (sum > 0 ? 0.5 : -0.5);
    const double variance = x * y / 12 * ((x + y + 1) - ties / ((x + y) * (x + y - 1)));
    return (sum - correction) / std::sqrt(variance) - z;
}

Bracket bracket_of(std::span<const double> experiment, std::span<const double> control) {
    const auto [least_x, most_x] = std::minmax_element(experiment.begin(), experiment.end());
    const auto [least_y, most_y] = std::minmax_element(control.begin(), control.end());
    return {*least_x - *most_y, *most_x - *least_y};
}

MannWhitney mann_whitney(std::span<const double> experiment, std::span<const double> control,
                         double confidence) {
    using namespace mann_whitney_detail;
    std::vector<double> x(experiment.begin(), experiment.end());
    std::vector<double> y(control.begin(), control.end());
    if (constant(x) && constant(y)) {
        x = spread_out(x);
        y = spread_out(y);
    }
    const auto [low, high] = bracket_of(x, y);
    const auto root = [&, low = low, high = high](double z) {
        const auto function = [&](double shift) { return wilcoxon_difference(shift, z, x, y); };
        const double at_low = function(low), at_high = function(high);
        if (at_low <= 0) return low;
        if (at_high >= 0) return high;
        return brent_root({low, at_low}, {high, at_high}, function);
    };
    const double z = judge::normal_upper((1 - confidence) / 2);
    return {root(z), root(-z), root(0)};
}

}  // namespace sluice::kayenta
