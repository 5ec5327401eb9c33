// SPDX-License-Identifier: Apache-2.0
// The judge: evidence and settings to a verdict that explains itself. It keeps no state: each look
// is reckoned from the whole evidence, so a restart changes nothing and a replay says the same.
//
// Two tests, valid at every look: harm beyond the abort line fails, and only shown safety within
// the margin passes; not being significant is not being safe. What neither has shown is
// inconclusive.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/judge/evidence.hpp"
#include "analysis/judge/settings.hpp"

namespace sluice::judge {

enum class Verdict { Inconclusive, Pass, Fail };

std::string_view to_text(Verdict verdict);  // "inconclusive", "pass", "fail"

// Stands for "no limit yet" in a verdict's figures.
inline constexpr double no_limit = 1e6;

struct MetricVerdict {
    std::string name;
    Verdict verdict = Verdict::Inconclusive;
    // The canary's level over the baseline's (1: no difference), with the limits that the two tests
    // look at: `low` at the false alarm budget, `high` at that for false promotions (of a decrease
    // that is harm, the other way round). Always finite: 0 and 1e6 stand for no limit yet.
    double estimate = 1;
    double low = 0;
    double high = no_limit;
    double fails_above = 1;   // in the same unit; fails_below where a decrease is harm
    double passes_below = 1;  // the margin
    int buckets = 0;          // that count
    double baseline = 0;      // levels: a rate, a quantile, a value
    double canary = 0;
    Counts baseline_counts;  // of a ratio; of a quantile, observations
    Counts canary_counts;
    double dispersion = 1;  // ratios: errors that come together
    std::string needs;      // what it would take to decide; empty once decided
    std::string reason;     // a sentence
    bool operator==(const MetricVerdict&) const = default;
};

// What a look is asked for; the figures of a verdict cost ten times the verdict itself.
enum class Detail { VerdictOnly, Explained };

// `elapsed` is the seconds from the first evidence to now, for the deadline.
MetricVerdict judge_metric(const Settings& settings, const Evidence& evidence, double elapsed,
                           Detail detail = Detail::Explained);

// Fail where any fails, pass where all pass.
Verdict joined(const std::vector<MetricVerdict>& metrics);

}  // namespace sluice::judge
