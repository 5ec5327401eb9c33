// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/pod_metadata.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace sluice::policy::rollout {
namespace pod_metadata {

// Pods wake nobody.
constexpr Duration recheck = std::chrono::seconds{5};

std::uint64_t mark(char kind, std::string_view key, std::string_view value) {
    const std::uint64_t upper = fnv1a_32(key, fnv1a_32({&kind, 1}));
    return upper << 32 | fnv1a_32(value);
}

bool has(const PodSeen& pod, std::uint64_t wanted) {
    return std::binary_search(pod.marks.begin(), pod.marks.end(), wanted);
}

bool has_key(const PodSeen& pod, std::uint64_t any_value) {
    const auto key = any_value >> 32;
    const auto found = std::lower_bound(pod.marks.begin(), pod.marks.end(), key << 32);
    return found != pod.marks.end() && *found >> 32 == key;
}

bool right(const PodSeen& pod, char kind, const crds::TextMap& injected,
           const crds::TextMap& wanted) {
    return std::ranges::all_of(wanted,
                               [&](const auto& entry) {
                                   return has(pod, mark(kind, entry.first, entry.second));
                               }) &&
           std::ranges::none_of(injected, [&](const auto& entry) {
               return !wanted.contains(entry.first) && has_key(pod, mark(kind, entry.first, ""));
           });
}

// Labels by which ReplicaSets find their pods stay as they are.
crds::PodMetadata without_selected(const Pass& pass, crds::PodMetadata metadata) {
    metadata.labels.erase(crds::pod_template_hash_label);
    if (!pass.spec.selector) return metadata;
    for (const auto& [key, value] : pass.spec.selector->match_labels) metadata.labels.erase(key);
    for (const auto& rule : pass.spec.selector->match_expressions) metadata.labels.erase(rule.key);
    return metadata;
}

crds::PodMetadata wanted(const Pass& pass, const ReplicaSetSeen& set) {
    const bool alone = pass.before.stable_rs.empty() || pass.fresh == pass.stable;
    if (&set == pass.stable || (&set == pass.fresh && alone))
        return without_selected(pass, pass.canary.stable_metadata);
    if (&set == pass.fresh) return without_selected(pass, pass.canary.canary_metadata);
    return {};
}

void add_missing(crds::TextMap& to, const crds::TextMap& from) {
    for (const auto& entry : from) to.insert(entry);
}

void reconcile(Pass& pass, const ReplicaSetSeen& set) {
    const auto found = set.annotations.find(crds::ephemeral_metadata_annotation);
    const crds::PodMetadata injected = found == set.annotations.end()
                                           ? crds::PodMetadata{}
                                           : crds::read_pod_metadata(found->second);
    const crds::PodMetadata target = wanted(pass, set);
    LabelPods relabel{.injected = injected, .wanted = target};
    for (const auto& pod : pass.seen.pods)
        if (pod.replica_set == set.name && !pod.deleting &&
            !(right(pod, 'l', injected.labels, target.labels) &&
              right(pod, 'a', injected.annotations, target.annotations)))
            relabel.pods.push_back(pod.name);
    crds::PodMetadata noted = target;
    if (!relabel.pods.empty()) {
        add_missing(noted.labels, injected.labels);
        add_missing(noted.annotations, injected.annotations);
    }
    if (noted != injected) pass.act(InjectMetadata{set.name, target, noted});
    if (relabel.pods.empty()) return;
    pass.act(std::move(relabel));
    if (noted != target) pass.look_again(recheck);
}

}  // namespace pod_metadata

std::uint64_t label_mark(std::string_view key, std::string_view value) {
    return pod_metadata::mark('l', key, value);
}

std::uint64_t annotation_mark(std::string_view key, std::string_view value) {
    return pod_metadata::mark('a', key, value);
}

crds::PodMetadata metadata_at_birth(const Pass& pass) {
    return pod_metadata::without_selected(
        pass, pass.stable ? pass.canary.canary_metadata : pass.canary.stable_metadata);
}

std::optional<crds::AntiAffinity> wanted_anti_affinity(const Pass& pass) {
    const auto& rule = pass.canary.anti_affinity;
    const std::string& stable = pass.before.stable_rs;
    const std::string& own = pass.fresh ? pass.fresh->hash : pass.seen.rollout.template_hash;
    if (!rule || !(rule->preferred || rule->required) || stable.empty() || stable == own)
        return std::nullopt;
    return crds::AntiAffinity{rule->preferred, rule->weight, stable};
}

void reconcile_pod_metadata(Pass& pass) {
    for (const auto& set : pass.seen.replica_sets)
        if (set.owned && !set.deleting) pod_metadata::reconcile(pass, set);
}

}  // namespace sluice::policy::rollout
