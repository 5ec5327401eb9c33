// SPDX-License-Identifier: Apache-2.0
// What the results of a run amount to: phases of metrics and of the run, and the limits that they
// broke. Declared in analysis/run.hpp; order and words are upstream's.
#include <algorithm>
#include <array>

#include "analysis/run.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

using crds::AnalysisPhase;

constexpr long default_consecutive_error_limit = 4;

// From best to worst.
constexpr std::array<AnalysisPhase, 6> phase_order{
    AnalysisPhase::Successful,   AnalysisPhase::Running, AnalysisPhase::Pending,
    AnalysisPhase::Inconclusive, AnalysisPhase::Error,   AnalysisPhase::Failed};

bool worse(AnalysisPhase than, AnalysisPhase phase) {
    const auto rank = [](AnalysisPhase p) {
        return std::find(phase_order.begin(), phase_order.end(), p) - phase_order.begin();
    };
    return rank(phase) > rank(than);
}

struct LimitBroken {
    AnalysisPhase phase = AnalysisPhase::None;
    std::string message;
};

// A later rule overrides an earlier one.
LimitBroken broken_limit(const crds::Metric& metric, const crds::MetricResult& result) {
    LimitBroken broken;
    const long failure = int_value(metric.failure_limit);
    if (failure >= 0 && result.failed > failure)
        broken = {AnalysisPhase::Failed,
                  concat("failed (", result.failed, ") > failureLimit (", failure, ")")};
    const long inconclusive = int_value(metric.inconclusive_limit);
    if (result.inconclusive > inconclusive)
        broken = {AnalysisPhase::Inconclusive,
                  concat("inconclusive (", result.inconclusive, ") > inconclusiveLimit (",
                         inconclusive, ")")};
    const long errors = consecutive_error_limit(metric);
    if (result.consecutive_error > errors)
        broken = {AnalysisPhase::Error, concat("consecutiveErrors (", result.consecutive_error,
                                               ") > consecutiveErrorLimit (", errors, ")")};
    return broken;
}

// What a metric amounts to once it has been measured as often as it asks for.
AnalysisPhase at_count(const crds::Metric& metric) {
    if (int_value(metric.consecutive_success_limit) <= 0) return AnalysisPhase::Successful;
    return int_value(metric.failure_limit) >= 0 ? AnalysisPhase::Inconclusive
                                                : AnalysisPhase::Failed;
}

AnalysisPhase metric_phase(const crds::Metric& metric, const crds::MetricResult& result,
                           bool stopping) {
    if (crds::completed(result.phase)) return result.phase;
    if (result.measurements.empty())
        return stopping ? AnalysisPhase::Successful : AnalysisPhase::Pending;
    // A run that is told to stop waits for no verdict.
    if (!crds::completed(result.measurements.back().phase))
        return stopping ? AnalysisPhase::Successful : AnalysisPhase::Running;
    if (const auto broken = broken_limit(metric, result); broken.phase != AnalysisPhase::None)
        return broken.phase;
    const long success = int_value(metric.consecutive_success_limit);
    if (success > 0 && result.consecutive_success >= success) return AnalysisPhase::Successful;
    const auto count = effective_count(metric);
    if (count && result.count >= *count) return at_count(metric);
    return stopping ? AnalysisPhase::Successful : AnalysisPhase::Running;
}

void count_in(crds::RunSummary& summary, AnalysisPhase phase) {
    switch (phase) {
        case AnalysisPhase::Error: ++summary.error; return;
        case AnalysisPhase::Failed: ++summary.failed; return;
        case AnalysisPhase::Inconclusive: ++summary.inconclusive; return;
        default: ++summary.successful;
    }
}

// What the metrics seen so far amount to.
struct Tally {
    AnalysisPhase worst = AnalysisPhase::None;
    std::string message;
    bool everything_completed = true;
    crds::RunSummary summary, dry_run_summary;
};

