// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/traffic.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/rollout/replicas.hpp"
#include "controller/policy/rollout/restart.hpp"

namespace sluice::policy::rollout {
namespace traffic {

constexpr Duration recheck = std::chrono::seconds{2};
constexpr Duration verify_retry = std::chrono::seconds{10};

std::string selected_hash(const ServiceSeen& service) {
    const auto found = service.selector.find(crds::pod_template_hash_label);
    return found == service.selector.end() ? "" : found->second;
}

bool fully_available(const ReplicaSetSeen& set) {
    return set.spec_replicas > 0 && set.available_replicas >= set.spec_replicas;
}

// Requests to the Service reach pods of this ReplicaSet and no others.
bool serves(const ServiceSeen* service, const ReplicaSetSeen& set) {
    if (!service || selected_hash(*service) != set.hash) return false;
    if (!service->ready_endpoints) return true;
    long own = 0;
    for (const auto& [hash, count] : *service->ready_endpoints) {
        if (hash != set.hash && count > 0) return false;
        if (hash == set.hash) own = count;
    }
    return own > 0 && own >= std::min(set.available_replicas, set.spec_replicas);
}

bool canary_ready(const Pass& pass, const RouteSeen& route) {
    if (!pass.fresh || pass.fresh->available_replicas == 0) return false;
    if (route.by_subset) return route.canary_subset_hash == pass.fresh->hash;
    return serves(pass.service(pass.canary.canary_service), *pass.fresh);
}

bool stable_ready(const Pass& pass, const RouteSeen& route) {
    if (!pass.stable || pass.stable->available_replicas == 0) return pass.replicas() == 0;
    if (route.by_subset) return route.stable_subset_hash == pass.stable->hash;
    return serves(pass.service(pass.canary.stable_service), *pass.stable);
}

// No pods to send anybody to.
bool deserted(const Pass& pass) {
    return !pass.fresh || pass.fresh->available_replicas == 0;
}

// The canary must go: it was aborted, or it has no pods to send anybody to.
bool urgent(const Pass& pass) {
    return pass.aborted() || deserted(pass);
}

// What the canary side of a route selects now.
std::string canary_side(const Pass& pass, const RouteSeen& route) {
    if (route.by_subset) return route.canary_subset_hash;
    const ServiceSeen* service = pass.service(pass.canary.canary_service);
    return service ? selected_hash(*service) : "";
}

// The canary side still belongs to another version, which has pods that serve.
bool serves_another(const Pass& pass, const RouteSeen& route) {
    const std::string hash = canary_side(pass, route);
    return std::any_of(pass.others.begin(), pass.others.end(), [&](const auto* set) {
        return !hash.empty() && set->hash == hash && set->available_replicas > 0;
    });
}

// With dynamicStableScale stable has too few pods to take everybody back at once. Where those on
// the canary side serve meanwhile, they keep what stable cannot take yet (argo-rollouts.md 2.4).
bool steps_down(const Pass& pass, const RouteSeen& route) {
    if (!pass.canary.dynamic_stable_scale || !pass.stable || pass.replicas() == 0) return false;
    return (pass.aborted() && !deserted(pass)) || serves_another(pass, route);
}

long step_down(const Pass& pass, const RouteSeen& route) {
    const long able = std::min(pass.stable->available_replicas, pass.replicas());
    return std::min(pass.max_weight() - able * pass.max_weight() / pass.replicas(),
                    route.weight.value_or(0));
}

// Stable pods enough for what the canary does not get. Where the canary must go, one will do: too
// few good pods are better than bad ones or none (unlike upstream, which waits for all).
bool stable_can_take(const Pass& pass, const RouteSeen& route, long canary_weight) {
    const bool gradual = steps_down(pass, route);
    if (pass.promoted() && (!gradual || !stable_ready(pass, route)))
        return stable_ready(pass, route);
    if (!pass.stable) return false;
    if (urgent(pass) && !gradual)
        return pass.stable->available_replicas > 0 || pass.replicas() == 0;
    const long needed = (pass.max_weight() - canary_weight) * pass.replicas() / pass.max_weight();
    return pass.stable->available_replicas >= needed ||
           (pass.canary.replica_progress_threshold && enough_available(pass, pass.stable, needed));
}

// Another version's pods never get this version's weight: first to 0, then the switch.
long fitting(const Pass& pass, const RouteSeen& route, long desired) {
    if (steps_down(pass, route)) return step_down(pass, route);
    return pass.fresh && canary_side(pass, route) == pass.fresh->hash ? desired : 0;
}

// Whoever gets more must be ready for it. A stable version that is down is no reason to keep
// traffic from a canary that is up.
bool may_go_to(const Pass& pass, const RouteSeen& route, long weight) {
    const long now = route.weight.value_or(0);
    if (weight > now) return canary_ready(pass, route);
    // Where the shares stay nobody gets more, and a canary that is up begins with that.
    const bool canary_waits = pass.distinct_stable() && !deserted(pass);
    return (weight == now && canary_waits) || stable_can_take(pass, route, weight);
}

// The stable subset takes everybody along: it follows a promotion to a version that is all there,
// or away from one that has no pods. Without a label it reaches pods that no Rollout knows of.
bool stable_subset_may_follow(const Pass& pass, const RouteSeen& route) {
    if (!pass.stable) return false;
    if (fully_available(*pass.stable)) return true;
    const auto& sets = pass.seen.replica_sets;
    return !route.stable_subset_hash.empty() &&
           std::none_of(sets.begin(), sets.end(), [&](const auto& set) {
               return set.hash == route.stable_subset_hash && set.available_replicas > 0;
           });
}

SetWeight order(const Pass& pass, const RouteSeen& route, long weight) {
    SetWeight action{.router = route.router, .weight = weight, .max_weight = pass.max_weight()};
    action.from = route.weight;
    if (!route.by_subset) return action;
    // A subset that carries traffic keeps its version until the weight was seen at 0.
    const bool idle = route.weight == 0 || route.canary_subset_hash.empty();
    const bool takes = idle && pass.fresh;
    action.canary_subset_hash = takes ? pass.fresh->hash : route.canary_subset_hash;
    // More users only for the pods that they were decided for.
    action.keep_canary_subset = !takes && weight <= route.weight.value_or(0);
    action.keep_stable_subset = !stable_subset_may_follow(pass, route);
    action.stable_subset_hash =
        action.keep_stable_subset ? route.stable_subset_hash : pass.stable->hash;
    return action;
}

bool in_place(const RouteSeen& route, const SetWeight& wanted) {
    return route.settled && route.weight == wanted.weight &&
           (!route.by_subset || (route.canary_subset_hash == wanted.canary_subset_hash &&
                                 route.stable_subset_hash == wanted.stable_subset_hash));
}

void steer(Pass& pass, const RouteSeen& route, long desired) {
    if (!route.problem.empty()) {
        pass.warn("TrafficRoutingError", concat(route.router, ": ", route.problem));
        pass.look_again(verify_retry);
        return;
    }
    if (route.verified == false) pass.look_again(verify_retry);
    SetWeight wanted = order(pass, route, fitting(pass, route, desired));
    pass.sought_weight = std::min(pass.sought_weight.value_or(wanted.weight), wanted.weight);
    if (in_place(route, wanted)) return;
    if (!may_go_to(pass, route, wanted.weight)) {
        pass.look_again(recheck);
        // The stable subset follows a promotion even while the weight has to stay.
        if (!route.by_subset || !route.weight || !pass.stable || !fully_available(*pass.stable))
            return;
        wanted = order(pass, route, *route.weight);
        if (in_place(route, wanted)) return;
    }
    pass.act(wanted);
}

// What all objects of all routers say. Half-written weights are not recorded: stable is sized by
// what is recorded (dynamicStableScale), and some users still go by the old one.
std::optional<long> seen_weight(const Pass& pass) {
    std::optional<long> weight;
    for (const auto& route : pass.seen.routes) {
        if (!route.weight || !route.problem.empty() || !route.settled) return std::nullopt;
        if (weight.value_or(*route.weight) != *route.weight) return std::nullopt;
        weight = route.weight;
    }
    return weight;
}

std::optional<bool> seen_verified(const Pass& pass) {
    std::optional<bool> verified;
    for (const auto& route : pass.seen.routes)
        if (route.verified) verified = verified.value_or(true) && *route.verified;
    return verified;
}

void record(Pass& pass) {
    const auto weight = seen_weight(pass);
    if (!weight) return;
    auto& recorded = pass.status().canary.weights;
    const bool first = !recorded;
    const long was = recorded ? recorded->canary.weight : 0;
    const auto hash_of = [](const ReplicaSetSeen* set) { return set ? set->hash : ""; };
    recorded = crds::TrafficWeights{
        .canary = {*weight, pass.canary.canary_service, hash_of(pass.fresh)},
        .stable = {pass.max_weight() - *weight, pass.canary.stable_service, hash_of(pass.stable)},
        .verified = seen_verified(pass)};
    if (first)
        pass.tell("TrafficWeightUpdated", concat("Traffic weight updated to ", *weight));
    else if (was != *weight)
        pass.tell("TrafficWeightUpdated",
                  concat("Traffic weight updated from ", was, " to ", *weight));
}

long last_weight_before(const Pass& pass, long index) {
    for (long i = std::min(index, pass.step_count()) - 1; i >= 0; --i)
        if (const auto* step =
                std::get_if<crds::SetWeightStep>(&pass.canary.steps[static_cast<size_t>(i)]))
            return step->weight;
    return 0;
}

enum class Care { Availability, None };

void point(Pass& pass, const std::string& name, const ReplicaSetSeen* set, Care care) {
    const ServiceSeen* service = pass.service(name);
    if (!service || !set) return;
    const std::string from = selected_hash(*service);
    if (from == set->hash) return;
    if (!service->managed_by.empty() && service->managed_by != pass.seen.rollout.name) return;
    if (care == Care::Availability) {
        if (set->available_replicas == 0) return;
        // A Service that was somebody's before takes all its traffic along.
        if (service->managed_by.empty() && !fully_available(*set)) return;
    }
    pass.act(PointService{name, from, set->hash},
             {false, "SwitchService",
              concat("Switched selector for service '", name, "' from '", from, "' to '", set->hash,
                     "'")});
}

bool unreadable(const Pass& pass) {
    return std::any_of(pass.seen.routes.begin(), pass.seen.routes.end(),
                       [](const auto& route) { return !route.problem.empty(); });
}

void point_canary(Pass& pass) {
    const std::string& name = pass.canary.canary_service;
    if (!pass.routed())
        return point(pass, name, pass.aborted() ? pass.stable : pass.fresh, Care::Availability);
    const bool idle = weight_in_force(pass, 0);
    if (!pass.aborted()) {
        if (idle) point(pass, name, pass.fresh, Care::Availability);
        return;
    }
    // Where the weight cannot be taken back, the Service still can; and it does not wait to see
    // which of the two works, as long as stable can take everybody.
    const bool stable_is_full =
        !pass.canary.dynamic_stable_scale && pass.stable && pass.stable->available_replicas > 0;
    if (idle || stable_is_full || unreadable(pass)) point(pass, name, pass.stable, Care::None);
}

}  // namespace traffic

long desired_weight(const Pass& pass) {
    if (pass.promoted() || traffic::urgent(pass) || restart_takes_canary(pass)) return 0;
    if (pass.before.promote_full && pass.canary.dynamic_stable_scale && pass.replicas() > 0)
        return pass.max_weight() * std::min(pass.fresh->available_replicas, pass.replicas()) /
               pass.replicas();
    if (pass.before.promote_full)
        return pass.before.canary.weights ? pass.before.canary.weights->canary.weight : 0;
    const auto index = pass.step_index();
    if (!index) return 0;
    if (!at_desired_counts(pass, std::nullopt)) return traffic::last_weight_before(pass, *index);
    return current_set_weight(pass);
}

bool another_is_served(const Pass& pass) {
    return std::any_of(pass.seen.routes.begin(), pass.seen.routes.end(), [&](const auto& route) {
        return route.weight != 0 && traffic::serves_another(pass, route);
    });
}

bool weight_in_force(const Pass& pass, long weight) {
    return std::all_of(pass.seen.routes.begin(), pass.seen.routes.end(), [&](const auto& route) {
        return route.problem.empty() && route.weight == weight && (weight == 0 || route.settled);
    });
}

void reconcile_traffic(Pass& pass) {
    if (!pass.routed()) {
        pass.status().canary.weights.reset();
        return;
    }
    traffic::record(pass);
    const long desired = desired_weight(pass);
    for (const auto& route : pass.seen.routes) traffic::steer(pass, route, desired);
}

void lead_users_home(Pass& pass) {
    if (pass.routed())
        for (const auto& route : pass.seen.routes)
            if (route.weight.value_or(0) > 0) traffic::steer(pass, route, 0);
    reconcile_services(pass);
}

void reconcile_services(Pass& pass) {
    traffic::point(pass, pass.canary.stable_service, pass.stable, traffic::Care::Availability);
    traffic::point_canary(pass);
}

}  // namespace sluice::policy::rollout
