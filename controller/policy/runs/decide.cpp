// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/runs/decide.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::policy::runs {
namespace {

using crds::AnalysisPhase;

bool warns(AnalysisPhase phase) {
    return phase == AnalysisPhase::Error || phase == AnalysisPhase::Failed;
}

Event run_ended(AnalysisPhase phase) {
    return {warns(phase), concat("AnalysisRun", crds::phase_text(phase)),
            concat("Analysis Completed. Result: ", crds::phase_text(phase))};
}

Event metric_ended(const analysis::MetricEnd& end) {
    return {warns(end.phase), concat("Metric", crds::phase_text(end.phase)),
            concat("Metric '", end.metric, "' Completed. Result: ", crds::phase_text(end.phase))};
}

// Upstream leaves completedAt out here, so that no ttlStrategy ever removes such a run; we set it.
Decision end_as_error(crds::AnalysisRunStatus status, std::string message, TimePoint now) {
    Decision decision;
    decision.changes.push_back({"", status.phase, AnalysisPhase::Error, message});
    status.phase = AnalysisPhase::Error;
    status.message = std::move(message);
    status.completed = std::chrono::floor<std::chrono::seconds>(now);
    decision.status = std::move(status);
    decision.events.push_back(run_ended(AnalysisPhase::Error));
    return decision;
}

Decision rest(const crds::AnalysisRun& run, TimePoint now) {
    Decision decision{.status = run.status};
    const auto expires = analysis::expires_at(run);
    if (!expires) return decision;
    if (*expires <= now)
        decision.remove = true;
    else
        decision.look_again_after = *expires - now;
    return decision;
}

void assess(const analysis::ResolvedRun& resolved, const crds::AnalysisRun& run, TimePoint now,
            Decision& decision) {
    const auto before = decision.status.phase;
    auto ended = analysis::assess_run(resolved, run.spec, decision.status, now);
    // A metric that has just failed stops the others: upstream sees that in its next pass, which a
    // rollback would have to wait for.
    if (!crds::completed(decision.status.phase) &&
        analysis::terminating(run.spec, decision.status)) {
        auto stopped = analysis::assess_run(resolved, run.spec, decision.status, now);
        ended.insert(ended.end(), stopped.begin(), stopped.end());
    }
    for (const auto& end : ended) {
        const auto* was = analysis::find_result(run.status, end.metric);
        const auto* is = analysis::find_result(decision.status, end.metric);
        decision.changes.push_back(
            {end.metric, was ? was->phase : AnalysisPhase::None, end.phase, is ? is->message : ""});
        decision.events.push_back(metric_ended(end));
    }
    const auto& status = decision.status;
    if (status.phase == before) return;
    decision.changes.push_back({"", before, status.phase, status.message});
    if (crds::completed(status.phase)) decision.events.push_back(run_ended(status.phase));
}

void schedule(const analysis::ResolvedRun& resolved, const Observation& seen, TimePoint now,
              Decision& decision) {
    for (size_t i = 0; i < resolved.metrics.size(); ++i) {
        const auto& metric = resolved.metrics[i];
        if (seen.in_flight.contains(metric.name)) continue;
        analysis::Moments exactly{.run_started = seen.started_exactly};
        if (const auto at = seen.finished_exactly.find(metric.name);
            at != seen.finished_exactly.end())
            exactly.last_finished = at->second;
        const auto due = analysis::next_measurement(metric, decision.status, now, exactly);
        if (!due) continue;
        if (*due <= now) {
            decision.measure.push_back({i, metric.name});
            continue;
        }
        const Duration wait = *due - now;
        decision.look_again_after = std::min(decision.look_again_after.value_or(wait), wait);
    }
}

const Problem* spec_problem(const crds::AnalysisRun& run) {
    const auto found = std::find_if(run.problems.begin(), run.problems.end(), [](const Problem& p) {
        return p.path.starts_with("spec") && !p.unknown_field;
    });
    return found == run.problems.end() ? nullptr : &*found;
}

}  // namespace

Decision decide(const crds::AnalysisRun& run, const Observation& seen, TimePoint now) {
    if (run.metadata.deleting) return {.status = run.status};
    if (crds::completed(run.status.phase)) return rest(run, now);
    if (const auto* problem = spec_problem(run))
        return end_as_error(run.status, "Analysis spec invalid: " + sluice::to_text(*problem), now);
    const auto resolved = analysis::resolve_run(run.spec);
    if (!resolved.ok()) return end_as_error(run.status, resolved.error().message, now);
    if (!seen.argument_problem.empty())
        return end_as_error(run.status,
                            "Unable to resolve metric arguments: " + seen.argument_problem, now);
    Decision decision{.status = run.status};
    for (const auto& answer : seen.answers) {
        const auto* result = analysis::find_result(run.status, answer.metric);
        if (result && crds::completed(result->phase)) continue;
        analysis::record_measurement(*resolved, decision.status, answer.metric, answer.measurement,
                                     answer.metadata);
    }
    assess(*resolved, run, now, decision);
    analysis::trim_measurements(*resolved, decision.status);
    if (!crds::completed(decision.status.phase)) schedule(*resolved, seen, now, decision);
    return decision;
}

}  // namespace sluice::policy::runs
