// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/oracle.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::sim {
namespace {

constexpr const char* hash_label = "rollouts-pod-template-hash";
// How long the ReplicaSet controller may take to tell what its pods do, twice over.
constexpr Duration workloads_lag = 300ms;
// From the last disturbance: the longest back-off, then a few passes with watches that lag.
constexpr Duration time_to_go = 40s;

// The weight of the last setWeight at or before the step.
long weight_of_step(const Json& steps, long index) {
    if (index >= static_cast<long>(steps.size())) return 100;
    for (long i = index; i >= 0; --i)
        if (steps[static_cast<size_t>(i)].contains("setWeight"))
            return steps[static_cast<size_t>(i)]["setWeight"].get<long>();
    return 0;
}

std::string show(const Moment& m) {
    return concat("weight ", m.weight.value_or(-1), " allowed ", m.allowance, " recorded ",
                  m.recorded.value_or(-1), " step ", m.step.value_or(-1), " current ", m.current,
                  "(", m.ready_of(m.current), " ready) stable ", m.stable, "(",
                  m.ready_of(m.stable), " ready) sides ", m.canary_side, "/", m.stable_side,
                  m.abort ? " aborted" : "");
}

}  // namespace

void Oracle::fail(const std::string& what) {
    broken_.push_back(what);
    stage_.trace.say(concat("BROKEN: ", what));
}

void Oracle::read_rollout(Moment& moment) const {
    const Json* rollout = journals_.find(resources::rollouts, "shop");
    if (!rollout) return;
    const Json& r = *rollout;
    moment.current = text_at(r, {"status", "currentPodHash"});
    moment.stable = text_at(r, {"status", "stableRS"});
    moment.abort = bool_at(r, {"status", "abort"});
    moment.promote_full = bool_at(r, {"status", "promoteFull"});
    moment.replicas = integer_at(r, {"spec", "replicas"}, 1);
    const Json* steps = find(r, {"spec", "strategy", "canary", "steps"});
    if (find(r, {"status", "currentStepIndex"}))
        moment.step = integer_at(r, {"status", "currentStepIndex"});
    if (steps && moment.step && *moment.step < static_cast<long>(steps->size())) {
        const Json& step = (*steps)[static_cast<size_t>(*moment.step)];
        if (step.contains("setWeight")) moment.step_weight = step["setWeight"].get<long>();
    }
    if (find(r, {"status", "canary", "weights", "canary", "weight"}))
        moment.recorded = integer_at(r, {"status", "canary", "weights", "canary", "weight"});
    // A full promotion lifts an abort: the user has asked for all of it.
    if (moment.stable.empty() || moment.stable == moment.current || !steps)
        moment.allowance = 0;
    else if (moment.promote_full)
        moment.allowance = 100;
    else if (moment.abort)
        moment.allowance = 0;
    else
        moment.allowance = weight_of_step(*steps, moment.step.value_or(0));
}

void Oracle::read_route(Moment& moment) const {
    const auto selector = [&](const char* service) {
        const Json* found = journals_.find(resources::services, service);
        return found ? text_at(*found, {"spec", "selector", hash_label}) : "";
    };
    moment.canary_side = selector("canary");
    moment.stable_side = selector("stable");
    if (shape_.router == RouterKind::Nginx) {
        const Json* ingress = journals_.find(resources::ingresses, "shop-shop-canary");
        if (!ingress) return;
        const auto weight = text_at(
            *ingress, {"metadata", "annotations", "nginx.ingress.kubernetes.io/canary-weight"});
        if (!weight.empty()) moment.weight = parse_integer(weight).value_or(0);
        return;
    }
    const Json* service = journals_.find(resources::virtual_services, "shop");
    if (!service) return;
    const Json& routes = (*service)["spec"]["http"][0]["route"];
    const bool subsets = shape_.router == RouterKind::IstioSubsets;
    for (const auto& route : routes)
        if (text_at(route, {"destination", subsets ? "subset" : "host"}) == "canary")
            moment.weight = integer_at(route, {"weight"});
    if (!subsets) return;
    const Json* rule = journals_.find(resources::destination_rules, "shop");
    for (const auto& subset : (*rule)["spec"]["subsets"]) {
        const auto hash = text_at(subset, {"labels", hash_label});
        (text_at(subset, {"name"}) == "canary" ? moment.canary_side : moment.stable_side) = hash;
    }
}

Moment Oracle::read() const {
    Moment moment{.version = stage_.store->version(), .when = stage_.now()};
    read_rollout(moment);
    read_route(moment);
    for (const auto& [key, pod] : journals_.of(resources::pods).live()) {
        if (find(pod, {"metadata", "deletionTimestamp"})) continue;
        const Json* conditions = find(pod, {"status", "conditions"});
        if (conditions && text_at((*conditions)[0], {"status"}) == "True")
            ++moment.ready[text_at(pod, {"metadata", "labels", hash_label})];
    }
    for (const auto& [key, set] : journals_.of(resources::replica_sets).live())
        moment.spec[text_at(set, {"metadata", "labels", hash_label})] =
            integer_at(set, {"spec", "replicas"}, 1);
    return moment;
}

