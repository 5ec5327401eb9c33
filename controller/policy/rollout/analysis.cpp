// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/analysis.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace sluice::policy::rollout {
namespace analysis_runs {

using crds::PauseReason;
using crds::RunStatus;

bool over(RunPhase phase) {
    return phase == RunPhase::Successful || phase == RunPhase::Failed || phase == RunPhase::Error ||
           phase == RunPhase::Inconclusive;
}

const AnalysisRunSeen* named(const Pass& pass, const std::string& name) {
    for (const auto& run : pass.seen.analysis_runs)
        if (run.name == name) return &run;
    return nullptr;
}

const AnalysisRunSeen* recorded(const Pass& pass, const std::optional<RunStatus>& status) {
    return status ? named(pass, status->name) : nullptr;
}

// A run that shall exist: which analysis, and how its name begins.
struct Wanted {
    RunType type;
    const crds::RolloutAnalysis& analysis;
    std::optional<long> step;

    [[nodiscard]] std::string base_name(const Pass& pass) const {
        std::string name =
            concat(pass.seen.rollout.name, "-", pass.fresh->hash, "-", pass.fresh->revision);
        return step ? concat(name, "-", *step) : name;
    }
};

// The first free name `base`, `base.1`, …; one whose run is still going is ours already (its record
// was lost), and is taken over.
std::string choose_name(const Pass& pass, const Wanted& wanted) {
    const std::string base = wanted.base_name(pass);
    for (long i = 0;; ++i) {
        std::string name = i == 0 ? base : concat(base, ".", i);
        if (pass.seen.taken_run_names.contains(name)) continue;
        const AnalysisRunSeen* run = named(pass, name);
        if (!run || (!over(run->phase) && !run->terminate && !run->deleting)) return name;
    }
}

void start(Pass& pass, const Wanted& wanted, const std::string& name) {
    pass.act(StartAnalysis{.name = name,
                           .type = wanted.type,
                           .step_index = wanted.step,
                           .hash = pass.fresh->hash,
                           .stable_hash = pass.stable ? pass.stable->hash : "",
                           .revision = pass.fresh->revision,
                           .generation = pass.seen.rollout.generation,
                           .analysis = wanted.analysis});
}

// A retry, or a user's resume after an inconclusive run, asks for another run.
bool needs_another(const Pass& pass, const AnalysisRunSeen& run) {
    if (pass.before.controller_pause && !pass.paused_for(PauseReason::CanaryPauseStep))
        return run.phase == RunPhase::Inconclusive;
    return pass.before.aborted_at.has_value();
}

void judge(Pass& pass, const AnalysisRunSeen& run, std::string_view kind) {
    if (run.phase == RunPhase::Inconclusive) pass.inconclusive = true;
    if (run.phase != RunPhase::Failed && run.phase != RunPhase::Error) return;
    pass.abort_asked = true;
    pass.abort_message = concat(kind, " analysis phase error/failed");
    if (!run.message.empty()) pass.abort_message += concat(": ", run.message);
}

// The status to keep of the run in `status`, after starting and judging what is due.
std::optional<RunStatus> follow(Pass& pass, const Wanted& wanted,
                                const std::optional<RunStatus>& status, std::string_view kind) {
    const AnalysisRunSeen* run = recorded(pass, status);
    if (status && !run && !pass.before.aborted_at &&
        !pass.seen.taken_run_names.contains(status->name)) {
        // Named but not there: its creation was lost, or is not visible yet.
        start(pass, wanted, status->name);
        return status;
    }
    if (run && !needs_another(pass, *run)) {
        judge(pass, *run, kind);
        return RunStatus{run->name, to_text(run->phase), run->message};
    }
    const std::string name = choose_name(pass, wanted);
    start(pass, wanted, name);
    return RunStatus{name, "", ""};
}

std::optional<RunStatus> refreshed(const Pass& pass, const std::optional<RunStatus>& status) {
    const AnalysisRunSeen* run = recorded(pass, status);
    return run ? RunStatus{run->name, to_text(run->phase), run->message} : status;
}

const crds::AnalysisStep* analysis_step(const Pass& pass) {
    const auto* step = pass.step();
    const auto* found = step ? std::get_if<crds::AnalysisStep>(step) : nullptr;
    return found && !found->analysis.templates.empty() ? found : nullptr;
}

// Recorded at another step: a user moved on while it ran.
bool of_other_step(const Pass& pass, const std::optional<RunStatus>& status) {
    const AnalysisRunSeen* run = recorded(pass, status);
    return run && run->step_index != pass.step_index();
}

std::optional<RunStatus> follow_step(Pass& pass) {
    const auto& status = pass.before.canary.current_step_analysis_run;
    if (!pass.before.pause_conditions.empty()) return refreshed(pass, status);
    const crds::AnalysisStep* step = analysis_step(pass);
    if (!step || of_other_step(pass, status)) return std::nullopt;
    return follow(pass, {RunType::Step, step->analysis, pass.step_index()}, status, "Step-based");
}

bool before_starting_step(const Pass& pass) {
    const auto& from = pass.canary.analysis->starting_step;
    const auto index = pass.step_index();
    return from && index && *index < *from;
}

std::optional<RunStatus> follow_background(Pass& pass) {
    const auto& status = pass.before.canary.current_background_analysis_run;
    const auto& background = pass.canary.analysis;
    if (!background || background->analysis.templates.empty() || before_starting_step(pass))
        return std::nullopt;
    if (pass.paused_for(PauseReason::InconclusiveAnalysisRun)) {
        // No other run is begun, but what this one finds out does not wait (upstream's does).
        if (const AnalysisRunSeen* run = recorded(pass, status)) judge(pass, *run, "Background");
        return refreshed(pass, status);
    }
    return follow(pass, {RunType::Background, background->analysis, std::nullopt}, status,
                  "Background");
}

bool nothing_to_analyse(const Pass& pass) {
    return pass.promoted() || pass.aborted() || pass.before.promote_full ||
           pass.before.stable_rs.empty() || pass.before.current_pod_hash.empty() || !pass.fresh ||
           pass.within_rollback_window();
}

void tell_change(Pass& pass, const std::optional<RunStatus>& was,
                 const std::optional<RunStatus>& is, RunType type) {
    if (!is || is->status.empty()) return;
    if (was && (was->name != is->name || was->status == is->status)) return;
    const bool bad = is->status == "Failed" || is->status == "Error";
    pass.decision.events.push_back(
        {bad, concat("AnalysisRun", is->status),
         concat(to_text(type), " Analysis Run '", is->name, "' Status New: '", is->status,
                "' Previous: '", was ? was->status : "NoPreviousStatus", "'")});
}

// No ReplicaSet of its version is left.
bool orphaned(const Pass& pass, const AnalysisRunSeen& run) {
    const auto& sets = pass.seen.replica_sets;
    return std::none_of(sets.begin(), sets.end(),
                        [&](const auto& set) { return set.hash == run.hash && !set.deleting; });
}

// Counts a finished run; true where the limit of its kind is exceeded.
bool surplus(const Pass& pass, const AnalysisRunSeen& run, long& good, long& bad) {
    if (run.phase == RunPhase::Successful) return ++good > pass.spec.successful_run_history_limit;
    return over(run.phase) && ++bad > pass.spec.unsuccessful_run_history_limit;
}

// Runs that are not current: the going ones end, the oldest of the finished ones are deleted.
void retire(Pass& pass, const std::set<std::string>& current) {
    std::vector<const AnalysisRunSeen*> others;
    for (const auto& run : pass.seen.analysis_runs)
        if (!current.contains(run.name) && !run.deleting) others.push_back(&run);
    std::sort(others.begin(), others.end(), [](const auto* a, const auto* b) {
        return std::tie(b->created, b->name) < std::tie(a->created, a->name);
    });
    long good = 0;
    long bad = 0;
    for (const auto* run : others) {
        if (!over(run->phase) && !run->terminate) pass.act(TerminateAnalysis{run->name});
        if (orphaned(pass, *run) || surplus(pass, *run, good, bad))
            pass.act(DeleteAnalysis{run->name, run->uid});
    }
}

}  // namespace analysis_runs

