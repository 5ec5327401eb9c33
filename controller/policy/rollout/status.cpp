// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/status.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/rollout/duration.hpp"
#include "controller/policy/rollout/set_clock.hpp"
#include "controller/policy/rollout/trouble.hpp"
#include "crds/rollout_conditions.hpp"

namespace sluice::policy::rollout {
namespace status {

using crds::Condition;
using crds::ConditionStatus;
using crds::RolloutStatus;
namespace types = crds::condition_types;
namespace reasons = crds::reasons;

Condition condition(const Pass& pass, const char* type, ConditionStatus value, const char* reason,
                    std::string message) {
    return {type, value, reason, std::move(message), pass.instant, pass.instant};
}

ConditionStatus truth(bool value) {
    return value ? ConditionStatus::True : ConditionStatus::False;
}

void count(Pass& pass) {
    RolloutStatus& status = pass.status();
    status.current_pod_hash = pass.fresh ? pass.fresh->hash : pass.seen.rollout.template_hash;
    status.updated_replicas = pass.fresh ? pass.fresh->replicas : 0;
    status.replicas = status.updated_replicas;
    status.ready_replicas = pass.fresh ? pass.fresh->ready_replicas : 0;
    status.available_replicas = pass.fresh ? pass.fresh->available_replicas : 0;
    for (const auto* set : pass.older) {
        status.replicas += set->replicas;
        status.ready_replicas += set->ready_replicas;
        status.available_replicas += set->available_replicas;
    }
    status.hpa_replicas = status.replicas;
    if (pass.spec.selector) status.selector = crds::to_text(*pass.spec.selector);
    status.promote_full = status.promote_full && status.current_pod_hash != status.stable_rs;
    status.observed_generation = std::to_string(pass.seen.rollout.generation);
    status.workload_observed_generation.clear();
}

// ---- pauses and abort ----

void settle_pauses(Pass& pass) {
    RolloutStatus& status = pass.status();
    status.abort = pass.aborted();
    const auto kept = std::exchange(status.pause_conditions, {});
    const bool paused_by_us = std::exchange(status.controller_pause, false);
    if (status.abort) {
        status.aborted_at = pass.before.aborted_at.value_or(pass.instant);
        return;
    }
    status.aborted_at.reset();
    if (pass.pauses_cleared) return;
    bool added = false;
    for (const auto& pause : kept)
        if (!pass.pause_over || pause.reason != crds::PauseReason::CanaryPauseStep)
            status.pause_conditions.push_back(pause);
    const auto add = [&](crds::PauseReason reason) {
        if (pass.paused_for(reason)) return;
        status.pause_conditions.push_back({reason, pass.instant});
        added = true;
    };
    if (pass.inconclusive) add(crds::PauseReason::InconclusiveAnalysisRun);
    if (pass.pause_wanted) add(crds::PauseReason::CanaryPauseStep);
    status.controller_pause = !status.pause_conditions.empty() && (paused_by_us || added);
}

// ---- progress ----

bool healthy(const Pass& pass, const RolloutStatus& status) {
    const long wanted = pass.replicas();
    const bool steps_done = pass.step_count() == 0 || !status.current_step_index ||
                            *status.current_step_index == pass.step_count();
    return status.updated_replicas == wanted && status.available_replicas == wanted &&
           pass.before.observed_generation == std::to_string(pass.seen.rollout.generation) &&
           steps_done && !status.stable_rs.empty() && status.stable_rs == status.current_pod_hash &&
           status.replicas == wanted;
}

bool completed(const RolloutStatus& status) {
    return !status.stable_rs.empty() && status.stable_rs == status.current_pod_hash;
}

bool progressed(const RolloutStatus& before, const RolloutStatus& after) {
    const bool moved = before.stable_rs != after.stable_rs ||
                       before.current_step_hash != after.current_step_hash ||
                       (before.current_step_index && after.current_step_index &&
                        *before.current_step_index != *after.current_step_index);
    return moved || after.updated_replicas != before.updated_replicas ||
           after.replicas - after.updated_replicas < before.replicas - before.updated_replicas ||
           after.ready_replicas > before.ready_replicas ||
           after.available_replicas > before.available_replicas;
}

// The annotation outlives the pods, and pods that a Service still selects outlive the deadline.
std::optional<TimePoint> old_pods_stay_until(const Pass& pass) {
    std::optional<TimePoint> latest;
    for (const auto* set : pass.others)
        if (set->spec_replicas > 0 && set->scale_down_deadline > pass.now)
            latest =
                std::max(latest.value_or(*set->scale_down_deadline), *set->scale_down_deadline);
    return latest;
}

// At a step whose length nobody can foresee, or while old pods wait for their deadline.
bool deadline_stands_still(const Pass& pass) {
    if (const auto* step = pass.step())
        if (std::holds_alternative<crds::PauseStep>(*step) ||
            std::holds_alternative<crds::AnalysisStep>(*step) ||
            std::holds_alternative<crds::ExperimentStep>(*step))
            return true;
    const Condition* paused = crds::find_condition(pass.before, types::paused);
    if (paused && paused->status == ConditionStatus::True) return true;
    return old_pods_stay_until(pass).has_value();
}

TimePoint deadline_after(const Pass& pass, const Condition& progressing) {
    return progressing.last_update_time + std::chrono::seconds{pass.spec.progress_deadline_seconds};
}

bool timed_out(const Pass& pass, const RolloutStatus& status) {
    const Condition* progressing = crds::find_condition(status, types::progressing);
    if (!progressing || progressing->reason == reasons::rollout_aborted ||
        progressing->reason == reasons::rollout_paused)
        return false;
    if (progressing->reason == reasons::progress_deadline_exceeded) return true;
    return deadline_after(pass, *progressing) < pass.now;
}

std::string timed_out_message(const Pass& pass) {
    return pass.fresh
               ? concat("ReplicaSet \"", pass.fresh->name, "\" has timed out progressing.")
               : concat("Rollout \"", pass.seen.rollout.name, "\" has timed out progressing.");
}

void abort_when_overdue(Pass& pass) {
    if (!pass.spec.progress_deadline_abort || pass.aborted() || completed(pass.status()) ||
        progressed(pass.before, pass.status()) || deadline_stands_still(pass) ||
        !timed_out(pass, pass.before))
        return;
    pass.abort_asked = true;
    pass.abort_message = timed_out_message(pass);
    pass.warn(reasons::rollout_aborted, pass.abort_message);
}

// ---- conditions ----

// What a user's pause, resume or retry since the last pass means for Progressing and Paused.
void align_with_pauses(Pass& pass) {
    const RolloutStatus& before = pass.before;
    if (before.observed_generation != std::to_string(pass.seen.rollout.generation)) return;
    RolloutStatus& status = pass.status();
    const bool paused = pass.spec.paused || !before.pause_conditions.empty();
    const bool was_paused = crds::has_reason(before, types::progressing, reasons::rollout_paused);
    const bool was_aborted = crds::has_reason(before, types::progressing, reasons::rollout_aborted);
    if (paused != was_paused && !was_aborted && !completed(before))
        crds::set_condition(status,
                            paused ? condition(pass, types::progressing, ConditionStatus::Unknown,
                                               reasons::rollout_paused, "Rollout is paused")
                                   : condition(pass, types::progressing, ConditionStatus::Unknown,
                                               reasons::rollout_resumed, "Rollout is resumed"));
    if (!before.abort && was_aborted)
        crds::set_condition(status,
                            condition(pass, types::progressing, ConditionStatus::Unknown,
                                      reasons::rollout_retry, "Retrying Rollout after abort"));
    const Condition* said = crds::find_condition(before, types::paused);
    const bool said_so = said && said->status == ConditionStatus::True;
    if (paused != said_so && !was_aborted)
        crds::set_condition(status, condition(pass, types::paused, truth(paused),
                                              reasons::rollout_paused, "Rollout is paused"));
}

// True where a Rollout that was healthy no longer is.
bool judge_health(Pass& pass) {
    RolloutStatus& status = pass.status();
    const bool paused = pass.spec.paused || !status.pause_conditions.empty();
    if (!paused && healthy(pass, status)) {
        crds::set_condition(status, condition(pass, types::healthy, ConditionStatus::True,
                                              reasons::rollout_healthy, "Rollout is healthy"));
        return false;
    }
    if (!crds::find_condition(status, types::healthy)) return false;
    return crds::set_condition(
        status, condition(pass, types::healthy, ConditionStatus::False, reasons::rollout_healthy,
                          "Rollout is not healthy"));
}

void tell_abort(Pass& pass) {
    std::string message = concat("Rollout aborted update to revision ", pass.rollout_revision());
    if (!pass.abort_message.empty()) message += concat(": ", pass.abort_message);
    if (crds::set_condition(pass.status(),
                            condition(pass, types::progressing, ConditionStatus::False,
                                      reasons::rollout_aborted, message)))
        pass.warn(reasons::rollout_aborted, message);
}

// Progressing is set anew with every progress, so that its deadline moves.
void tell_progress(Pass& pass, bool became_unhealthy) {
    RolloutStatus& status = pass.status();
    const bool lost = became_unhealthy && completed(status);
    const std::string moving =
        pass.fresh ? concat("ReplicaSet \"", pass.fresh->name, "\" is progressing.")
                   : concat("Rollout \"", pass.seen.rollout.name, "\" is progressing.");
    Condition fresh =
        condition(pass, types::progressing, ConditionStatus::True,
                  lost ? reasons::replica_set_not_available : reasons::replica_set_updated,
                  lost ? "Rollout does not have minimum availability" : moving);
    if (const Condition* old = crds::find_condition(status, types::progressing))
        if (old->status == ConditionStatus::True)
            fresh.last_transition_time = old->last_transition_time;
    crds::remove_condition(status, types::progressing);
    status.conditions.push_back(std::move(fresh));
}

void judge_progress(Pass& pass, bool became_unhealthy) {
    RolloutStatus& status = pass.status();
    if (status.abort) return tell_abort(pass);
    if (healthy(pass, status)) {
        crds::set_condition(status, condition(pass, types::progressing, ConditionStatus::True,
                                              reasons::new_replica_set_available,
                                              concat("ReplicaSet \"", pass.fresh_name(),
                                                     "\" has successfully progressed.")));
    } else if (became_unhealthy || progressed(pass.before, status)) {
        tell_progress(pass, became_unhealthy);
    } else if (!deadline_stands_still(pass) && timed_out(pass, status)) {
        crds::set_condition(
            status, condition(pass, types::progressing, ConditionStatus::False,
                              reasons::progress_deadline_exceeded, timed_out_message(pass)));
    }
}

void judge_availability(Pass& pass) {
    RolloutStatus& status = pass.status();
    const bool enough = status.available_replicas >= pass.replicas();
    crds::set_condition(status, condition(pass, types::available, truth(enough), reasons::available,
                                          enough ? "Rollout has minimum availability"
                                                 : "Rollout does not have minimum availability"));
}

void copy_replica_failure(Pass& pass) {
    const ReplicaSetSeen* failing =
        pass.fresh && !pass.fresh->failure_reason.empty() ? pass.fresh : nullptr;
    for (const auto* set : pass.older)
        if (!failing && !set->failure_reason.empty()) failing = set;
    if (!failing)
        crds::remove_condition(pass.status(), types::replica_failure);
    else
        crds::set_condition(pass.status(),
                            condition(pass, types::replica_failure, ConditionStatus::True,
                                      failing->failure_reason.c_str(), failing->failure_message));
}

void judge_completion(Pass& pass) {
    RolloutStatus& status = pass.status();
    const bool done = completed(status);
    const bool changed = crds::set_condition(
        status, condition(pass, types::completed, truth(done), reasons::rollout_completed,
                          reasons::rollout_completed));
    if (changed && !done)
        pass.tell("RolloutNotCompleted",
                  concat("Rollout not completed, started update to revision ",
                         pass.rollout_revision(), " (", status.current_pod_hash, ")"));
}

void tell_pauses(Pass& pass) {
    const RolloutStatus& status = pass.status();
    const bool paused = !status.pause_conditions.empty();
    if (paused == !pass.before.pause_conditions.empty()) return;
    if (paused)
        pass.tell(
            reasons::rollout_paused,
            concat("Rollout is paused (", to_text(status.pause_conditions.front().reason), ")"));
    else if (!status.aborted_at)
        pass.tell(reasons::rollout_resumed, "Rollout is resumed");
}

void wake_for_deadline(Pass& pass) {
    const RolloutStatus& status = pass.status();
    if (const auto until = old_pods_stay_until(pass)) pass.look_again_at(*until);
    const Condition* progressing = crds::find_condition(status, types::progressing);
    if (!progressing || progressing->reason == reasons::progress_deadline_exceeded ||
        healthy(pass, status) || status.abort || pass.spec.paused ||
        !status.pause_conditions.empty() || deadline_stands_still(pass))
        return;
    // A second later, since the deadline has passed only after it.
    pass.look_again_at(std::max(deadline_after(pass, *progressing), pass.now) +
                       std::chrono::seconds{1});
}

bool restarting(const crds::RolloutSpec& spec, const RolloutStatus& status) {
    return spec.restart_at && spec.restart_at != status.restarted_at;
}

std::string unfinished(const crds::RolloutSpec& spec, const RolloutStatus& status) {
    if (restarting(spec, status)) return "rollout is restarting";
    if (status.updated_replicas < spec.replicas.value_or(1))
        return "more replicas need to be updated";
    if (status.available_replicas < status.updated_replicas)
        return "updated replicas are still becoming available";
    if (!spec.canary) return {};
    if (!spec.canary->traffic_routing && status.replicas > status.updated_replicas)
        return "old replicas are pending termination";
    return completed(status) ? "" : "waiting for all steps to complete";
}

}  // namespace status

std::pair<std::string, std::string> phase_of(const crds::RolloutSpec& spec,
                                             const crds::RolloutStatus& value) {
    for (const auto& item : value.conditions) {
        if (item.type == crds::condition_types::invalid_spec)
            return {"Degraded", concat("InvalidSpec: ", item.message)};
        if (item.reason == crds::reasons::rollout_aborted ||
            item.reason == crds::reasons::progress_deadline_exceeded)
            return {"Degraded", concat(item.reason, ": ", item.message)};
    }
    if (spec.paused) return {"Paused", "manually paused"};
    if (!value.pause_conditions.empty())
        return {"Paused", to_text(value.pause_conditions.front().reason)};
    const std::string waiting = status::unfinished(spec, value);
    return waiting.empty() ? std::pair{std::string("Healthy"), std::string()}
                           : std::pair{std::string("Progressing"), waiting};
}

crds::RolloutStatus not_created(crds::RolloutStatus decided, const std::string& name,
                                const std::string& why, TimePoint now) {
    using namespace status;
    for (const char* worse : {reasons::rollout_aborted, reasons::progress_deadline_exceeded})
        if (crds::has_reason(decided, types::progressing, worse)) return decided;
    const TimePoint instant = std::chrono::floor<std::chrono::seconds>(now);
    crds::set_condition(
        decided,
        {types::progressing, ConditionStatus::False, reasons::replica_set_create_error,
         concat("Failed to create new replica set \"", name, "\": ", why), instant, instant});
    return decided;
}

void finish(Pass& pass) {
    using namespace status;
    count(pass);
    abort_when_overdue(pass);
    settle_pauses(pass);
    begin_early_pauses_anew(pass);
    align_with_pauses(pass);
    const bool became_unhealthy = judge_health(pass);
    judge_progress(pass, became_unhealthy);
    judge_availability(pass);
    copy_replica_failure(pass);
    judge_completion(pass);
    tell_analysis_trouble(pass);
    RolloutStatus& value = pass.status();
    std::tie(value.phase, value.message) = phase_of(pass.spec, value);
    track_duration(pass);
    tell_pauses(pass);
    wake_for_deadline(pass);
}

}  // namespace sluice::policy::rollout
