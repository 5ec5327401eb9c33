// SPDX-License-Identifier: Apache-2.0
#include "analysis/trouble.hpp"

#include <algorithm>

#include "analysis/run.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

using crds::AnalysisPhase;

bool ended_badly(AnalysisPhase phase) {
    return crds::completed(phase) && phase != AnalysisPhase::Successful;
}

// What every measurement of an empty answer says at length (analysis/conditions).
constexpr std::string_view nothing_returned = "no data returned from the metric provider";

std::string found_by(const crds::Measurement& measurement) {
    if (measurement.phase == AnalysisPhase::Error) {
        if (measurement.message.find(nothing_returned) != std::string::npos)
            return "the answer was empty";
        return measurement.message.empty() ? "an error without a text" : measurement.message;
    }
    if (measurement.value.empty() || measurement.value == "[]")
        return measurement.message.empty() ? "the answer was empty" : measurement.message;
    const bool no_number = measurement.value.find("NaN") != std::string::npos;
    return concat("found ", measurement.value, no_number ? " (NaN: not a number)" : "");
}

// The measurements at the end that say the same.
struct Streak {
    long length = 0;
    const crds::Measurement* first = nullptr;
};

Streak last_streak(const crds::MetricResult& result) {
    Streak streak;
    for (auto at = result.measurements.rbegin(); at != result.measurements.rend(); ++at) {
        if (at->phase != result.measurements.back().phase) break;
        streak = {streak.length + 1, &*at};
    }
    return streak;
}

const crds::Metric* find_metric(const Result<ResolvedRun>& resolved, std::string_view name) {
    if (!resolved.ok()) return nullptr;
    const auto found = std::find_if(resolved->metrics.begin(), resolved->metrics.end(),
                                    [&](const auto& metric) { return metric.name == name; });
    return found == resolved->metrics.end() ? nullptr : &*found;
}

std::string rule_for(const crds::Metric* metric, const crds::MetricResult& result) {
    if (!metric) return {};
    if (crds::completed(result.phase)) return broken_limit_text(*metric, result);
    const long errors = result.consecutive_error;
    return concat(errors, errors == 1 ? " error" : " errors in a row", ", and more than ",
                  consecutive_error_limit(*metric), " in a row end the run");
}

Trouble of_result(const crds::AnalysisRun& run, const crds::Metric* metric,
                  const crds::MetricResult& result) {
    Trouble trouble{.metric = result.name, .rule = rule_for(metric, result)};
    const auto otherwise = run.status.completed.value_or(run.status.started.value_or(TimePoint{}));
    if (result.measurements.empty()) {
        trouble.found = result.message;
        trouble.since = otherwise;
        return trouble;
    }
    const auto& last = result.measurements.back();
    if (last.phase == AnalysisPhase::Successful) {
        // Too few in a row by the time all were taken.
        trouble.found = concat(result.consecutive_success, " successes in a row at the end");
        trouble.since = last.finished.value_or(otherwise);
        return trouble;
    }
    const Streak streak = last_streak(result);
    trouble.found = found_by(last);
    trouble.since = streak.first->started.value_or(streak.first->finished.value_or(otherwise));
    trouble.since_is_exact =
        last.phase != AnalysisPhase::Error || streak.length >= result.consecutive_error;
    return trouble;
}

bool concerns(const crds::AnalysisRun& run, const crds::MetricResult& result) {
    if (result.dry_run) return false;
    if (crds::completed(run.status.phase)) return result.phase == run.status.phase;
    return !crds::completed(result.phase) && result.consecutive_error > 0;
}

}  // namespace

std::optional<Trouble> trouble_of(const crds::AnalysisRun& run) {
    const auto phase = run.status.phase;
    if (phase != AnalysisPhase::Running && !ended_badly(phase)) return std::nullopt;
    std::optional<Trouble> trouble;
    std::optional<Result<ResolvedRun>> resolved;  // only for a run that needs it
    for (const auto& result : run.status.metric_results) {
        if (!concerns(run, result)) continue;
        if (trouble) {
            trouble->others.push_back(result.name);
            continue;
        }
        if (!resolved) resolved = resolve_run(run.spec);
        trouble = of_result(run, find_metric(*resolved, result.name), result);
        trouble->phase = phase;
    }
    if (trouble || phase == AnalysisPhase::Running) return trouble;
    const auto since = run.status.completed.value_or(run.status.started.value_or(TimePoint{}));
    return Trouble{.phase = phase, .found = run.status.message, .since = since};
}

}  // namespace sluice::analysis
