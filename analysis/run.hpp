// SPDX-License-Identifier: Apache-2.0
// What an AnalysisRun says: which metrics it has, which measurements are due, and what their
// results amount to (argo-rollouts.md 1.6, 2.8). Pure; rules, messages and their order are
// upstream's (analysis/analysis.go). Times are compared in milliseconds and stored in seconds.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "crds/analysis.hpp"

namespace sluice::analysis {

inline constexpr Duration error_retry_interval = std::chrono::seconds{10};
// How long a Retry-After is heeded at most.
inline constexpr Duration longest_retry_after = std::chrono::minutes{10};
inline constexpr size_t kept_measurements = 10;  // per metric, where no rule says otherwise

// A run's metrics with arguments put in (secrets as a placeholder), and its rules by metric.
struct ResolvedRun {
    std::vector<crds::Metric> metrics;
    std::set<std::string> dry_run;
    std::map<std::string, size_t> kept;  // measurementRetention above 0
};

// Invalid: what ends the run as Error: "Unable to resolve metric arguments: …" or "Analysis spec
// invalid: …".
Result<ResolvedRun> resolve_run(const crds::AnalysisRunSpec& spec);

// Go's IntOrString.IntValue: the number, or the whole number that the text is, else 0.
long int_value(const std::optional<IntOrString>& value, long otherwise = 0);
// How many measurements end the metric; nothing where it runs until it is told to stop.
std::optional<long> effective_count(const crds::Metric& metric);

const crds::MetricResult* find_result(const crds::AnalysisRunStatus& status,
                                      std::string_view metric);

// How many errors in a row a metric bears.
long consecutive_error_limit(const crds::Metric& metric);
// Which of its limits a metric that ended has broken: "failed (1) > failureLimit (0)"; empty where
// none is.
std::string broken_limit_text(const crds::Metric& metric, const crds::MetricResult& result);

// True when a stop was asked for or a metric that counts has failed, erred or is inconclusive.
bool terminating(const crds::AnalysisRunSpec& spec, const crds::AnalysisRunStatus& status);

// Moments that the status holds in whole seconds only, where this process knows them better.
struct Moments {
    std::optional<TimePoint> run_started;
    std::optional<TimePoint> last_finished;  // the metric's last measurement
};

// When a metric is measured next: now or earlier where it is due, later where it waits, nothing
// where it needs no more.
std::optional<TimePoint> next_measurement(const crds::Metric& metric,
                                          const crds::AnalysisRunStatus& status, TimePoint now,
                                          const Moments& exactly = {});

// Counts a finished measurement and appends it.
void record_measurement(const ResolvedRun& run, crds::AnalysisRunStatus& status,
                        const std::string& metric, crds::Measurement measurement,
                        const crds::TextMap& metadata);

// A metric that has just ended.
struct MetricEnd {
    std::string metric;
    crds::AnalysisPhase phase = crds::AnalysisPhase::None;
    bool operator==(const MetricEnd&) const = default;
};

// Sets the phases of metrics, the summaries, startedAt, and the run's phase, message and
// completedAt. Returns the metrics that ended by it.
std::vector<MetricEnd> assess_run(const ResolvedRun& run, const crds::AnalysisRunSpec& spec,
                                  crds::AnalysisRunStatus& status, TimePoint now);

// Drops the oldest measurements beyond what is kept.
void trim_measurements(const ResolvedRun& run, crds::AnalysisRunStatus& status);

// When a finished run is to be deleted; nothing where no ttlStrategy applies.
std::optional<TimePoint> expires_at(const crds::AnalysisRun& run);

}  // namespace sluice::analysis
