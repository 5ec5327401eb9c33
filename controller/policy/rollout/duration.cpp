// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/duration.hpp"

#include <algorithm>

#include "crds/rollout_conditions.hpp"

namespace sluice::policy::rollout {
namespace duration {

using crds::RolloutDuration;
namespace completion = crds::completion;

// Back to what is stable, or to something older than that.
bool rolls_back(const Pass& pass) {
    if (!pass.fresh || !pass.stable) return false;
    return pass.before.stable_rs == pass.fresh->hash || pass.fresh->created < pass.stable->created;
}

bool waits_for_a_person(const Pass& pass) {
    if (pass.spec.paused) return true;
    const auto& pauses = pass.decision.status.pause_conditions;
    return std::any_of(pauses.begin(), pauses.end(), [&](const auto& pause) {
        if (pause.reason == crds::PauseReason::InconclusiveAnalysisRun ||
            pause.reason == crds::PauseReason::InconclusiveExperiment)
            return true;
        const auto* step = pass.step();
        const auto* wait = step ? std::get_if<crds::PauseStep>(step) : nullptr;
        return pause.reason == crds::PauseReason::CanaryPauseStep && wait && !wait->duration;
    });
}

void end_pause(RolloutDuration& tracked, TimePoint now) {
    if (!tracked.manual_pause_started) return;
    const auto waited =
        std::chrono::floor<std::chrono::seconds>(now - *tracked.manual_pause_started);
    tracked.manual_pause_seconds = tracked.manual_pause_seconds.value_or(0) + waited.count();
    tracked.manual_pause_started.reset();
}

void complete(Pass& pass, RolloutDuration& tracked, const std::string& outcome) {
    end_pause(tracked, pass.instant);
    tracked.finished = pass.instant;
    tracked.completion = outcome;
    pass.decision.ended = tracked;
}

std::string or_else(const RolloutDuration& tracked, const char* outcome) {
    return tracked.completion.empty() ? outcome : tracked.completion;
}

}  // namespace duration

void track_duration(Pass& pass) {
    using namespace duration;
    const crds::RolloutStatus& before = pass.before;
    crds::RolloutStatus& status = pass.status();
    auto& tracked = status.duration;
    const bool changed = before.current_pod_hash.empty() || pass.started_over;
    const bool completed = status.stable_rs == status.current_pod_hash && pass.fresh &&
                           pass.fresh->available_replicas >= pass.replicas();
    const bool retried =
        !status.abort && crds::has_reason(before, crds::condition_types::progressing,
                                          crds::reasons::rollout_aborted);
    if (tracked && tracked->started && !tracked->finished) {
        if (changed && rolls_back(pass))
            tracked->completion =
                pass.before.stable_rs == pass.fresh->hash || pass.within_rollback_window()
                    ? completion::fast_rolled_back
                    : completion::rolled_back;
        else if (changed)
            complete(pass, *tracked, completion::superseded);
        if (completed && !tracked->finished)
            return complete(pass, *tracked, or_else(*tracked, completion::promoted));
        if (status.abort && !tracked->finished)
            complete(pass, *tracked, or_else(*tracked, completion::aborted));
    }
    if (!tracked || (tracked->completed() && !completed))
        if ((changed && !completed) || retried) tracked = RolloutDuration{.started = pass.instant};
    if (!tracked || tracked->completed()) return;
    const bool waits = waits_for_a_person(pass);
    if (!waits)
        end_pause(*tracked, pass.instant);
    else if (!tracked->manual_pause_started)
        tracked->manual_pause_started = pass.instant;
}

}  // namespace sluice::policy::rollout
