// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/deployment_sizes.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

long asked_of(const std::vector<const ReplicaSetView*>& sets) {
    long sum = 0;
    for (const auto* rs : sets) sum += rs->replicas;
    return sum;
}

long available_of(const std::vector<const ReplicaSetView*>& sets) {
    long sum = 0;
    for (const auto* rs : sets) sum += rs->status.available;
    return sum;
}

// How far this set is to move when all sets together may have `most` pods.
long fraction_of(const DeploymentView& deployment, const ReplicaSetView& rs) {
    if (deployment.replicas == 0) return -rs.replicas;
    const long most = deployment.replicas + deployment.max_surge;
    const auto known = rs.deployed.annotations.find(max_annotation);
    long before = known == rs.deployed.annotations.end()
                      ? 0
                      : static_cast<long>(parse_integer(known->second).value_or(0));
    if (before <= 0) before = deployment.status.replicas;
    if (before <= 0) return 0;
    const double size =
        static_cast<double>(rs.replicas) * static_cast<double>(most) / static_cast<double>(before);
    return std::lround(size) - rs.replicas;
}

}  // namespace

std::vector<const ReplicaSetView*> DeployedSets::all() const {
    auto sets = old;
    if (current) sets.push_back(current);
    return sets;
}

long rolling_size(const DeploymentView& deployment, const DeployedSets& sets) {
    const long now = sets.current ? sets.current->replicas : 0;
    if (now > deployment.replicas) return deployment.replicas;
    const long room = deployment.replicas + deployment.max_surge - asked_of(sets.all());
    if (room <= 0) return now;
    return now + std::min(room, deployment.replicas - now);
}

Sizes shrink_old_sets(const DeploymentView& deployment, const DeployedSets& sets) {
    Sizes sizes;
    const long least =
        deployment.replicas - std::min(deployment.max_unavailable, deployment.replicas);
    const long starting =
        sets.current ? sets.current->replicas - sets.current->status.available : 0;
    const long most_down = asked_of(sets.all()) - least - starting;
    if (asked_of(sets.old) == 0 || most_down <= 0) return sizes;
    long down = 0;
    const auto size_of = [&](const ReplicaSetView& rs) {
        const auto found = sizes.find(rs.name);
        return found == sizes.end() ? rs.replicas : found->second;
    };
    for (const auto* rs : sets.old) {
        const long sick = std::min(most_down - down, rs->replicas - rs->status.available);
        if (down >= most_down || rs->replicas == 0 || sick <= 0) continue;
        sizes[rs->name] = rs->replicas - sick;
        down += sick;
    }
    const long surplus = available_of(sets.all()) - least;
    down = 0;
    for (const auto* rs : sets.old) {
        const long fewer = std::min(size_of(*rs), surplus - down);
        if (fewer <= 0) continue;
        sizes[rs->name] = size_of(*rs) - fewer;
        down += fewer;
    }
    return sizes;
}

Sizes proportional_sizes(const DeploymentView& deployment, const DeployedSets& sets) {
    std::vector<const ReplicaSetView*> active;
    for (const auto* rs : sets.all())
        if (rs->replicas > 0) active.push_back(rs);
    const long most = deployment.replicas > 0 ? deployment.replicas + deployment.max_surge : 0;
    const long to_add = most - asked_of(active);
    // The largest first; among equals the newest where pods are added, the oldest where they go.
    std::ranges::stable_sort(active, [&](const auto* a, const auto* b) {
        if (a->replicas != b->replicas) return a->replicas > b->replicas;
        return to_add > 0 ? a->deployed.created > b->deployed.created
                          : a->deployed.created < b->deployed.created;
    });
    Sizes sizes;
    long added = 0;
    for (const auto* rs : active) {
        long part = to_add == 0 || to_add == added ? 0 : fraction_of(deployment, *rs);
        part = to_add > 0 ? std::min(part, to_add - added) : std::max(part, to_add - added);
        sizes[rs->name] = rs->replicas + part;
        added += part;
    }
    if (!active.empty() && to_add != 0) {
        long& first = sizes[active.front()->name];
        first = std::max(0L, first + to_add - added);
    }
    return sizes;
}

}  // namespace sluice::standalone::workloads
