// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/restart.hpp"

#include <algorithm>

#include "controller/policy/rollout/replicas.hpp"
#include "controller/policy/rollout/traffic.hpp"

namespace sluice::policy::rollout {
namespace restart {

// Pods wake nobody, and a budget may say no for long.
constexpr Duration recheck = std::chrono::seconds{30};

bool available(const Pass& pass, const PodSeen& pod) {
    return !pod.deleting && pod.ready_since &&
           *pod.ready_since + std::chrono::seconds{pass.spec.min_ready_seconds} <= pass.now;
}

// Stable, then the new version, then older ones, the oldest first.
std::vector<const PodSeen*> in_order(const Pass& pass) {
    std::vector<const ReplicaSetSeen*> sets;
    if (pass.stable) sets.push_back(pass.stable);
    if (pass.fresh && pass.fresh != pass.stable) sets.push_back(pass.fresh);
    sets.insert(sets.end(), pass.others.begin(), pass.others.end());
    std::vector<const PodSeen*> pods;
    for (const auto* set : sets) {
        const auto first = static_cast<std::ptrdiff_t>(pods.size());
        for (const auto& pod : pass.seen.pods)
            if (pod.replica_set == set->name) pods.push_back(&pod);
        std::sort(pods.begin() + first, pods.end(), [](const auto* a, const auto* b) {
            return std::tie(a->created, a->name) < std::tie(b->created, b->name);
        });
    }
    return pods;
}

// How many pods may go now without more than maxUnavailable being away, of all that should be there
// (a canary may ask for more than spec.replicas).
long room(const Pass& pass, const std::vector<const PodSeen*>& pods) {
    const long there = std::count_if(pods.begin(), pods.end(),
                                     [&](const auto* pod) { return available(pass, *pod); });
    const long wanted = std::max(
        pass.replicas(), spec_of(pass.older) + (pass.fresh ? pass.fresh->spec_replicas : 0));
    return there - (wanted - std::max(fenceposts(pass.canary, pass.replicas()).unavailable, 1L));
}

bool due(const Pass& pass) {
    const auto& asked = pass.spec.restart_at;
    return asked && asked != pass.before.restarted_at && pass.now > *asked;
}

bool older(const Pass& pass, const PodSeen& pod) {
    return pod.created < *pass.spec.restart_at;
}

// Unlike upstream's: behind a router the last pod of a version that serves stays until another can
// take its place; where there is but one canary pod, until nobody is sent to it.
bool needed(const Pass& pass, const PodSeen& pod, long serving) {
    if (!pass.routed() || serving > 1 || !available(pass, pod)) return false;
    const bool of_canary =
        pass.distinct_stable() && pass.fresh && pod.replica_set == pass.fresh->name;
    const ReplicaSetSeen* set = of_canary ? pass.fresh : pass.stable;
    if (!set || pod.replica_set != set->name) return false;
    if (of_canary && weight_in_force(pass, 0)) return false;
    return of_canary || set->spec_replicas > 1;
}

}  // namespace restart

bool restart_takes_canary(const Pass& pass) {
    if (!restart::due(pass) || !pass.routed() || !pass.distinct_stable() || !pass.fresh)
        return false;
    if (pass.fresh->spec_replicas != 1) return false;
    bool taken = false;
    for (const auto& pod : pass.seen.pods) {
        if (pod.deleting || !restart::older(pass, pod)) continue;
        if (pod.replica_set == pass.stable->name) return false;  // its turn comes first
        taken |= pod.replica_set == pass.fresh->name;
    }
    return taken;
}

bool restart_pods(Pass& pass) {
    const auto& asked = pass.spec.restart_at;
    if (!asked || asked == pass.before.restarted_at) return false;
    if (!restart::due(pass)) {
        pass.look_again_at(*asked + Duration{1});
        return false;
    }
    const auto pods = restart::in_order(pass);
    std::map<std::string, long> serving;
    for (const auto* pod : pods)
        if (restart::available(pass, *pod)) ++serving[pod->replica_set];
    long room = restart::room(pass, pods);
    bool left = false;
    bool evicted = false;
    for (const auto* pod : pods) {
        if (!restart::older(pass, *pod)) continue;
        left = true;
        if (room <= 0 || pod->deleting || restart::needed(pass, *pod, serving[pod->replica_set]))
            continue;
        pass.act(EvictPod{pod->name});
        if (restart::available(pass, *pod)) --serving[pod->replica_set];
        --room;
        evicted = true;
    }
    if (left)
        pass.look_again(restart::recheck);
    else
        pass.status().restarted_at = asked;
    return evicted;
}

}  // namespace sluice::policy::rollout
