// SPDX-License-Identifier: Apache-2.0
// One run of decide(): what it starts from, and the decision as it grows. Private to this folder.
#pragma once

#include <string>
#include <vector>

#include "controller/policy/rollout/decision.hpp"

namespace sluice::policy::rollout {

struct Pass {
    const crds::RolloutSpec& spec;
    const crds::CanaryStrategy& canary;
    const crds::RolloutStatus& before;
    const Observation& seen;
    TimePoint now;      // exact
    TimePoint instant;  // whole seconds: what a status may hold

    const ReplicaSetSeen* fresh = nullptr;      // of the declared template
    const ReplicaSetSeen* stable = nullptr;     // of status.stableRS; may be fresh
    std::vector<const ReplicaSetSeen*> others;  // neither; oldest first
    std::vector<const ReplicaSetSeen*> older;   // all but fresh; oldest first

    Decision decision;

    // What this pass found out, applied to the status at the end (argo-rollouts.md 2.6).
    bool abort_asked = false;
    bool abort_lifted = false;
    std::string abort_message;
    bool pauses_cleared = false;
    bool inconclusive = false;  // an analysis asks for a pause
    bool pause_wanted = false;  // a pause step begins
    bool pause_over = false;    // a pause step ends
    bool started_over = false;  // another template, or other steps
    bool scaled = false;        // a ReplicaSet changes size in this pass
    // The lowest weight that a route shall have, whether it may go there yet or not.
    std::optional<long> sought_weight;

    Pass(const crds::RolloutSpec& rollout_spec, const crds::CanaryStrategy& strategy,
         const crds::RolloutStatus& status, const Observation& observation, TimePoint time);

    [[nodiscard]] crds::RolloutStatus& status() { return decision.status; }

    // ---- questions ----
    [[nodiscard]] bool aborted() const { return !abort_lifted && (abort_asked || before.abort); }
    // stableRS is the declared version: nothing is under way.
    [[nodiscard]] bool promoted() const {
        return !before.stable_rs.empty() && before.stable_rs == before.current_pod_hash;
    }
    [[nodiscard]] bool routed() const { return canary.traffic_routing.has_value(); }
    [[nodiscard]] long replicas() const { return spec.replicas.value_or(1); }
    [[nodiscard]] long max_weight() const;
    [[nodiscard]] long step_count() const { return static_cast<long>(canary.steps.size()); }
    // The index in force; nothing without steps.
    [[nodiscard]] std::optional<long> step_index() const;
    // The step in force; null without steps and after the last.
    [[nodiscard]] const crds::CanaryStep* step() const;
    [[nodiscard]] bool paused_for(crds::PauseReason reason) const;
    // Why sizes stay as they are: a user's pause, or an inconclusive analysis.
    [[nodiscard]] bool halted() const;
    [[nodiscard]] bool distinct_stable() const { return stable && stable != fresh; }
    // The declared version is one that was promoted before and may come back without steps
    // (rollbackWindow).
    [[nodiscard]] bool within_rollback_window() const;
    [[nodiscard]] const ServiceSeen* service(const std::string& name) const;
    // The Rollout's revision as its annotation says.
    [[nodiscard]] long rollout_revision() const;
    [[nodiscard]] std::string fresh_name() const;

    // ---- the decision grows ----
    void act(Action action) { decision.actions.push_back({std::move(action), {}}); }
    void act(Action action, Event event) {
        decision.actions.push_back({std::move(action), {std::move(event)}});
    }
    void tell(std::string reason, std::string message) {
        decision.events.push_back({false, std::move(reason), std::move(message)});
    }
    void warn(std::string reason, std::string message) {
        decision.events.push_back({true, std::move(reason), std::move(message)});
    }
    void look_again(Duration after);
    void look_again_at(TimePoint when) { look_again(when - now); }
};

// What a status counts as available, ready …
long available_of(const std::vector<const ReplicaSetSeen*>& sets);
long spec_of(const std::vector<const ReplicaSetSeen*>& sets);

}  // namespace sluice::policy::rollout