bool Oracle::seen_since(long version, const Test& test, Duration older) const {
    TimePoint end = stage_.now();     // of the moment looked at
    std::optional<TimePoint> enough;  // what ended before this cannot have been seen
    for (auto at = moments_.rbegin(); at != moments_.rend(); ++at) {
        if (enough && end < *enough) return false;
        if (test(*at)) return true;
        if (!enough && at->version <= version) enough = end - older;
        end = at->when;
    }
    return false;
}

void Oracle::look(std::optional<Horizon> horizon) {
    moments_.push_back(read());
    if (moments_.size() < 2) return;
    const Moment& is = moments_.back();
    const Moment& was = moments_[moments_.size() - 2];
    if (horizon) {
        horizon_ = *horizon;
        judge_weight(was, is);
        judge_record(was, is);
        judge_sizes(was, is);
    }
    // Nothing is seen as late as that.
    if (moments_.size() > 2000) moments_.pop_front();
}

void Oracle::judge_weight(const Moment& was, const Moment& is) {
    const long before = was.weight.value_or(0);
    const long after = is.weight.value_or(0);
    if (after > before) {
        // What the Rollout allows is seen in the Rollout: an abort that was seen stands.
        if (!seen_since(horizon_.rollout, [&](const Moment& m) { return after <= m.allowance; }))
            fail(concat("weight raised above what the step allows: ", show(is)));
        if (!seen(
                [&](const Moment& m) {
                    return m.ready_of(m.canary_side) > 0 && m.canary_side == m.current;
                },
                workloads_lag))
            fail(concat("weight raised on pods that are not available: ", show(is)));
    }
    // Back to stable's pods is a rescue: where the route cannot be written, the Service still can,
    // in the pass that decides on the abort and before it is recorded.
    const bool rescue =
        is.canary_side == is.stable_side &&
        seen([&](const Moment& m) { return m.ready_of(is.stable_side) > 0; }, workloads_lag);
    if (was.canary_side != is.canary_side && after > 0 && !rescue &&
        !seen([&](const Moment& m) { return m.weight.value_or(0) == 0 || m.abort; }))
        fail(concat("the canary side changed its pods under traffic: ", show(is)));
    // Where nobody served, nothing is lost: the first version of all.
    if (was.stable_side != is.stable_side && was.ready_of(was.stable_side) > 0 &&
        !seen([&](const Moment& m) { return m.ready_of(is.stable_side) > 0; }, workloads_lag))
        fail(concat("the stable side went to pods that are not available: ", show(is)));
}

void Oracle::judge_record(const Moment& was, const Moment& is) {
    if (was.recorded != is.recorded && is.recorded &&
        !seen([&](const Moment& m) { return m.weight == is.recorded; }))
        fail(concat("a weight was recorded that was never in force: ", show(is)));
    const bool same = was.current == is.current && was.stable == is.stable && !is.abort &&
                      !was.abort && !was.promote_full && was.stable != was.current;
    if (same && was.step_weight && was.step && is.step == *was.step + 1 &&
        !seen([&](const Moment& m) { return m.weight == was.step_weight; }))
        fail(concat("step ", *was.step, " (setWeight ", *was.step_weight,
                    ") passed before its weight was in force: ", show(is)));
    if (!was.stable.empty() && was.stable != is.stable) {
        if (!seen([&](const Moment& m) { return m.ready_of(is.stable) > 0; }, workloads_lag))
            fail(concat("promoted pods that are not available: ", show(is)));
        const bool skips = shape_.rest.contains("rollbackWindow");
        if (!skips && !seen([&](const Moment& m) { return m.promote_full || m.weight == 100; }))
            fail(concat("promoted before all traffic was there: ", show(is)));
    }
}

// Floor, not ceiling: upstream's own rounding where a share is less than a pod.
void Oracle::judge_sizes(const Moment& was, const Moment& is) {
    for (const auto& [hash, size] : is.spec) {
        const auto before = was.spec.find(hash);
        if (before == was.spec.end() || before->second <= size) continue;
        const auto enough = [&, hash = hash, size = size](const Moment& m) {
            if (m.stable_side == hash || m.stable == hash)
                return size >= (100 - m.weight.value_or(0)) * m.replicas / 100;
            if (m.canary_side == hash) return size > 0 || m.weight.value_or(0) == 0;
            return true;
        };
        if (!seen(enough))
            fail(concat("pods of ", hash, " scaled from ", before->second, " to ", size,
                        ", below what their traffic needs: ", show(is)));
    }
}

void Oracle::tick(std::optional<TimePoint> calm) {
    if (moments_.empty()) return;
    const Moment& m = moments_.back();
    const long weight = m.weight.value_or(0);
    const bool rescue = m.ready_of(m.stable_side) > 0;  // somebody there to take the traffic
    const auto watch = [&](bool wrong, std::optional<TimePoint>& since, const char* what) {
        if (!wrong || !calm) {
            since.reset();
            return;
        }
        if (!since) since = stage_.now();
        if (stage_.now() - std::max(*since, *calm) <= time_to_go) return;
        fail(concat(what, " for too long: ", show(m)));
        since = stage_.now();
    };
    watch(weight > m.allowance && rescue, above_since_, "weight above what is allowed");
    watch(weight > 0 && m.ready_of(m.canary_side) == 0 && rescue, empty_since_,
          "weight on no pods");
}

}  // namespace sluice::sim
