// SPDX-License-Identifier: Apache-2.0
// Evidence from Prometheus: one range query for both arms, raw counters, and what its answer says.
// Without I/O, as all providers are.
#pragma once

#include <string>
#include <vector>

#include "analysis/judge/judge.hpp"
#include "base/field.hpp"
#include "base/http.hpp"
#include "base/time.hpp"
#include "crds/analysis.hpp"

namespace sluice::judge {

// `provider.plugin: {"sluice/judge": {…}}` beside the judge's own settings. Selectors are plain
// series, never rates: resets and missed scrapes are seen in counters only.
struct Source {
    crds::PrometheusMetric server;  // address, headers, authentication, TLS; no query
    std::string arm_label = "rollouts_pod_template_hash";
    std::string baseline, canary;  // the label's values
    std::string total, bad;        // ratio: counters of requests and of errors
    std::string histogram;         // quantile: …_bucket
    std::string value;             // gauge
    std::string weight;            // of traffic, where a series tells it; its steps part epochs
    double bucket = 60;            // seconds
    double window = 3600;          // seconds that a look rests on
    // Label matchers (version="v2") that select the arms instead of the label's values, which then
    // only name them: for a past in which nobody knows the hashes.
    std::string baseline_matchers, canary_matchers;
    [[nodiscard]] bool selects_arms() const { return !canary_matchers.empty(); }
    bool operator==(const Source&) const = default;
};

struct JudgedMetric {
    Settings settings;
    Source source;
    bool operator==(const JudgedMetric&) const = default;
};

// Reads the plugin's block, unknown fields included in the problems.
JudgedMetric decode_judged_metric(const Field& block);

// Every series of both arms in one expression, told apart by the label sluice_part; with it the
// time of each scrape, so that an old value is not taken for a new one.
std::string expression_of(const JudgedMetric& metric);

// Buckets that are asked for before the window: a series that is there is not new in the window.
// One that was not scraped for longer than that, and is again, would be taken for new.
inline constexpr double lead_buckets = 10;

// The end of the last whole bucket before `now`, and the parameters of the range query. It begins
// `lead_buckets` before the window.
struct Range {
    double start = 0, end = 0, step = 60;  // seconds since the epoch
    bool operator==(const Range&) const = default;
};
Range range_of(const Source& source, TimePoint now);
// application/x-www-form-urlencoded, for POST …/api/v1/query_range.
std::string form_of(const JudgedMetric& metric, const Range& range);

// Both arms and the changes of weight, in order of time.
struct ArmsSeen {
    std::vector<ArmBucket> baseline, canary;
    std::vector<double> weight_changes;
    bool operator==(const ArmsSeen&) const = default;
};

// Of the whole range, its lead included. A counter that falls has started anew. A bucket in which a
// series of an arm was not scraped, though it was before and is afterwards, is left out for that
// arm. Invalid where the answer is not a matrix.
Result<ArmsSeen> read_matrix(const JudgedMetric& metric, const Json& data, const Range& range);

// One look at `end` (seconds, the end of a bucket), resting on the window before it but on nothing
// before `since`: what the plugin says then, and what a backtest says that it would have said.
struct WindowLook {
    MetricVerdict verdict;
    bool late = false;  // the deadline has passed
    bool operator==(const WindowLook&) const = default;
};
WindowLook look_at(const JudgedMetric& metric, const ArmsSeen& arms, double end, double since = 0);

}  // namespace sluice::judge
