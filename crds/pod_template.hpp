// SPDX-License-Identifier: Apache-2.0
// A pod template stays a document (DESIGN D11). This is what can be said about one: upstream's
// hash, which names ReplicaSets and must be theirs for ever, and our digest, by which versions are
// compared.
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"

namespace sluice::crds {

// argo-rollouts.md 1.16: FNV-1a over the template as Go's encoding/json writes a PodTemplateSpec of
// k8s.io/api v0.34, then the collision count, in upstream's alphabet: "674d8cf959". Fields that
// Go's type lacks do not count, as they would be pruned.
std::string pod_template_hash(const Json& pod_template, std::optional<long> collision_count = {});

// sha256, hex, of the canonical text of the template without hash label, creationTimestamp, fields
// that equal the API server's defaults, and injected anti-affinity; unknown fields count. Two
// templates are semantically equal when their digests are.
std::string template_digest(const Json& pod_template);

// The hash of canary.steps, same encoding; `steps` may be absent (null).
std::string step_hash(const Json& steps);

// The text that is hashed: for tests and for explaining a difference.
std::string go_pod_template_json(const Json& pod_template);

}  // namespace sluice::crds
