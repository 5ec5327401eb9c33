// SPDX-License-Identifier: Apache-2.0
// How ratios of counts are judged, burn rates and `limit` included.
#include <algorithm>
#include <cmath>

#include "analysis/judge/boundary.hpp"
#include "analysis/judge/judge_kinds.hpp"
#include "analysis/judge/words.hpp"
#include "base/text.hpp"

namespace sluice::judge {
namespace judge_ratio_detail {
namespace {

constexpr double fewest_burnt = 10;  // errors in the long window; fewer are no burn

std::vector<CountPair> counts_of(const Evidence& evidence) {
    std::vector<CountPair> counts;
    counts.reserve(evidence.buckets.size());
    for (const auto& bucket : evidence.buckets) {
        const auto* baseline = std::get_if<Counts>(&bucket.baseline);
        const auto* canary = std::get_if<Counts>(&bucket.canary);
        if (baseline && canary) counts.push_back({*baseline, *canary, bucket.epoch});
    }
    return counts;
}

Counts sum_of_arm(const std::vector<CountPair>& counts, bool canary) {
    Counts sum;
    for (const auto& pair : counts) {
        const auto& arm = canary ? pair.canary : pair.baseline;
        sum.total += arm.total;
        sum.bad += arm.bad;
    }
    return sum;
}

double rate_of(const Counts& counts) {
    return counts.total > 0 ? counts.bad / counts.total : 0;
}

// The canary's errors in the last `seconds`.
Counts lately(const Evidence& evidence, double seconds) {
    Counts sum;
    const double from = evidence.buckets.back().end - seconds;
    for (const auto& bucket : evidence.buckets) {
        const auto* canary = std::get_if<Counts>(&bucket.canary);
        if (!canary || bucket.end - bucket.seconds < from - 1) continue;
        sum.total += canary->total;
        sum.bad += canary->bad;
    }
    return sum;
}

// Says why a guard rail fails the canary, whatever the baseline does; empty where none does.
std::string guard_rail(const Settings& settings, const Evidence& evidence,
                       const RatioEvidence& found, double tail) {
    if (settings.limit && found.shows_rate_above(*settings.limit, tail))
        return concat(percent(rate_of(found.canary())),
                      " of the canary's requests were errors; more than ", percent(*settings.limit),
                      " is not allowed");
    if (!settings.burn_rate) return {};
    const double budget = 1 - settings.burn_rate->objective;
    for (const auto& windows : settings.burn_rate->windows) {
        const Counts slow = lately(evidence, windows.long_seconds);
        const Counts fast = lately(evidence, windows.short_seconds);
        const double burn = windows.factor * budget;
        if (slow.bad < fewest_burnt || rate_of(slow) <= burn || rate_of(fast) <= burn) continue;
        return concat("the canary burns its error budget ", plain(rate_of(slow) / budget),
                      " times as fast as its objective of ", percent(settings.burn_rate->objective),
                      " allows over ", plain(windows.long_seconds / 60), " minutes and ",
                      plain(rate_of(fast) / budget), " times over ",
                      plain(windows.short_seconds / 60), "; ", plain(windows.factor),
                      " times is the limit");
    }
    return {};
}

double in_times(const RateLine& line, double rate) {
    return rate > 0 ? std::min(line.over(rate) / rate, no_limit)
                    : (line.plus > 0 ? no_limit : line.times);
}

}  // namespace
}  // namespace judge_ratio_detail

using namespace judge_ratio_detail;

MetricVerdict judge_ratio(const Settings& settings, const Evidence& evidence, Detail detail) {
    const auto counts = counts_of(evidence);
    MetricVerdict verdict{.buckets = static_cast<int>(counts.size())};
    const RatioEvidence found(counts);
    const bool enough = verdict.buckets >= std::max(1, settings.first_verdict);
    const double tests = 1.0 + (settings.limit ? 1 : 0);
    const double first = std::max(1, settings.first_verdict);
    const double buckets = std::max(first, static_cast<double>(counts.size()));
    const double harm_tail = tail_for_harm(settings.false_alarm / tests, buckets, first);
    const double safe_tail = tail_for_safety(settings.false_promotion, buckets, first);
    std::string broken;
    if (enough) {
        broken = guard_rail(settings, evidence, found, harm_tail);
        if (!broken.empty() || found.shows_harm(settings.abort, harm_tail))
            verdict.verdict = Verdict::Fail;
        else if (found.shows_safety(settings.margin, safe_tail))
            verdict.verdict = Verdict::Pass;
    }
    if (detail == Detail::VerdictOnly) return verdict;
    verdict.baseline_counts = sum_of_arm(counts, false);
    verdict.canary_counts = sum_of_arm(counts, true);
    verdict.baseline = rate_of(verdict.baseline_counts);
    verdict.canary = rate_of(verdict.canary_counts);
    const double rate = rate_of(found.baseline());
    verdict.fails_above = in_times(settings.abort, rate);
    verdict.passes_below = in_times(settings.margin, rate);
    if (!counts.empty() && verdict.canary_counts.total > 0 && verdict.baseline_counts.total > 0) {
        verdict.estimate = std::min(found.estimate(), no_limit);
        verdict.low = std::min(found.low(harm_tail), verdict.estimate);
        verdict.high = std::max(found.high(safe_tail), verdict.estimate);
        verdict.dispersion = found.dispersion();
    }
    if (!enough)
        verdict.reason = too_little(settings, evidence, verdict.buckets);
    else
        explain(verdict, settings);
    if (!broken.empty()) verdict.reason = broken;
    return verdict;
}

}  // namespace sluice::judge
