// SPDX-License-Identifier: Apache-2.0
// The order of one pass over a canary (argo-rollouts.md 2.2-2.6), as a pure function.
#include <algorithm>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "controller/policy/rollout/analysis.hpp"
#include "controller/policy/rollout/decision.hpp"
#include "controller/policy/rollout/pass.hpp"
#include "controller/policy/rollout/pod_metadata.hpp"
#include "controller/policy/rollout/replica_sets.hpp"
#include "controller/policy/rollout/replicas.hpp"
#include "controller/policy/rollout/restart.hpp"
#include "controller/policy/rollout/status.hpp"
#include "controller/policy/rollout/traffic.hpp"
#include "crds/rollout_conditions.hpp"

namespace sluice::policy::rollout {
namespace deciding {

constexpr Duration invalid_retry = std::chrono::seconds{20};

// ---- specs that are not carried out ----

std::string service_problem(const Pass& pass, const std::string& path, const std::string& name) {
    if (name.empty()) return {};
    const auto refused = [&](const std::string& what) {
        return concat("spec.strategy.", path, ": Invalid value: \"", name, "\": ", what);
    };
    const ServiceSeen* service = pass.service(name);
    if (!service) return refused(concat("service \"", name, "\" not found"));
    for (const auto& [key, value] : service->selector) {
        if (key == crds::pod_template_hash_label) continue;
        const auto label = pass.seen.rollout.template_labels.find(key);
        if (label == pass.seen.rollout.template_labels.end() || label->second != value)
            return refused(
                concat("Service \"", name, "\" has unmatch label \"", key, "\" in rollout"));
    }
    if (!service->managed_by.empty() && service->managed_by != pass.seen.rollout.name)
        return refused(concat("Service \"", name, "\" is managed by another Rollout"));
    return {};
}

std::string first_problem(const Pass& pass) {
    if (!pass.seen.problems.empty()) return pass.seen.problems.front();
    const std::string stable =
        service_problem(pass, "canary.stableService", pass.canary.stable_service);
    return stable.empty()
               ? service_problem(pass, "canary.canaryService", pass.canary.canary_service)
               : stable;
}

bool serves(const crds::CanaryStep& step) {
    return std::holds_alternative<crds::SetWeightStep>(step) ||
           std::holds_alternative<crds::PauseStep>(step) ||
           std::holds_alternative<crds::SetCanaryScaleStep>(step) ||
           std::holds_alternative<crds::AnalysisStep>(step);
}

// What the spec asks for and this version does not do; said aloud rather than done by halves.
std::string unserved(const crds::RolloutSpec& spec) {
    if (spec.workload_ref) return "spec.workloadRef";
    if (!spec.canary) return spec.blue_green ? "spec.strategy.blueGreen" : "";
    const crds::CanaryStrategy& canary = *spec.canary;
    for (size_t i = 0; i < canary.steps.size(); ++i)
        if (!serves(canary.steps[i]))
            return concat("spec.strategy.canary.steps[", i, "] (", crds::to_text(canary.steps[i]),
                          ")");
    if (canary.ping_pong) return "spec.strategy.canary.pingPong";
    if (!canary.traffic_routing) return {};
    if (!canary.traffic_routing->others.empty())
        return concat("spec.strategy.canary.trafficRouting.", canary.traffic_routing->others[0]);
    if (!canary.traffic_routing->plugins.empty())
        return concat("spec.strategy.canary.trafficRouting.plugins.",
                      canary.traffic_routing->plugins[0]);
    if (!canary.traffic_routing->nginx && !canary.traffic_routing->istio)
        return "spec.strategy.canary.trafficRouting without a router";
    return {};
}

void stop_with(Pass& pass, const char* type, const char* reason, const std::string& message) {
    crds::RolloutStatus& status = pass.status();
    const crds::Condition* old = crds::find_condition(status, type);
    if (old && old->message != message) crds::remove_condition(status, type);
    crds::set_condition(
        status, {type, crds::ConditionStatus::True, reason, message, pass.instant, pass.instant});
    status.observed_generation = std::to_string(pass.seen.rollout.generation);
    std::tie(status.phase, status.message) = phase_of(pass.spec, status);
}

// An abort is not the spec's business: the traffic goes back however wrong the spec has become
// since (upstream does nothing here).
void take_back_traffic(Pass& pass) {
    if (!pass.before.abort || !pass.spec.canary) return;
    reconcile_traffic(pass);
    reconcile_services(pass);
}

// Nor is a user's way back to the stable version.
void take_back_when_undone(Pass& pass) {
    const bool undone = pass.fresh && pass.fresh == pass.stable;
    if (!undone || pass.before.abort || !unserved(pass.spec).empty()) return;
    pass.abort_asked = true;  // for the traffic of this pass
    reconcile_traffic(pass);
    reconcile_services(pass);
}

void refuse(Pass& pass, const std::string& problem) {
    stop_with(pass, crds::condition_types::invalid_spec, crds::reasons::invalid_spec,
              concat("The Rollout \"", pass.seen.rollout.name, "\" is invalid: ", problem));
    take_back_traffic(pass);
    take_back_when_undone(pass);
    pass.look_again(invalid_retry);
}

void decline(Pass& pass, const std::string& what) {
    crds::remove_condition(pass.status(), crds::condition_types::invalid_spec);
    const std::string message =
        concat("this version of Sluice does not serve ", what, ", so nothing is changed");
    stop_with(pass, crds::condition_types::unserved, "NotServed", message);
    pass.status().phase = "Degraded";
    pass.status().message = concat("Unserved: ", message);
    take_back_traffic(pass);
}

// ---- a new template, or new steps ----

bool template_changed(const Pass& pass) {
    return !pass.before.current_pod_hash.empty() &&
           pass.before.current_pod_hash != pass.fresh->hash;
}

// Another hash of the spec that was last carried out is another way of hashing, not another step
// (upstream starts over).
bool steps_changed(const Pass& pass) {
    const crds::RolloutStatus& before = pass.before;
    if (before.current_step_hash == pass.seen.rollout.step_hash) return false;
    const bool carried_out =
        !before.current_step_hash.empty() &&
        before.observed_generation == std::to_string(pass.seen.rollout.generation) &&
        !crds::find_condition(before, crds::condition_types::invalid_spec) &&
        !crds::find_condition(before, crds::condition_types::unserved);
    return !carried_out;
}

// From the first step again; or past the last where the version is known to be good.
std::optional<long> first_index(Pass& pass) {
    if (pass.step_count() == 0) return std::nullopt;
    if (!pass.before.stable_rs.empty() && pass.before.stable_rs == pass.fresh->hash) {
        pass.tell("SkipSteps", "Rollback to stable ReplicaSets");
        return pass.step_count();
    }
    if (pass.within_rollback_window() && pass.fresh->spec_replicas > 0) {
        pass.tell("SkipSteps", "Rollback to active ReplicaSets within RollbackWindow");
        return pass.step_count();
    }
    return 0;
}

void start_over(Pass& pass) {
    crds::RolloutStatus& status = pass.status();
    pass.started_over = true;
    pass.pauses_cleared = true;
    pass.abort_lifted = true;
    status.promote_full = false;
    status.canary.current_step_analysis_run.reset();
    status.canary.current_background_analysis_run.reset();
    status.current_step_hash = pass.seen.rollout.step_hash;
    status.current_step_index = first_index(pass);
    if (pass.spec.restart_at) status.restarted_at = pass.spec.restart_at;
    finish(pass);
}

// ---- the steps ----

void begin_pause(Pass& pass) {
    const auto* step = pass.step();
    const auto* pause = step ? std::get_if<crds::PauseStep>(step) : nullptr;
    if (!pause || pass.spec.paused || pass.before.promote_full || pass.scaled) return;
    if (!pass.paused_for(crds::PauseReason::CanaryPauseStep)) {
        pass.pause_wanted = !pass.before.controller_pause;
        if (pass.pause_wanted && pause->duration)
            pass.look_again_at(pass.instant + *pause->duration);
    }
}

// Resumed by a user, or waited long enough.
bool pause_done(Pass& pass, const crds::PauseStep& step) {
    const auto& pauses = pass.before.pause_conditions;
    const auto found = std::find_if(pauses.begin(), pauses.end(), [](const auto& pause) {
        return pause.reason == crds::PauseReason::CanaryPauseStep;
    });
    if (found == pauses.end()) return pass.before.controller_pause;
    if (!step.duration) return false;
    const TimePoint end = found->start_time + *step.duration;
    if (pass.now > end) return true;
    pass.look_again_at(end + Duration{1});
    return false;
}

// The weight counts only once it was seen in force (DESIGN D3).
bool weight_done(const Pass& pass, const crds::SetWeightStep& step) {
    if (!at_desired_counts(pass, pass.decision.status.canary.weights)) return false;
    // Where no pods are wanted nobody can be sent to them.
    if (!pass.routed() || pass.replicas() == 0) return true;
    const auto& weights = pass.decision.status.canary.weights;
    return weight_in_force(pass, step.weight) && !(weights && weights->verified == false);
}

bool step_done(Pass& pass) {
    const auto* step = pass.step();
    if (!step || pass.spec.paused) return false;
    // A user's resume is said once, and must not be lost.
    const bool resumed = std::holds_alternative<crds::PauseStep>(*step) &&
                         pass.before.controller_pause && pass.before.pause_conditions.empty();
    if (awaits_background_run(pass) && !resumed) return false;
    return match(
        *step,  //
        [&](const crds::SetWeightStep& s) { return weight_done(pass, s); },
        [&](const crds::PauseStep& s) { return pause_done(pass, s); },
        [&](const crds::SetCanaryScaleStep&) {
            return at_desired_counts(pass, pass.decision.status.canary.weights);
        },
        [&](const crds::AnalysisStep&) { return step_analysis_succeeded(pass); },
        [](const crds::SetHeaderRouteStep&) { return false; },
        [](const crds::SetMirrorRouteStep&) { return false; },
        [](const crds::ExperimentStep&) { return false; },
        [](const crds::PluginStep&) { return false; },
        [](const crds::CombinedStep&) { return false; },
        [](const crds::MalformedStep&) { return false; });
}

void advance(Pass& pass) {
    const long next = *pass.step_index() + 1;
    pass.status().current_step_index = next;
    pass.status().canary.current_step_analysis_run.reset();
    pass.pause_over = true;
    pass.tell("RolloutStepCompleted", concat("Rollout step ", next, "/", pass.step_count(),
                                             " completed (", crds::to_text(*pass.step()), ")"));
}

// ---- promotion ----

bool all_steps_done(const Pass& pass) {
    if (awaits_background_run(pass)) return false;
    if (pass.step_count() == 0) return true;
    if (pass.step_index() < pass.step_count()) return false;
    return !pass.routed() || pass.replicas() == 0 || weight_in_force(pass, pass.max_weight());
}

// Why the declared version becomes the stable one now; empty where it does not (2.5).
std::string promotion_reason(const Pass& pass) {
    if (!pass.fresh) return {};
    if (!pass.stable) return "Initial deploy";
    if (pass.aborted()) return {};
    const bool available = pass.fresh->available_replicas >= pass.replicas() ||
                           (pass.canary.replica_progress_threshold &&
                            enough_available(pass, pass.fresh, pass.replicas()));
    if (!available) return {};
    if (pass.before.promote_full) return "Full promotion requested";
    if (pass.within_rollback_window()) return "Rollback within window";
    if (pass.fresh == pass.stable) return "Fast rollback";
    if (all_steps_done(pass)) return concat("Completed all ", pass.step_count(), " canary steps");
    return {};
}

void promote(Pass& pass, const std::string& reason) {
    crds::RolloutStatus& status = pass.status();
    pass.pauses_cleared = true;
    pass.abort_lifted = true;
    status.promote_full = false;
    status.current_step_index =
        pass.step_count() > 0 ? std::optional(pass.step_count()) : std::nullopt;
    if (status.stable_rs == pass.fresh->hash) return;
    if (status.duration && status.duration->completion.empty())
        status.duration->completion =
            pass.before.promote_full ? crds::completion::fast_promoted : crds::completion::promoted;
    status.stable_rs = pass.fresh->hash;
    pass.tell("RolloutCompleted",
              concat("Rollout completed update to revision ", pass.rollout_revision(), " (",
                     pass.fresh->hash, "): ", reason));
}

void settle_step(Pass& pass) {
    crds::RolloutStatus& status = pass.status();
    if (const std::string reason = promotion_reason(pass); !reason.empty())
        return promote(pass, reason);
    const std::optional<long> last =
        pass.step_count() > 0 ? std::optional(pass.step_count()) : std::nullopt;
    if (pass.before.promote_full || pass.within_rollback_window()) {
        status.current_step_index = last;
    } else if (pass.aborted()) {
        if (last) status.current_step_index = pass.promoted() ? *last : 0;
    } else if (step_done(pass)) {
        advance(pass);
    } else {
        status.current_step_index = pass.step_index();
    }
}

void carry_out(Pass& pass) {
    pass.status().current_step_hash = pass.seen.rollout.step_hash;
    if (pass.before.promote_full || pass.within_rollback_window()) {
        pass.pauses_cleared = true;
        pass.abort_lifted = true;
    }
    if (pass.promoted()) pass.abort_lifted = true;
    // Verdicts first, since an abort decides about traffic; but traffic is what is done first.
    auto earlier = std::exchange(pass.decision.actions, {});
    reconcile_analysis(pass);
    auto analysis = std::exchange(pass.decision.actions, {});
    reconcile_traffic(pass);
    reconcile_services(pass);
    const bool traffic_moves = !pass.decision.actions.empty();
    for (auto* part : {&earlier, &analysis})
        for (auto& planned : *part) pass.decision.actions.push_back(std::move(planned));
    reconcile_pod_metadata(pass);
    clean_up_history(pass);
    // Not in one pass with what was decided on their being there.
    const bool evicts = !traffic_moves && restart_pods(pass);
    if (!evicts) {
        reconcile_sizes(pass);
        begin_pause(pass);
        settle_step(pass);
    }
    finish(pass);
}

}  // namespace deciding

Decision decide(const crds::RolloutSpec& spec, const crds::RolloutStatus& before,
                const Observation& seen, TimePoint now) {
    using namespace deciding;
    static const crds::CanaryStrategy none;
    Pass pass(spec, spec.canary ? *spec.canary : none, before, seen, now);
    if (seen.rollout.deleting) return pass.decision;
    if (const std::string problem = first_problem(pass); !problem.empty()) {
        refuse(pass, problem);
        return pass.decision;
    }
    if (const std::string what = unserved(spec); !what.empty()) {
        decline(pass, what);
        return pass.decision;
    }
    crds::remove_condition(pass.status(), crds::condition_types::invalid_spec);
    crds::remove_condition(pass.status(), crds::condition_types::unserved);
    if (!spec.replicas) {
        pass.act(SetDefaultReplicas{});
        return pass.decision;
    }
    adopt_orphans(pass);
    if (!pass.fresh) {
        // Making it may fail for long; users do not wait for that.
        auto earlier = std::exchange(pass.decision.actions, {});
        lead_users_home(pass);
        for (auto& planned : earlier) pass.decision.actions.push_back(std::move(planned));
        create_replica_set(pass);
        return pass.decision;
    }
    sync_revision(pass);
    if (template_changed(pass) || steps_changed(pass)) {
        start_over(pass);
        return pass.decision;
    }
    carry_out(pass);
    return pass.decision;
}

}  // namespace sluice::policy::rollout
