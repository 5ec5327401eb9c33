// SPDX-License-Identifier: Apache-2.0
// How quantiles and gauges are judged: one level a bucket and arm, canary over baseline.
#include <algorithm>
#include <cmath>

#include "analysis/judge/boundary.hpp"
#include "analysis/judge/judge_kinds.hpp"
#include "analysis/judge/level.hpp"
#include "analysis/judge/words.hpp"
#include "base/text.hpp"

namespace sluice::judge {
namespace judge_level_detail {
namespace {

// A quantile of fewer observations beyond it is mostly noise: neighbours are put together.
constexpr double fewest_beyond = 20;

// Two levels of one time.
struct LevelPair {
    int bucket = 0;
    double baseline = 0;
    double canary = 0;
    double spread = 1;
};

std::vector<LevelPair> gauges(const Evidence& evidence) {
    std::vector<LevelPair> pairs;
    for (const auto& bucket : evidence.buckets) {
        const auto* baseline = std::get_if<double>(&bucket.baseline);
        const auto* canary = std::get_if<double>(&bucket.canary);
        if (!baseline || !canary || !std::isfinite(*baseline) || !std::isfinite(*canary)) continue;
        pairs.push_back(
            {static_cast<int>(std::lround(bucket.end / bucket.seconds)), *baseline, *canary});
    }
    return pairs;
}

// Histograms that are still being put together.
struct Pool {
    const Histogram* all_baseline = nullptr;  // what there is so far: a bucket's own, or the sum
    const Histogram* all_canary = nullptr;
    Histogram baseline, canary;
    int buckets = 0;
    int epoch = 0;
};

// Also sums the observations of both arms, for the sentence.
std::vector<LevelPair> quantiles(const Evidence& evidence, double q, Counts& baseline_seen,
                                 Counts& canary_seen) {
    std::vector<LevelPair> pairs;
    const double enough = fewest_beyond / std::min(q, 1 - q);
    Pool pool;
    double mean_spread = 0;
    bool pooled = false;
    for (const auto& bucket : evidence.buckets) {
        const auto* baseline = std::get_if<Histogram>(&bucket.baseline);
        const auto* canary = std::get_if<Histogram>(&bucket.canary);
        if (!baseline || !canary) continue;
        if (pool.buckets == 0 || pool.epoch != bucket.epoch) {
            pool.all_baseline = baseline;
            pool.all_canary = canary;
            pool.buckets = 1;
            pool.epoch = bucket.epoch;
        } else {
            pool.baseline = sum_of(*pool.all_baseline, *baseline);
            pool.canary = sum_of(*pool.all_canary, *canary);
            pool.all_baseline = &pool.baseline;
            pool.all_canary = &pool.canary;
            ++pool.buckets;
            pooled = true;
        }
        const double b = observations(*pool.all_baseline);
        const double c = observations(*pool.all_canary);
        if (b < enough || c < enough) continue;
        const auto left = quantile_of(*pool.all_baseline, q);
        const auto right = quantile_of(*pool.all_canary, q);
        pool.buckets = 0;
        if (!left || !right || (left->beyond && right->beyond)) continue;
        if (!(left->value > 0 && right->value > 0)) continue;
        pairs.push_back({static_cast<int>(std::lround(bucket.end / bucket.seconds)), left->value,
                         right->value, 1 / b + 1 / c});
        mean_spread += 1 / b + 1 / c;
        baseline_seen.total += b;
        canary_seen.total += c;
    }
    int number = 0;
    for (auto& pair : pairs) {
        pair.spread *= static_cast<double>(pairs.size()) / mean_spread;
        if (pooled) pair.bucket = number++;
    }
    return pairs;
}

// A series of differences and how to read it: logarithms of ratios where all levels are positive,
// else differences over the baseline's mean.
struct Series {
    std::vector<Difference> differences;
    bool logarithmic = true;
    double baseline = 0, canary = 0;  // levels, averaged in the series' own way

