// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/trouble.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crds/rollout_conditions.hpp"

namespace sluice::policy::rollout {
namespace analysis_trouble {

using crds::AnalysisPhase;
using crds::Condition;
namespace reasons = crds::reasons;

constexpr const char* git_source_annotation = "sluice.dev/git-source";

const char* reason_of(AnalysisPhase phase) {
    switch (phase) {
        case AnalysisPhase::Inconclusive: return reasons::inconclusive_analysis_run;
        case AnalysisPhase::Error: return reasons::analysis_run_error;
        case AnalysisPhase::Failed: return reasons::analysis_run_failed;
        default: return reasons::measurement_error;
    }
}

std::string command(const Pass& pass, std::string_view verb) {
    return concat("sluice ", verb, " ", pass.seen.rollout.name, " -n ", pass.seen.rollout.ns);
}

// A name, or namespace/name.
std::string describe_git_source(const Pass& pass, const std::string& source) {
    const auto slash = source.find('/');
    const bool named = slash != std::string::npos;
    return concat("kubectl -n ", named ? source.substr(0, slash) : pass.seen.rollout.ns,
                  " describe gitsource ", named ? source.substr(slash + 1) : source);
}

std::string after_abort(const Pass& pass, AnalysisPhase phase) {
    const auto& annotations = pass.seen.rollout.annotations;
    const auto source = annotations.find(git_source_annotation);
    if (source == annotations.end())
        return concat(
            "the update is aborted and users are on the stable version; to try it again: ",
            command(pass, "retry"));
    // What was not judged is not rejected (docs/decisions/0002).
    if (phase == AnalysisPhase::Error)
        return concat(
            "the update is aborted and users are on the stable version; Git keeps declaring this "
            "one, for it was not judged; to try it again: ",
            command(pass, "retry"));
    return concat(
        "the update is aborted, users are on the stable version and Git takes this one "
        "back; to try it again push it anew, and where it is refused as quarantined lift "
        "that as told by: ",
        describe_git_source(pass, source->second));
}

// What happens next, and the command that goes on.
std::string outlook(const Pass& pass, const AnalysisRunSeen& run) {
    const bool of_step = run.type == RunType::Step;
    switch (run.trouble->phase) {
        case AnalysisPhase::Inconclusive:
            return concat("the update waits; to go on", of_step ? "" : " and measure again", ": ",
                          command(pass, "promote"), "; to go back: ", command(pass, "abort"));
        case AnalysisPhase::Error:
        case AnalysisPhase::Failed: return after_abort(pass, run.trouble->phase);
        default:
            // A step is passed by itself; what runs beside all of them only with the rest.
            return concat("it is measured again; to go on without it: ", command(pass, "promote"),
                          of_step ? "" : " --full");
    }
}

std::string sentence(const Pass& pass, const AnalysisRunSeen& run, TimePoint since) {
    const auto& trouble = *run.trouble;
    std::string who = concat("analysis run ", run.name);
    if (!trouble.metric.empty()) who = concat("metric ", trouble.metric, " of ", who);
    if (!trouble.others.empty()) who += concat(" (and ", join(trouble.others, ", "), ")");
    const std::string rule = trouble.rule.empty() ? "" : concat(" (", trouble.rule, ")");
    return concat(who, ": ", trouble.found, ", since ", format_rfc3339(since), rule, "; ",
                  outlook(pass, run));
}

const AnalysisRunSeen* troubled(const Pass& pass, const std::optional<crds::RunStatus>& status) {
    if (!status) return nullptr;
    const auto& runs = pass.seen.analysis_runs;
    const auto found = std::find_if(runs.begin(), runs.end(),
                                    [&](const auto& run) { return run.name == status->name; });
    return found != runs.end() && found->trouble ? &*found : nullptr;
}

int rank(const AnalysisRunSeen& run) {
    switch (run.trouble->phase) {
        case AnalysisPhase::Failed: return 3;
        case AnalysisPhase::Error: return 2;
        case AnalysisPhase::Inconclusive: return 1;
        default: return 0;
    }
}

// What weighs most; of equals the step's, for it is what the update waits for.
const AnalysisRunSeen* worst(const Pass& pass) {
    const auto& canary = pass.decision.status.canary;
    const auto* step = troubled(pass, canary.current_step_analysis_run);
    const auto* background = troubled(pass, canary.current_background_analysis_run);
    if (!step || !background) return step ? step : background;
    return rank(*background) > rank(*step) ? background : step;
}

bool is_verdict(const Condition& condition) {
    return condition.reason == reasons::analysis_run_error ||
           condition.reason == reasons::analysis_run_failed;
}

bool speaks_of(const Condition& condition, const AnalysisRunSeen& run) {
    const std::string who = concat("analysis run ", run.name);
    return condition.message.find(who + ":") != std::string::npos ||
           condition.message.find(who + " (") != std::string::npos;
}

void say(Pass& pass, const AnalysisRunSeen& run) {
    crds::RolloutStatus& status = pass.status();
    const auto& trouble = *run.trouble;
    const char* type = crds::condition_types::analysis_trouble;
    const Condition* old = crds::find_condition(status, type);
    const std::string reason = reason_of(trouble.phase);
    // The condition remembers what the run's measurements have forgotten.
    const bool same = old && old->reason == reason && speaks_of(*old, run);
    const TimePoint since = trouble.since_is_exact || !same
                                ? trouble.since
                                : std::min(old->last_transition_time, trouble.since);
    Condition fresh{type, crds::ConditionStatus::True, reason, sentence(pass, run, since), since,
                    since};
    fresh.last_update_time = pass.instant;
    if (old && old->reason == reason && old->message == fresh.message) return;
    crds::remove_condition(status, type);
    status.conditions.push_back(std::move(fresh));
}

}  // namespace analysis_trouble

void tell_analysis_trouble(Pass& pass) {
    using namespace analysis_trouble;
    if (const auto* run = worst(pass)) return say(pass, *run);
    const char* type = crds::condition_types::analysis_trouble;
    const Condition* said = crds::find_condition(pass.status(), type);
    if (said && !(pass.status().abort && is_verdict(*said)))
        crds::remove_condition(pass.status(), type);
}

}  // namespace sluice::policy::rollout
