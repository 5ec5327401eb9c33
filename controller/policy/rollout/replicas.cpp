// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/replicas.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "controller/policy/rollout/traffic.hpp"

namespace sluice::policy::rollout {
namespace replicas {

long ceil_div(long value, long by) {
    return value <= 0 ? 0 : (value + by - 1) / by;
}

// A number, "30%", or digits alone, which upstream's parser takes for percent.
long resolve(const std::optional<IntOrString>& written, long replicas, long rounding) {
    if (written && written->number) return *written->number;
    std::string_view text = written ? std::string_view(written->text) : "25";
    if (text.ends_with('%')) text.remove_suffix(1);
    const long percent = parse_integer(text).value_or(0);
    return (percent * replicas + rounding) / 100;
}

// Half way between two whole numbers of pods.
bool tied(long weight, long max_weight, long total) {
    return 2 * total * weight % max_weight == 0 && total * weight % max_weight != 0;
}

struct Option {
    long canary;
    long total;
};

double distance(const Option& option, long weight, long max_weight) {
    return std::abs(static_cast<double>(option.canary * max_weight) /
                        static_cast<double>(option.total) -
                    static_cast<double>(weight));
}

const crds::SetCanaryScaleStep* canary_scale(const Pass& pass) {
    if (!pass.routed() || !pass.step()) return nullptr;
    if (pass.aborted() && abort_scale_down_delay(pass)) return nullptr;
    for (long i = *pass.step_index(); i >= 0; --i) {
        const auto* step =
            std::get_if<crds::SetCanaryScaleStep>(&pass.canary.steps[static_cast<size_t>(i)]);
        if (!step) continue;
        return step->match_traffic_weight ? nullptr : step;
    }
    return nullptr;
}

// Either a number of pods, or a weight.
struct CanaryNeed {
    std::optional<long> pods;
    long weight = 0;
};

CanaryNeed canary_need(const Pass& pass) {
    if (pass.before.promote_full || pass.before.stable_rs.empty() || pass.promoted())
        return {.weight = pass.max_weight()};
    if (const auto* scale = canary_scale(pass)) {
        if (scale->replicas) return {.pods = scale->replicas};
        if (scale->weight) return {.weight = *scale->weight};
    }
    return {.weight = current_set_weight(pass)};
}

long at_least_min_pods(const Pass& pass, long count) {
    if (count == 0 || !pass.routed() || !pass.canary.min_pods_per_replica_set) return count;
    return std::max(count, std::min(*pass.canary.min_pods_per_replica_set, pass.replicas()));
}

long pods_for(const Pass& pass, long weight) {
    return ceil_div(weight * pass.replicas(), pass.max_weight());
}

ReplicaCounts routed_counts(const Pass& pass, const std::optional<crds::TrafficWeights>& weights) {
    const CanaryNeed need = canary_need(pass);
    long canary = need.pods ? *need.pods : at_least_min_pods(pass, pods_for(pass, need.weight));
    // A weight that has yet to fall keeps its pods (a retry while an abort is still under way).
    if (weights && pass.fresh && pass.sought_weight.value_or(0) < weights->canary.weight)
        canary = std::max(
            canary, std::min(pass.fresh->spec_replicas, pods_for(pass, weights->canary.weight)));
    if (!pass.canary.dynamic_stable_scale) return {canary, pass.replicas()};
    long stable = pods_for(pass, pass.max_weight() - need.weight);
    // A weight falls only once stable can take it: it must grow for where the weight shall go, not
    // only for where it is.
    if (pass.sought_weight)
        stable = std::max(stable, pods_for(pass, pass.max_weight() - *pass.sought_weight));
    if (weights) {
        stable = std::max(stable, pods_for(pass, weights->stable.weight));
        // Traffic first: an aborted canary keeps what its recorded weight needs.
        if (pass.aborted()) canary = std::max(canary, pods_for(pass, weights->canary.weight));
    }
    // Their users go back to stable before they come here.
    if (another_is_served(pass)) stable = pass.replicas();
    return {at_least_min_pods(pass, canary), at_least_min_pods(pass, stable)};
}

long counted_for_scale_down(const ReplicaSetSeen* set, bool ignore_availability) {
    if (!set) return 0;
    if (ignore_availability || set->spec_replicas < set->available_replicas)
        return set->spec_replicas;
    return set->available_replicas;
}

struct Side {
    const ReplicaSetSeen* set;
    long count;
};

// Takes back what the two sides together have above the surge, without giving up availability that
// maxUnavailable protects.
void keep_within_limits(Side& draining, Side& other, long most, long least_available) {
    if (!other.set) return;
    const auto over = [&] { return std::max(0L, draining.count + other.count - most); };
    other.count -= over();
    long available = std::min(other.set->available_replicas, other.count);
    if (draining.set) available += std::min(draining.set->available_replicas, draining.count);
    const long given_up = std::max(0L, other.set->available_replicas - other.count);
    other.count += std::min(given_up, std::max(0L, least_available - available));
    draining.count -= over();
}

// Grows the stable side first, then the canary, within what surging allows.
void scale_up(const Pass& pass, const ReplicaCounts& desired, long most, ReplicaCounts& counts) {
    long room = most - spec_of(pass.older) - (pass.fresh ? pass.fresh->spec_replicas : 0);
    if (pass.distinct_stable() && counts.stable < desired.stable && room > 0) {
        const long more = std::min(room, desired.stable - counts.stable);
        counts.stable += more;
        room -= more;
    }
    if (pass.fresh && counts.canary < desired.canary && room > 0)
        counts.canary += std::min(room, desired.canary - counts.canary);
}

void scale_down(const Pass& pass, const ReplicaCounts& desired, long most, long least_available,
                ReplicaCounts& counts) {
    const bool growing = !pass.fresh || desired.canary >= pass.fresh->spec_replicas;
    const ReplicaSetSeen* stable = pass.stable;
    const long counted =
        counted_for_scale_down(pass.fresh, !growing) + counted_for_scale_down(stable, growing);
    if (counted <= least_available) return;
    const long spare = counted - least_available;
    Side canary_side{pass.fresh, counts.canary};
    Side stable_side{stable, counts.stable};
    if (growing && !pass.distinct_stable()) return;
    Side& draining = growing ? stable_side : canary_side;
    Side& other = growing ? canary_side : stable_side;
    const long target = growing ? desired.stable : desired.canary;
    if (draining.set && draining.set->spec_replicas > target)
        draining.count = std::max(target, draining.set->spec_replicas - spare);
    keep_within_limits(draining, other, most, least_available);
    counts = {canary_side.count, stable_side.count};
}

ReplicaCounts basic_counts(const Pass& pass) {
    const Fenceposts posts = fenceposts(pass.canary, pass.replicas());
    ReplicaCounts desired = approximate_counts(pass.replicas(), canary_need(pass).weight,
                                               pass.max_weight(), posts.surge);
    if (!pass.distinct_stable()) desired = {pass.replicas(), 0};
    ReplicaCounts counts{pass.fresh ? pass.fresh->spec_replicas : 0,
                         pass.distinct_stable() ? pass.stable->spec_replicas : 0};
    const long most = pass.replicas() + posts.surge;
    scale_up(pass, desired, most, counts);
    // Older versions are scaled down before either of these two.
    if (spec_of(pass.others) > 0) return counts;
    scale_down(pass, desired, most, pass.replicas() - posts.unavailable, counts);
    return counts;
}

bool all_created(const ReplicaSetSeen* set, long desired) {
    return set && set->spec_replicas == desired && set->replicas == desired;
}

}  // namespace replicas

Fenceposts fenceposts(const crds::CanaryStrategy& canary, long replicas) {
    Fenceposts posts{rollout::replicas::resolve(canary.max_surge, replicas, 99),
                     rollout::replicas::resolve(canary.max_unavailable, replicas, 0)};
    if (posts.surge == 0 && posts.unavailable == 0) posts.unavailable = 1;
    posts.unavailable = std::min(posts.unavailable, replicas);
    return posts;
}

ReplicaCounts approximate_counts(long replicas, long weight, long max_weight, long surge) {
    using rollout::replicas::Option;
    if (replicas == 0) return {};
    const long up = rollout::replicas::ceil_div(replicas * weight, max_weight);
    const long down = replicas * weight / max_weight;
    const bool zero_allowed = weight == 0 || weight == max_weight || (replicas == 1 && surge == 0);
    std::vector<Option> options;
    if (up < replicas || zero_allowed) options.push_back({up, replicas});
    const auto add_down = [&](long total) {
        if (!rollout::replicas::tied(weight, max_weight, total) && (down != 0 || zero_allowed))
            options.push_back({down, total});
    };
    add_down(replicas);
    if (surge > 0) {
        options.push_back({up, replicas + 1});
        add_down(replicas + 1);
    }
    if (options.empty()) return {0, replicas};
    Option best = options.front();
    for (const auto& option : options)
        if (rollout::replicas::distance(option, weight, max_weight) <
            rollout::replicas::distance(best, weight, max_weight))
            best = option;
    return {best.canary, best.total - best.canary};
}

ReplicaCounts wanted_counts(const Pass& pass, const std::optional<crds::TrafficWeights>& weights) {
    return pass.routed() ? replicas::routed_counts(pass, weights) : replicas::basic_counts(pass);
}

long current_set_weight(const Pass& pass) {
    if (pass.aborted()) return 0;
    if (!pass.step()) return pass.max_weight();
    for (long i = *pass.step_index(); i >= 0; --i)
        if (const auto* step =
                std::get_if<crds::SetWeightStep>(&pass.canary.steps[static_cast<size_t>(i)]))
            return step->weight;
    return 0;
}

bool enough_available(const Pass& pass, const ReplicaSetSeen* set, long desired) {
    if (!set) return false;
    const auto& threshold = pass.canary.replica_progress_threshold;
    if (!threshold || threshold->value < 0)
        return set->spec_replicas == desired && set->available_replicas == desired;
    if (!threshold->percent) return set->available_replicas >= threshold->value;
    return desired == 0 || set->available_replicas * 100 >= threshold->value * desired;
}

bool at_desired_counts(const Pass& pass, const std::optional<crds::TrafficWeights>& weights) {
    const ReplicaCounts wanted = wanted_counts(pass, weights);
    if (!enough_available(pass, pass.fresh, wanted.canary)) return false;
    const bool stable_counts = !pass.routed() || !pass.canary.dynamic_stable_scale;
    if (stable_counts && !replicas::all_created(pass.stable, wanted.stable)) return false;
    // Without a router every pod gets traffic: older ones must be gone.
    return pass.routed() || available_of(pass.others) == 0;
}

std::optional<Duration> abort_scale_down_delay(const Pass& pass) {
    if (!pass.routed()) return Duration{0};
    const long seconds = pass.canary.abort_scale_down_delay_seconds.value_or(30);
    if (seconds == 0) return std::nullopt;
    return std::chrono::seconds{seconds};
}

}  // namespace sluice::policy::rollout
