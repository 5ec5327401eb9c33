// SPDX-License-Identifier: Apache-2.0
#include "analysis/run.hpp"

#include "analysis/arguments.hpp"
#include "analysis/pattern.hpp"
#include "analysis/run_rules.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

using crds::AnalysisPhase;

// Secrets are read for a measurement only; limits and intervals never hold one.
std::vector<crds::Argument> without_secrets(std::vector<crds::Argument> args) {
    for (auto& arg : args)
        if (arg.secret) arg.value = "temp-for-secret";
    return args;
}

// A pattern that is none matches nothing, as upstream has it.
bool matches_rule(const std::string& pattern, const std::string& name) {
    const auto found = found_in(pattern, name);
    return found.ok() && *found;
}

Result<void> apply_rules(const crds::AnalysisRunSpec& spec, ResolvedRun& run) {
    for (size_t i = 0; i < spec.dry_run.size(); ++i) {
        bool any = false;
        for (const auto& metric : run.metrics) {
            if (!matches_rule(spec.dry_run[i], metric.name)) continue;
            run.dry_run.insert(metric.name);
            any = true;
        }
        if (!any) return invalid(concat("dryRun[", i, "]: Rule didn't match any metric name(s)"));
    }
    for (size_t i = 0; i < spec.measurement_retention.size(); ++i) {
        const auto& rule = spec.measurement_retention[i];
        bool any = false;
        for (const auto& metric : run.metrics) {
            if (!matches_rule(rule.metric_name, metric.name)) continue;
            run.kept.erase(metric.name);
            if (rule.limit > 0) run.kept[metric.name] = static_cast<size_t>(rule.limit);
            any = true;
        }
        if (!any)
            return invalid(
                concat("measurementRetention[", i, "]: Rule didn't match any metric name(s)"));
    }
    return {};
}

crds::MetricResult* result_of(crds::AnalysisRunStatus& status, std::string_view metric) {
    for (auto& result : status.metric_results)
        if (result.name == metric) return &result;
    return nullptr;
}

}  // namespace

Result<ResolvedRun> resolve_run(const crds::AnalysisRunSpec& spec) {
    ResolvedRun run;
    const auto args = without_secrets(spec.args);
    for (const auto& metric : spec.metrics)
        run.metrics.push_back(TRY(
            resolve_metric(metric, args, {}).while_doing("Unable to resolve metric arguments")));
    TRY(validate_metrics(run.metrics).while_doing("Analysis spec invalid"));
    TRY(apply_rules(spec, run).while_doing("Analysis spec invalid"));
    return run;
}

const crds::MetricResult* find_result(const crds::AnalysisRunStatus& status,
                                      std::string_view metric) {
    for (const auto& result : status.metric_results)
        if (result.name == metric) return &result;
    return nullptr;
}

bool terminating(const crds::AnalysisRunSpec& spec, const crds::AnalysisRunStatus& status) {
    if (spec.terminate) return true;
    for (const auto& result : status.metric_results)
        if (!result.dry_run && crds::completed(result.phase) &&
            result.phase != AnalysisPhase::Successful)
            return true;
    return false;
}

std::optional<TimePoint> next_measurement(const crds::Metric& metric,
                                          const crds::AnalysisRunStatus& status, TimePoint now,
                                          const Moments& exactly) {
    const auto* result = find_result(status, metric.name);
    if (result && crds::completed(result->phase)) return std::nullopt;
    if (!result || result->measurements.empty()) {
        if (!metric.initial_delay) return now;
        const auto started = status.started.value_or(now);
        return std::max(started, exactly.run_started.value_or(started)) + *metric.initial_delay;
    }
    const auto count = effective_count(metric);
    if (count && result->count >= *count) return std::nullopt;
    const auto& last = result->measurements.back();
    // Not yet answered: asked again when it says so, or now where the clock was set back.
    if (!crds::completed(last.phase)) {
        const auto resume = last.resume.value_or(now);
        const bool ahead = last.started && *last.started > now;
        return ahead ? now : resume;
    }
    auto interval = error_retry_interval;
    if (last.phase != AnalysisPhase::Error) {
        // Without interval and error nothing recurs.
        if (!metric.interval) return std::nullopt;
        interval = *metric.interval;
    }
    const auto told = last.finished.value_or(now);
    const auto finished = std::max(told, exactly.last_finished.value_or(told));
    // A measurement that is still to come: the clock was set back. Users are on the version that is
    // being judged, so one measurement too early is better than none for an hour.
    if (finished > now) return now;
    const auto due = finished + interval;
    // The server asked for more patience; not for more than a person would have.
    if (last.phase == AnalysisPhase::Error && last.resume)
        return std::max(due, std::min(*last.resume, finished + longest_retry_after));
    return due;
}

void record_measurement(const ResolvedRun& run, crds::AnalysisRunStatus& status,
                        const std::string& metric, crds::Measurement measurement,
                        const crds::TextMap& metadata) {
    crds::MetricResult* result = result_of(status, metric);
    if (!result) {
        status.metric_results.push_back({.name = metric,
                                         .phase = AnalysisPhase::Running,
                                         .dry_run = run.dry_run.contains(metric),
                                         .metadata = metadata});
        result = &status.metric_results.back();
    }
    // One measurement until it is answered: a look takes the place of the look before.
    if (!result->measurements.empty() && !crds::completed(result->measurements.back().phase)) {
        const auto began = result->measurements.back().started;
        if (began && began < measurement.started) measurement.started = began;
        result->measurements.pop_back();
    }
    if (!crds::completed(measurement.phase)) {
        result->measurements.push_back(std::move(measurement));
        return;
    }
    const bool error = measurement.phase == AnalysisPhase::Error;
    const bool success = measurement.phase == AnalysisPhase::Successful;
    if (!error) ++result->count;
    result->consecutive_error = error ? result->consecutive_error + 1 : 0;
    result->consecutive_success = success ? result->consecutive_success + 1 : 0;
    if (success) ++result->successful;
    if (measurement.phase == AnalysisPhase::Failed) ++result->failed;
    if (measurement.phase == AnalysisPhase::Inconclusive) ++result->inconclusive;
    if (error) ++result->error;
    result->measurements.push_back(std::move(measurement));
}

void trim_measurements(const ResolvedRun& run, crds::AnalysisRunStatus& status) {
    for (auto& result : status.metric_results) {
        const auto rule = run.kept.find(result.name);
        const size_t limit = rule == run.kept.end() ? kept_measurements : rule->second;
        auto& kept = result.measurements;
        if (kept.size() > limit)
            kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(limit));
    }
}

std::optional<TimePoint> expires_at(const crds::AnalysisRun& run) {
    const auto& status = run.status;
    if (!crds::completed(status.phase) || !run.spec.ttl || !status.completed) return std::nullopt;
    auto ttl = run.spec.ttl->after_completion;
    if (status.phase == AnalysisPhase::Successful && run.spec.ttl->after_success)
        ttl = run.spec.ttl->after_success;
    if (status.phase == AnalysisPhase::Failed && run.spec.ttl->after_failure)
        ttl = run.spec.ttl->after_failure;
    if (!ttl) return std::nullopt;
    // Upstream deletes once more than that many whole seconds have passed.
    return *status.completed + std::chrono::seconds{*ttl + 1};
}

}  // namespace sluice::analysis
