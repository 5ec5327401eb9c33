// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <nlohmann/json.hpp>

#include "crds/analysis.hpp"

namespace sluice::crds {
namespace {

struct PhaseName {
    AnalysisPhase phase;
    std::string_view name;
};

constexpr std::array<PhaseName, 6> phase_names{{{AnalysisPhase::Pending, "Pending"},
                                                {AnalysisPhase::Running, "Running"},
                                                {AnalysisPhase::Successful, "Successful"},
                                                {AnalysisPhase::Failed, "Failed"},
                                                {AnalysisPhase::Error, "Error"},
                                                {AnalysisPhase::Inconclusive, "Inconclusive"}}};

void put_number(Json& object, const char* key, long number) {
    if (number != 0) object[key] = number;
}

void put_text(Json& object, const char* key, const std::string& text) {
    if (!text.empty()) object[key] = text;
}

void put_time(Json& object, const char* key, const std::optional<TimePoint>& when) {
    if (when) object[key] = format_rfc3339(*when);
}

Json encode_measurement(const Measurement& measurement) {
    Json object = {{"phase", phase_text(measurement.phase)}};
    put_text(object, "message", measurement.message);
    put_time(object, "startedAt", measurement.started);
    put_time(object, "finishedAt", measurement.finished);
    put_time(object, "resumeAt", measurement.resume);
    put_text(object, "value", measurement.value);
    if (!measurement.metadata.empty()) object["metadata"] = measurement.metadata;
    return object;
}

Json encode_metric_result(const MetricResult& result) {
    Json object = {{"name", result.name}, {"phase", phase_text(result.phase)}};
    for (const auto& measurement : result.measurements)
        object["measurements"].push_back(encode_measurement(measurement));
    put_text(object, "message", result.message);
    put_number(object, "count", result.count);
    put_number(object, "successful", result.successful);
    put_number(object, "failed", result.failed);
    put_number(object, "inconclusive", result.inconclusive);
    put_number(object, "error", result.error);
    put_number(object, "consecutiveError", result.consecutive_error);
    put_number(object, "consecutiveSuccess", result.consecutive_success);
    if (result.dry_run) object["dryRun"] = true;
    if (!result.metadata.empty()) object["metadata"] = result.metadata;
    return object;
}

Json encode_summary(const RunSummary& summary) {
    Json object = Json::object();
    put_number(object, "count", summary.count);
    put_number(object, "successful", summary.successful);
    put_number(object, "failed", summary.failed);
    put_number(object, "inconclusive", summary.inconclusive);
    put_number(object, "error", summary.error);
    return object;
}

}  // namespace

std::string_view phase_text(AnalysisPhase phase) {
    for (const auto& row : phase_names)
        if (row.phase == phase) return row.name;
    return "";
}

AnalysisPhase analysis_phase(std::string_view text) {
    for (const auto& row : phase_names)
        if (row.name == text) return row.phase;
    return AnalysisPhase::None;
}

bool completed(AnalysisPhase phase) {
    return phase == AnalysisPhase::Successful || phase == AnalysisPhase::Failed ||
           phase == AnalysisPhase::Error || phase == AnalysisPhase::Inconclusive;
}

Json encode_analysis_run_status(const AnalysisRunStatus& status) {
    Json object = {{"phase", phase_text(status.phase)}};
    put_text(object, "message", status.message);
    for (const auto& result : status.metric_results)
        object["metricResults"].push_back(encode_metric_result(result));
    put_time(object, "startedAt", status.started);
    put_time(object, "completedAt", status.completed);
    // Upstream's runSummary is a struct: it is there even when empty.
    object["runSummary"] = encode_summary(status.summary);
    if (status.dry_run_summary) object["dryRunSummary"] = encode_summary(*status.dry_run_summary);
    return object;
}

}  // namespace sluice::crds