void count_end(const crds::Metric& metric, bool dry_run, crds::MetricResult& result, Tally& tally) {
    // Upstream's summaries count by broken limits only: a metric that failed at its count (see
    // at_count) counts as successful there.
    const auto broken = broken_limit(metric, result);
    if (dry_run) {
        if (tally.worst == AnalysisPhase::None) tally.worst = AnalysisPhase::Successful;
        if (!broken.message.empty())
            result.message = concat("Metric assessed ", crds::phase_text(result.phase), " due to ",
                                    broken.message);
        count_in(tally.dry_run_summary, broken.phase);
        return;
    }
    if (tally.worst == AnalysisPhase::None || worse(tally.worst, result.phase)) {
        tally.worst = result.phase;
        if (!broken.message.empty()) {
            tally.message = concat("Metric \"", metric.name, "\" assessed ",
                                   crds::phase_text(result.phase), " due to ", broken.message);
            if (!result.message.empty())
                tally.message += concat(": \"Error Message: ", result.message, "\"");
        }
    }
    count_in(tally.summary, broken.phase);
}

void assess_metric(const ResolvedRun& run, const crds::Metric& metric, bool stopping,
                   crds::AnalysisRunStatus& status, Tally& tally, std::vector<MetricEnd>& ended) {
    const bool dry_run = run.dry_run.contains(metric.name);
    ++(dry_run ? tally.dry_run_summary : tally.summary).count;
    const auto result =
        std::find_if(status.metric_results.begin(), status.metric_results.end(),
                     [&](const auto& candidate) { return candidate.name == metric.name; });
    if (result == status.metric_results.end()) {
        tally.everything_completed = false;
        return;
    }
    const auto phase = metric_phase(metric, *result, stopping);
    if (phase != result->phase) {
        if (crds::completed(phase)) ended.push_back({metric.name, phase});
        if (!result->measurements.empty()) result->message = result->measurements.back().message;
        result->phase = phase;
    }
    if (!crds::completed(phase)) {
        tally.everything_completed = false;
        return;
    }
    count_end(metric, dry_run, *result, tally);
}

AnalysisPhase run_phase(const Tally& tally, bool stopping) {
    if (stopping)
        return tally.worst == AnalysisPhase::None ? AnalysisPhase::Successful : tally.worst;
    if (!tally.everything_completed || tally.worst == AnalysisPhase::None)
        return AnalysisPhase::Running;
    return tally.worst;
}

}  // namespace

long consecutive_error_limit(const crds::Metric& metric) {
    return int_value(metric.consecutive_error_limit, default_consecutive_error_limit);
}

std::string broken_limit_text(const crds::Metric& metric, const crds::MetricResult& result) {
    if (const auto broken = broken_limit(metric, result); !broken.message.empty())
        return broken.message;
    const long success = int_value(metric.consecutive_success_limit);
    if (success <= 0 || result.consecutive_success >= success) return {};
    return concat("consecutiveSuccess (", result.consecutive_success,
                  ") < consecutiveSuccessLimit (", success, ")");
}

std::vector<MetricEnd> assess_run(const ResolvedRun& run, const crds::AnalysisRunSpec& spec,
                                  crds::AnalysisRunStatus& status, TimePoint now) {
    const auto second = std::chrono::floor<std::chrono::seconds>(now);
    if (!status.started) status.started = second;
    const bool stopping = terminating(spec, status);
    Tally tally;
    if (spec.terminate) tally.message = "Run Terminated";
    std::vector<MetricEnd> ended;
    for (const auto& metric : run.metrics)
        assess_metric(run, metric, stopping, status, tally, ended);
    status.summary = tally.summary;
    status.dry_run_summary = tally.dry_run_summary;
    const auto phase = run_phase(tally, stopping);
    if (phase == status.phase) return ended;
    status.phase = phase;
    status.message = phase == AnalysisPhase::Running ? "" : tally.message;
    if (crds::completed(phase) && !status.completed) status.completed = second;
    return ended;
}

}  // namespace sluice::analysis
