// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/pass.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::policy::rollout {
namespace pass {

using Sets = std::vector<const ReplicaSetSeen*>;

Sets by_age(const Observation& seen) {
    Sets sets;
    for (const auto& set : seen.replica_sets)
        if (!set.deleting) sets.push_back(&set);
    std::sort(sets.begin(), sets.end(), [](const auto* a, const auto* b) {
        return std::tie(a->created, a->name) < std::tie(b->created, b->name);
    });
    return sets;
}

const ReplicaSetSeen* with_hash(const Sets& sets, const std::string& hash) {
    if (hash.empty()) return nullptr;
    for (const auto* set : sets)
        if (set->hash == hash) return set;
    return nullptr;
}

// The ReplicaSet of the declared template: the recorded one while its template is still equal, so
// that a change of the hash never starts a revision; then the hash; then the oldest equal one
// (argo-rollouts.md 1.16, 6.3).
const ReplicaSetSeen* of_template(const Sets& sets, const RolloutSeen& rollout,
                                  const std::string& recorded) {
    const auto equal = [&](const ReplicaSetSeen* set) {
        return !set->hash.empty() && set->template_digest == rollout.template_digest;
    };
    if (const auto* set = with_hash(sets, recorded); set && equal(set)) return set;
    if (const auto* set = with_hash(sets, rollout.template_hash)) return set;
    const auto found = std::find_if(sets.begin(), sets.end(), equal);
    return found == sets.end() ? nullptr : *found;
}

}  // namespace pass

Pass::Pass(const crds::RolloutSpec& rollout_spec, const crds::CanaryStrategy& strategy,
           const crds::RolloutStatus& status, const Observation& observation, TimePoint time)
    : spec(rollout_spec),
      canary(strategy),
      before(status),
      seen(observation),
      now(time),
      instant(std::chrono::floor<std::chrono::seconds>(time)) {
    const auto sets = pass::by_age(seen);
    fresh = pass::of_template(sets, seen.rollout, before.current_pod_hash);
    stable = fresh && !before.stable_rs.empty() && fresh->hash == before.stable_rs
                 ? fresh
                 : pass::with_hash(sets, before.stable_rs);
    for (const auto* set : sets) {
        if (set != fresh) older.push_back(set);
        if (set != fresh && set != stable) others.push_back(set);
    }
    decision.status = before;
}

long Pass::max_weight() const {
    return canary.traffic_routing ? canary.traffic_routing->max_traffic_weight.value_or(100) : 100;
}

std::optional<long> Pass::step_index() const {
    if (canary.steps.empty()) return std::nullopt;
    return std::max(0L, before.current_step_index.value_or(0));
}

const crds::CanaryStep* Pass::step() const {
    const auto index = step_index();
    return index && *index < step_count() ? &canary.steps[static_cast<size_t>(*index)] : nullptr;
}

bool Pass::paused_for(crds::PauseReason reason) const {
    return std::any_of(before.pause_conditions.begin(), before.pause_conditions.end(),
                       [&](const auto& pause) { return pause.reason == reason; });
}

bool Pass::halted() const {
    return spec.paused || paused_for(crds::PauseReason::InconclusiveAnalysisRun);
}

bool Pass::within_rollback_window() const {
    if (!fresh || !stable || !spec.rollback_window_revisions) return false;
    if (*spec.rollback_window_revisions <= 0 || fresh->created >= stable->created) return false;
    const long between =
        std::count_if(seen.replica_sets.begin(), seen.replica_sets.end(), [&](const auto& set) {
            return fresh->created < set.created && set.created < stable->created;
        });
    return between < *spec.rollback_window_revisions;
}

const ServiceSeen* Pass::service(const std::string& name) const {
    if (name.empty()) return nullptr;
    for (const auto& service : seen.services)
        if (service.name == name && service.exists) return &service;
    return nullptr;
}

long Pass::rollout_revision() const {
    const auto found = seen.rollout.annotations.find(crds::revision_annotation);
    return found == seen.rollout.annotations.end() ? 0 : parse_integer(found->second).value_or(0);
}

std::string Pass::fresh_name() const {
    return fresh ? fresh->name : concat(seen.rollout.name, "-", seen.rollout.template_hash);
}

void Pass::look_again(Duration after) {
    after = std::max(after, Duration{1});
    auto& wanted = decision.look_again_after;
    if (!wanted || after < *wanted) wanted = after;
}

long available_of(const std::vector<const ReplicaSetSeen*>& sets) {
    long sum = 0;
    for (const auto* set : sets) sum += set->available_replicas;
    return sum;
}

long spec_of(const std::vector<const ReplicaSetSeen*>& sets) {
    long sum = 0;
    for (const auto* set : sets) sum += set->spec_replicas;
    return sum;
}

}  // namespace sluice::policy::rollout
