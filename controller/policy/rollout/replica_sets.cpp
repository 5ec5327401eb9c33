// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/replica_sets.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "controller/policy/rollout/pod_metadata.hpp"
#include "controller/policy/rollout/replicas.hpp"
#include "controller/policy/rollout/traffic.hpp"

namespace sluice::policy::rollout {
namespace replica_sets {

long next_revision(const Pass& pass) {
    long highest = 0;
    for (const auto* set : pass.older) highest = std::max(highest, set->revision);
    return highest + 1;
}

// Annotations of the Rollout that ReplicaSets inherit (argo-rollouts.md 1.15).
crds::TextMap inherited(const Pass& pass) {
    constexpr std::array skipped{"kubectl.kubernetes.io/last-applied-configuration",
                                 crds::revision_annotation,
                                 crds::revision_history_annotation,
                                 crds::desired_replicas_annotation,
                                 crds::ephemeral_metadata_annotation,
                                 "notified.notifications.argoproj.io"};
    crds::TextMap annotations = pass.seen.rollout.annotations;
    for (const char* key : skipped) annotations.erase(key);
    return annotations;
}

void set_rollout_revision(Pass& pass, long revision) {
    if (pass.rollout_revision() == revision) return;
    pass.act(SetRolloutRevision{revision},
             {false, "RolloutUpdated", concat("Rollout updated to revision ", revision)});
}

std::string with_history(const ReplicaSetSeen& set) {
    if (set.revision_history.empty()) return std::to_string(set.revision);
    return concat(set.revision_history, ",", set.revision);
}

void scale(Pass& pass, const ReplicaSetSeen& set, long replicas) {
    const bool resized = set.spec_replicas != replicas;
    if (!resized && set.desired_replicas == pass.replicas()) return;
    ScaleReplicaSet action{set.name, set.spec_replicas, replicas, pass.replicas()};
    if (!resized) return pass.act(action);
    pass.scaled = true;
    pass.act(action, {false, "ScalingReplicaSet",
                      concat("Scaled ", replicas > set.spec_replicas ? "up" : "down",
                             " ReplicaSet ", set.name, " (revision ", set.revision, ") from ",
                             set.spec_replicas, " to ", replicas)});
}

// ---- the canary after an abort ----

bool delays_scale_down_on_abort(const Pass& pass) {
    if (!pass.aborted() || !pass.stable || !pass.routed() || !abort_scale_down_delay(pass))
        return false;
    return !pass.canary.dynamic_stable_scale ||
           pass.canary.abort_scale_down_delay_seconds.has_value();
}

void scale_fresh_after_abort(Pass& pass) {
    const ReplicaSetSeen& fresh = *pass.fresh;
    if (fresh.scale_down_deadline) {
        if (*fresh.scale_down_deadline > pass.now) {
            pass.look_again_at(*fresh.scale_down_deadline);
            return scale(pass, fresh, fresh.spec_replicas);
        }
        // With dynamicStableScale stable takes its users back in steps: some may still be here.
        return scale(pass, fresh, weight_in_force(pass, 0) ? 0 : fresh.spec_replicas);
    }
    scale(pass, fresh, fresh.spec_replicas);
    // The deadline takes all pods: not before stable can do without them.
    if (fresh.spec_replicas == 0 || pass.stable->available_replicas < pass.replicas()) return;
    pass.act(SetScaleDownDeadline{fresh.name, pass.instant + *abort_scale_down_delay(pass)});
}

// ---- stable and new ----

void forget_deadline(Pass& pass, const ReplicaSetSeen* set) {
    if (set && set->scale_down_deadline) pass.act(SetScaleDownDeadline{set->name, std::nullopt});
}

void scale_current(Pass& pass) {
    const bool delays = delays_scale_down_on_abort(pass);
    if (!delays) forget_deadline(pass, pass.fresh);
    if (pass.distinct_stable()) {
        forget_deadline(pass, pass.stable);
        // By the weights recorded before and those seen now: a record may be older than a fall.
        scale(pass, *pass.stable,
              std::max(wanted_counts(pass, pass.before.canary.weights).stable,
                       wanted_counts(pass, pass.status().canary.weights).stable));
        if (pass.scaled && !pass.routed()) return;
    }
    if (!pass.fresh) return;
    // While users still reach them, pods of an aborted version stay.
    if (pass.routed() && pass.aborted() && !pass.canary.dynamic_stable_scale &&
        !weight_in_force(pass, 0))
        return scale(pass, *pass.fresh, pass.fresh->spec_replicas);
    if (delays) return scale_fresh_after_abort(pass);
    scale(pass, *pass.fresh, wanted_counts(pass, pass.status().canary.weights).canary);
}

// ---- others ----

// Something may still send requests there.
bool referenced(const Pass& pass, const ReplicaSetSeen& set) {
    if (set.hash.empty()) return false;
    if (set.hash == pass.before.stable_rs || set.hash == pass.before.current_pod_hash) return true;
    const auto by_service = [&](const ServiceSeen& service) {
        const auto selected = service.selector.find(crds::pod_template_hash_label);
        if (selected != service.selector.end() && selected->second == set.hash) return true;
        if (!service.ready_endpoints || selected == service.selector.end()) return false;
        const auto ready = service.ready_endpoints->find(set.hash);
        return ready != service.ready_endpoints->end() && ready->second > 0;
    };
    const auto by_route = [&](const RouteSeen& route) {
        return route.by_subset &&
               (route.canary_subset_hash == set.hash || route.stable_subset_hash == set.hash);
    };
    return std::any_of(pass.seen.services.begin(), pass.seen.services.end(), by_service) ||
           std::any_of(pass.seen.routes.begin(), pass.seen.routes.end(), by_route);
}

// A former stable under traffic routing: it stays for scaleDownDelaySeconds, unless too many do.
long delayed_size(Pass& pass, const ReplicaSetSeen& set, long& delayed) {
    const auto& limit = pass.canary.scale_down_delay_revision_limit;
    const Duration delay = std::chrono::seconds{pass.canary.scale_down_delay_seconds.value_or(30)};
    if (pass.canary.dynamic_stable_scale) return 0;
    if (++delayed > limit.value_or(delayed)) return 0;
    if (!set.scale_down_deadline) {
        if (delay == Duration{0}) return 0;
        pass.act(SetScaleDownDeadline{set.name, pass.instant + delay});
        pass.look_again(delay);
        return set.spec_replicas;
    }
    if (*set.scale_down_deadline <= pass.now) return 0;
    pass.look_again_at(*set.scale_down_deadline);
    return set.spec_replicas;
}

long size_of_other(Pass& pass, const ReplicaSetSeen& set, long most, long& delayed) {
    // Without a router every pod gets traffic: they go as fast as maxUnavailable lets them.
    if (!pass.routed()) return std::max(0L, set.spec_replicas - most);
    if (pass.promoted() || set.scale_down_deadline) return delayed_size(pass, set, delayed);
    return 0;
}

// Pods that are not available protect nobody: they go first.
long drop_unavailable(Pass& pass, const std::vector<const ReplicaSetSeen*>& sets) {
    long dropped = 0;
    for (const auto* set : sets) {
        if (set->available_replicas >= set->spec_replicas) continue;
        dropped += set->spec_replicas - set->available_replicas;
        scale(pass, *set, set->available_replicas);
    }
    return dropped;
}

void scale_others(Pass& pass) {
    std::vector<const ReplicaSetSeen*> active;
    for (const auto* set : pass.others)
        if (set->spec_replicas > 0) active.push_back(set);
    if (active.empty() || drop_unavailable(pass, active) > 0) return;
    std::stable_sort(active.begin(), active.end(),
                     [](const auto* a, const auto* b) { return a->revision > b->revision; });
    long available = available_of(pass.older);
    if (pass.fresh) available += pass.fresh->available_replicas;
    long most =
        available - (pass.replicas() - fenceposts(pass.canary, pass.replicas()).unavailable);
    long delayed = 0;
    for (const auto* set : active) {
        if (most <= 0) return;
        if (pass.routed() && referenced(pass, *set)) continue;
        const long size = size_of_other(pass, *set, most, delayed);
        if (size == set->spec_replicas) continue;
        scale(pass, *set, size);
        most -= set->spec_replicas - size;
    }
}

}  // namespace replica_sets

void adopt_orphans(Pass& pass) {
    for (const auto& set : pass.seen.replica_sets)
        if (!set.owned && !set.deleting) pass.act(AdoptReplicaSet{set.name, set.uid});
}

void create_replica_set(Pass& pass) {
    using namespace replica_sets;
    if (pass.seen.name_taken) {
        pass.status().collision_count = pass.before.collision_count.value_or(0) + 1;
        return;
    }
    const long revision = next_revision(pass);
    set_rollout_revision(pass, revision);
    crds::TextMap annotations = inherited(pass);
    annotations[crds::revision_annotation] = std::to_string(revision);
    annotations[crds::desired_replicas_annotation] = std::to_string(pass.replicas());
    const std::string name = pass.fresh_name();
    pass.act(
        CreateReplicaSet{name, pass.seen.rollout.template_hash, pass.seen.rollout.template_digest,
                         std::move(annotations), pass.spec.min_ready_seconds,
                         metadata_at_birth(pass), wanted_anti_affinity(pass)},
        {false, "NewReplicaSetCreated",
         concat("Created ReplicaSet ", name, " (revision ", revision, ")")});
}

void sync_revision(Pass& pass) {
    using namespace replica_sets;
    const ReplicaSetSeen& fresh = *pass.fresh;
    UpdateReplicaSet update{.name = fresh.name};
    for (const auto& [key, value] : inherited(pass)) {
        const auto found = fresh.annotations.find(key);
        if (found == fresh.annotations.end() || found->second != value)
            update.annotations[key] = value;
    }
    const long revision = std::max(fresh.revision, next_revision(pass));
    if (fresh.revision != revision) {
        update.annotations[crds::revision_annotation] = std::to_string(revision);
        if (fresh.revision > 0)
            update.annotations[crds::revision_history_annotation] = with_history(fresh);
    }
    if (fresh.min_ready_seconds != pass.spec.min_ready_seconds)
        update.min_ready_seconds = pass.spec.min_ready_seconds;
    // A stable version that changed meanwhile.
    const auto rule = wanted_anti_affinity(pass);
    if (rule && !fresh.anti_affinity.empty() && fresh.anti_affinity != rule->hash)
        update.anti_affinity = rule;
    if (!update.annotations.empty() || update.min_ready_seconds || update.anti_affinity)
        pass.act(std::move(update));
    set_rollout_revision(pass, revision);
}

void clean_up_history(Pass& pass) {
    const long surplus = static_cast<long>(pass.others.size()) - pass.spec.revision_history_limit;
    for (long i = 0; i < surplus; ++i) {
        const ReplicaSetSeen& set = *pass.others[static_cast<size_t>(i)];
        if (set.replicas != 0 || set.spec_replicas != 0 || set.generation > set.observed_generation)
            continue;
        pass.act(DeleteReplicaSet{set.name, set.uid});
        for (const auto& run : pass.seen.analysis_runs)
            if (run.hash == set.hash && !run.deleting) pass.act(DeleteAnalysis{run.name, run.uid});
    }
}

void reconcile_sizes(Pass& pass) {
    if (pass.halted()) return;
    replica_sets::scale_current(pass);
    if (pass.scaled && !pass.routed()) return;
    replica_sets::scale_others(pass);
}

}  // namespace sluice::policy::rollout