void reconcile_analysis(Pass& pass) {
    using namespace analysis_runs;
    auto& canary = pass.status().canary;
    const auto was_step = canary.current_step_analysis_run;
    const auto was_background = canary.current_background_analysis_run;
    const bool none = nothing_to_analyse(pass);
    canary.current_step_analysis_run = none ? std::nullopt : follow_step(pass);
    canary.current_background_analysis_run = none ? std::nullopt : follow_background(pass);
    std::set<std::string> current;
    if (canary.current_step_analysis_run) current.insert(canary.current_step_analysis_run->name);
    if (canary.current_background_analysis_run)
        current.insert(canary.current_background_analysis_run->name);
    retire(pass, current);
    tell_change(pass, was_background, canary.current_background_analysis_run, RunType::Background);
    tell_change(pass, was_step, canary.current_step_analysis_run, RunType::Step);
}

bool step_analysis_succeeded(const Pass& pass) {
    const auto* step = pass.step();
    const auto* analysis = step ? std::get_if<crds::AnalysisStep>(step) : nullptr;
    if (!analysis) return false;
    if (analysis->analysis.templates.empty()) return true;
    const auto& status = pass.decision.status.canary.current_step_analysis_run;
    return status && status->status == "Successful";
}

bool awaits_background_run(const Pass& pass) {
    const auto& status = pass.decision.status.canary.current_background_analysis_run;
    return status && !analysis_runs::named(pass, status->name);
}

}  // namespace sluice::policy::rollout