    [[nodiscard]] double scale(double ratio) const {
        return logarithmic ? std::log(std::max(ratio, 1e-12)) : ratio - 1;
    }
    [[nodiscard]] double ratio(double difference) const {
        const double found = logarithmic ? std::exp(std::min(difference, 20.0)) : 1 + difference;
        return std::clamp(found, logarithmic ? 0.0 : -no_limit, no_limit);
    }
};

Series series_of(const std::vector<LevelPair>& pairs) {
    Series series;
    double mean = 0;
    for (const auto& pair : pairs) {
        if (pair.baseline <= 0 || pair.canary <= 0) series.logarithmic = false;
        mean += std::abs(pair.baseline) / static_cast<double>(pairs.size());
    }
    const double n = static_cast<double>(pairs.size());
    const double unit = mean > 0 ? mean : 1;
    for (const auto& pair : pairs) {
        const double difference = series.logarithmic ? std::log(pair.canary / pair.baseline)
                                                     : (pair.canary - pair.baseline) / unit;
        series.differences.push_back({pair.bucket, difference, pair.spread});
        series.baseline += (series.logarithmic ? std::log(pair.baseline) : pair.baseline) / n;
        series.canary += (series.logarithmic ? std::log(pair.canary) : pair.canary) / n;
    }
    if (series.logarithmic) {
        series.baseline = std::exp(series.baseline);
        series.canary = std::exp(series.canary);
    }
    return series;
}

// The canary alone against its hard limit, paired with it as if it were a baseline.
bool breaks_limit(const Settings& settings, const std::vector<LevelPair>& pairs, double tail) {
    if (!settings.limit || !(*settings.limit > 0)) return false;
    std::vector<Difference> over;
    for (const auto& pair : pairs)
        over.push_back({pair.bucket, (pair.canary - *settings.limit) / *settings.limit, 1});
    const LevelEvidence found(over);
    return settings.direction == Direction::Decrease ? found.tail_below(0) < tail
                                                     : found.tail_above(0) < tail;
}

struct Lines {
    double harm, safety;  // tails that a look needs
};

Verdict decide(const Settings& settings, const Series& series, const LevelEvidence& found,
               const Lines& tails) {
    const double abort = series.scale(settings.abort.times);
    const double margin = series.scale(settings.margin.times);
    switch (settings.direction) {
        case Direction::Increase:
            if (found.tail_above(abort) < tails.harm) return Verdict::Fail;
            return found.tail_below(margin) < tails.safety ? Verdict::Pass : Verdict::Inconclusive;
        case Direction::Decrease:
            if (found.tail_below(-abort) < tails.harm) return Verdict::Fail;
            return found.tail_above(-margin) < tails.safety ? Verdict::Pass : Verdict::Inconclusive;
        case Direction::Either:
            if (std::min(found.tail_above(abort), found.tail_below(-abort)) < tails.harm / 2)
                return Verdict::Fail;
            return std::max(found.tail_below(margin), found.tail_above(-margin)) < tails.safety
                       ? Verdict::Pass
                       : Verdict::Inconclusive;
    }
    return Verdict::Inconclusive;
}

void fill_figures(MetricVerdict& verdict, const Settings& settings, const Series& series,
                  const LevelEvidence& found, const Lines& tails) {
    const double sign = settings.direction == Direction::Decrease ? -1 : 1;
    verdict.baseline = series.baseline;
    verdict.canary = series.canary;
    verdict.estimate = series.ratio(found.estimate());
    const double above = settings.direction == Direction::Either ? tails.harm / 2 : tails.harm;
    verdict.low = series.ratio(sign > 0 ? found.low(above) : found.high(above));
    verdict.high = series.ratio(sign > 0 ? found.high(tails.safety) : found.low(tails.safety));
    if (sign > 0) {
        verdict.low = std::min(verdict.low, verdict.estimate);
        verdict.high = std::max(verdict.high, verdict.estimate);
    } else {
        // As of every other verdict, low stands below and high above.
        std::swap(verdict.low, verdict.high);
        verdict.low = std::min(verdict.low, verdict.estimate);
        verdict.high = std::max(verdict.high, verdict.estimate);
    }
    verdict.fails_above = series.ratio(sign * series.scale(settings.abort.times));
    verdict.passes_below = series.ratio(sign * series.scale(settings.margin.times));
}

}  // namespace
}  // namespace judge_level_detail

using namespace judge_level_detail;

MetricVerdict judge_level(const Settings& settings, const Evidence& evidence, Detail detail) {
    MetricVerdict verdict;
    const auto pairs = settings.kind == Kind::Gauge
                           ? gauges(evidence)
                           : quantiles(evidence, settings.quantile, verdict.baseline_counts,
                                       verdict.canary_counts);
    verdict.buckets = static_cast<int>(pairs.size());
    const int first = std::max(3, settings.first_verdict);
    if (verdict.buckets < first && detail == Detail::VerdictOnly) return verdict;
    const Series series = series_of(pairs);
    const LevelEvidence found(series.differences);
    const double tests = settings.limit ? 2 : 1;
    const double buckets = std::max(first, verdict.buckets);
    const Lines tails{tail_for_harm_in_series(settings.false_alarm / tests, buckets, first),
                      tail_for_safety_in_series(settings.false_promotion, buckets, first)};
    bool broken = false;
    if (verdict.buckets >= first) {
        broken = breaks_limit(settings, pairs, tails.harm);
        verdict.verdict = broken ? Verdict::Fail : decide(settings, series, found, tails);
    }
    if (detail == Detail::VerdictOnly) return verdict;
    if (verdict.buckets >= 3) fill_figures(verdict, settings, series, found, tails);
    if (verdict.buckets < first)
        verdict.reason = too_little(settings, evidence, verdict.buckets);
    else
        explain(verdict, settings);
    if (broken)
        verdict.reason = concat("the canary is at ", plain(verdict.canary), "; ",
                                settings.direction == Direction::Decrease ? "less" : "more",
                                " than ", plain(*settings.limit), " is not allowed");
    return verdict;
}

}  // namespace sluice::judge
