// SPDX-License-Identifier: Apache-2.0
// One metric of both arms to Pass, High, Low or Nodata. Declared in analysis/kayenta/judge.hpp.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/kayenta/judge.hpp"
#include "analysis/kayenta/mann_whitney.hpp"
#include "base/text.hpp"

namespace sluice::kayenta {
namespace classify_detail {
namespace {

std::vector<double> without_nan(const std::vector<double>& values, NanStrategy strategy) {
    std::vector<double> kept;
    for (const double value : values) {
        if (!std::isnan(value))
            kept.push_back(value);
        else if (strategy == NanStrategy::Replace)
            kept.push_back(0);
    }
    return kept;
}

// R's type 7; `sorted` is not empty.
double percentile(const std::vector<double>& sorted, double share) {
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<size_t>(std::floor(at));
    const auto above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - std::floor(at)) * (sorted[above] - sorted[below]);
}

// Tukey's fences, but never within the first and last percent.
std::vector<double> without_outliers(std::vector<double> values, double factor) {
    if (values.empty()) return values;
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const double first = percentile(sorted, 0.25), third = percentile(sorted, 0.75);
    const double reach = factor * (third - first);
    const double low = std::min(percentile(sorted, 0.01), first - reach);
    const double high = std::max(percentile(sorted, 0.99), third + reach);
    std::erase_if(values, [&](double value) { return value < low || value > high; });
    return values;
}

std::vector<double> cleaned(const Metric& metric, const std::vector<double>& values) {
    auto kept = without_nan(values, metric.nan_strategy);
    return metric.remove_outliers ? without_outliers(std::move(kept), metric.outlier_factor) : kept;
}

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The chance that a point of the experiment exceeds one of the control, ties counting half.
double common_language_effect(const std::vector<double>& x, const std::vector<double>& y) {
    double wins = 0;
    for (const double left : x)
        for (const double right : y) wins += left > right ? 1 : (left == right ? 0.5 : 0);
    return wins / static_cast<double>(x.size() * y.size());
}

double effect_of(const Metric& metric, const std::vector<double>& x, const std::vector<double>& y) {
    if (metric.measure == Measure::Cles) return common_language_effect(x, y);
    const double over = mean(x), under = mean(y);
    return over == 0 || under == 0 ? std::nan("") : over / under;
}

bool same_values(std::vector<double> x, std::vector<double> y) {
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    return x == y;
}

bool one_value(const std::vector<double>& x, const std::vector<double>& y) {
    const auto same = [&](double value) { return value == x.front(); };
    return std::all_of(x.begin(), x.end(), same) && std::all_of(y.begin(), y.end(), same);
}

}  // namespace
}  // namespace classify_detail

std::string_view to_text(Label label) {
    switch (label) {
        case Label::Pass: return "Pass";
        case Label::High: return "High";
        case Label::Low: return "Low";
        case Label::Nodata: return "Nodata";
        case Label::NodataFailMetric: return "NodataFailMetric";
        case Label::Error: return "Error";
    }
    return "";
}

Classified classify(const Metric& metric, const Arms& arms, const Precision& precision) {
    using namespace classify_detail;
    const auto x = cleaned(metric, arms.experiment), y = cleaned(metric, arms.control);
    Classified found{.name = metric.name};
    if (x.empty() || y.empty()) {
        if (metric.nan_strategy == NanStrategy::Replace) return found;
        const bool fails = metric.must_have_data && !metric.critical;
        found.label = fails ? Label::NodataFailMetric : Label::Nodata;
        found.critical = metric.critical;
        found.reason = concat("Missing data for ", metric.name);
        return found;
    }
    if (same_values(x, y) || one_value(x, y)) return found;
    const auto test = mann_whitney(x, y, precision.confidence);
    found.low = test.low;
    found.high = test.high;
    found.effect = effect_of(metric, x, y);
    if (std::isnan(test.low) || std::isnan(test.high) || std::isnan(test.estimate)) {
        // Kayenta lets an exception on a critical metric pass; an error must not.
        found.label = Label::Error;
        found.critical = metric.critical;
        found.reason = "the test has no answer on these points";
        return found;
    }
    const double bound = precision.tolerance * std::abs(test.estimate);
    const bool no_effect = std::isnan(found.effect);
    const bool high = metric.direction != Direction::Decrease && test.low > bound &&
                      (no_effect || found.effect >= metric.allowed.increase);
    const bool low = metric.direction != Direction::Increase && test.high < -bound &&
                     (no_effect || found.effect <= metric.allowed.decrease);
    if (!high && !low) return found;
    found.label = high ? Label::High : Label::Low;
    found.reason = concat(metric.name, " was classified as ", to_text(found.label));
    found.critical =
        metric.critical && (no_effect || (high ? found.effect >= metric.critical_effect.increase
                                               : found.effect <= metric.critical_effect.decrease));
    return found;
}

}  // namespace sluice::kayenta
