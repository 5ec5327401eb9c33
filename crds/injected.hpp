// SPDX-License-Identifier: Apache-2.0
// What the controller adds to the pod template of a ReplicaSet beyond the declared one: metadata
// for as long as the pods are canary or stable, and anti-affinity against the stable version
// (argo-rollouts.md 1.5, 2.18). Neither makes another version.
#pragma once

#include <string>
#include <string_view>

#include "base/json_value.hpp"
#include "crds/metadata.hpp"

namespace sluice::crds {

// On a ReplicaSet: what was injected, as upstream writes it.
inline constexpr const char* ephemeral_metadata_annotation =
    "rollout.argoproj.io/ephemeral-metadata";

struct PodMetadata {
    TextMap labels;
    TextMap annotations;
    [[nodiscard]] bool empty() const { return labels.empty() && annotations.empty(); }
    bool operator==(const PodMetadata&) const = default;
};

// {"labels":{…},"annotations":{…}}; empty maps are left out.
std::string pod_metadata_text(const PodMetadata& metadata);
// Empty where the text is none.
PodMetadata read_pod_metadata(std::string_view text);

// Brings the metadata of a template or of a pod from `injected` before to `wanted`; nothing else is
// touched. The answer is an RFC 7386 patch of `metadata` ({"labels": …}), empty where all is well.
Json metadata_patch(const Json& metadata, const PodMetadata& injected, const PodMetadata& wanted);

// A term that keeps new pods off nodes where pods of `hash` run.
struct AntiAffinity {
    bool preferred = false;  // else required
    long weight = 0;         // of a preferred one, 1-100
    std::string hash;
    bool operator==(const AntiAffinity&) const = default;
};
void add_anti_affinity(Json& pod_spec, const AntiAffinity& rule, const std::string& ns);
void drop_anti_affinity(Json& pod_spec);
// The hash of the injected term; empty without one.
std::string anti_affinity_hash(const Json& pod_spec);

// The template of a ReplicaSet as it was declared: without hash label and what was injected.
Json declared_template(const Json& replica_set);

}  // namespace sluice::crds
