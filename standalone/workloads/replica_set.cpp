// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/replica_set.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

// Upstream's burstReplicas: a mistyped replica count must not flood the server in one go.
constexpr long most_per_pass = 500;

int phase_rank(const std::string& phase) {
    if (phase == "Pending" || phase.empty()) return 0;
    if (phase == "Unknown") return 1;
    return 2;
}

// True where `a` is to go before `b`.
bool goes_first(const PodView& a, const PodView& b) {
    const auto rank = [](const PodView& pod) {
        return std::tuple(!pod.node.empty(), phase_rank(pod.phase), pod.ready, pod.deletion_cost);
    };
    if (rank(a) != rank(b)) return rank(a) < rank(b);
    if (a.ready && a.ready_since != b.ready_since) return a.ready_since > b.ready_since;
    if (a.restarts != b.restarts) return a.restarts > b.restarts;
    if (a.created != b.created) return a.created > b.created;
    return a.name < b.name;
}

std::optional<Duration> sooner(std::optional<Duration> a, Duration b) {
    return a ? std::min(*a, b) : b;
}

void count(const ReplicaSetView& rs, const std::vector<PodView>& ours, TimePoint now,
           ReplicaSetDecision& decision) {
    auto& status = decision.status;
    status.observed_generation = rs.generation;
    status.replicas = static_cast<long>(ours.size());
    for (const auto& pod : ours) {
        if (contains(pod.labels, rs.template_labels)) ++status.fully_labeled;
        if (!pod.ready) continue;
        ++status.ready;
        const auto available_at = pod.ready_since + rs.min_ready;
        if (rs.min_ready == Duration{0} || available_at <= now)
            ++status.available;
        else
            decision.look_again = sooner(decision.look_again, available_at - now);
    }
}

}  // namespace

ReplicaSetDecision decide_replica_set(const ReplicaSetView& rs, const std::vector<PodView>& pods,
                                      TimePoint now) {
    ReplicaSetDecision decision;
    std::vector<PodView> ours;
    for (const auto& pod : pods) {
        if (!pod.active()) continue;
        const bool fits = matches(rs.selector, pod.labels);
        const bool owned = pod.controller && pod.controller->uid == rs.uid;
        if (owned && !fits && !rs.deleting) {
            decision.release.push_back(pod.name);
            continue;
        }
        if (!owned) {
            if (pod.controller || !fits || rs.deleting) continue;
            decision.adopt.push_back(pod.name);
        }
        ours.push_back(pod);
    }
    count(rs, ours, now, decision);
    if (rs.deleting) return decision;
    const long missing = rs.replicas - static_cast<long>(ours.size());
    if (missing > 0) decision.create = std::min(missing, most_per_pass);
    if (missing < 0) {
        std::ranges::sort(ours, goes_first);
        const auto surplus = static_cast<size_t>(std::min(-missing, most_per_pass));
        for (size_t i = 0; i < surplus; ++i) decision.remove.push_back(ours[i].name);
    }
    return decision;
}

Json controller_reference(const Json& replica_set) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "ReplicaSet"},
            {"name", text_at(replica_set, {"metadata", "name"})},
            {"uid", text_at(replica_set, {"metadata", "uid"})},
            {"controller", true},
            {"blockOwnerDeletion", true}};
}

Json pod_from_template(const Json& replica_set, const std::string& suffix) {
    const std::string name = text_at(replica_set, {"metadata", "name"});
    const Json* shape = find(replica_set, {"spec", "template"});
    Json metadata = Json::object();
    for (const auto* kept : {"labels", "annotations", "finalizers"}) {
        const Json* value = shape ? find(*shape, {"metadata", kept}) : nullptr;
        if (value) metadata[kept] = *value;
    }
    metadata["generateName"] = concat(name, "-");
    metadata["name"] = concat(name, "-", suffix);
    metadata["namespace"] = text_at(replica_set, {"metadata", "namespace"});
    metadata["ownerReferences"] = Json::array({controller_reference(replica_set)});
    Json spec = Json::object();
    if (const Json* given = shape ? find(*shape, {"spec"}) : nullptr) spec = *given;
    return {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", metadata}, {"spec", spec}};
}

}  // namespace sluice::standalone::workloads
