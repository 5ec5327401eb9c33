// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/projections.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/analysis.hpp"
#include "crds/pod_template.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {
namespace {

namespace seen = policy::rollout;

std::string annotation(const crds::ObjectMeta& metadata, const char* key) {
    const auto found = metadata.annotations.find(key);
    return found == metadata.annotations.end() ? "" : found->second;
}

std::string label(const crds::ObjectMeta& metadata, const char* key) {
    const auto found = metadata.labels.find(key);
    return found == metadata.labels.end() ? "" : found->second;
}

crds::ObjectMeta metadata_of(const Json& document) {
    std::vector<Problem> ignored;  // the API server made it: tolerated as it is
    return crds::decode_metadata(Field(document, ignored).at("metadata"));
}

// A deadline that is no time counts as past, so that a pod set is never kept for ever by a typo.
std::optional<TimePoint> deadline_of(const crds::ObjectMeta& metadata) {
    const std::string text = annotation(metadata, crds::scale_down_deadline_annotation);
    if (text.empty()) return std::nullopt;
    const auto when = parse_rfc3339(text);
    return when.ok() ? *when : TimePoint{};
}

void read_failure(const Json& document, seen::ReplicaSetSeen& view) {
    const Json* conditions = find(document, {"status", "conditions"});
    if (!conditions || !conditions->is_array()) return;
    for (const auto& condition : *conditions) {
        if (text_at(condition, {"type"}) != "ReplicaFailure") continue;
        if (text_at(condition, {"status"}) != "True") continue;
        view.failure_reason = text_at(condition, {"reason"});
        view.failure_message = text_at(condition, {"message"});
    }
}

// A run that measures well is seen anew with every measurement: look before decoding it.
std::optional<analysis::Trouble> trouble_in(const Json& document, seen::RunPhase phase) {
    if (phase == seen::RunPhase::Successful || phase == seen::RunPhase::Pending ||
        phase == seen::RunPhase::None)
        return std::nullopt;
    std::vector<Problem> ignored;
    return analysis::trouble_of(crds::decode_analysis_run(Field(document, ignored)));
}

std::optional<TimePoint> ready_since(const Json& pod) {
    const Json* conditions = find(pod, {"status", "conditions"});
    if (!conditions || !conditions->is_array()) return std::nullopt;
    for (const auto& condition : *conditions) {
        if (text_at(condition, {"type"}) != "Ready") continue;
        if (text_at(condition, {"status"}) != "True") return std::nullopt;
        const auto since = parse_rfc3339(text_at(condition, {"lastTransitionTime"}));
        return since.ok() ? *since : TimePoint{};
    }
    return std::nullopt;
}

std::vector<std::uint64_t> marks_of(const crds::ObjectMeta& metadata) {
    std::vector<std::uint64_t> marks;
    marks.reserve(metadata.labels.size() + metadata.annotations.size());
    for (const auto& [key, value] : metadata.labels) marks.push_back(seen::label_mark(key, value));
    for (const auto& [key, value] : metadata.annotations)
        marks.push_back(seen::annotation_mark(key, value));
    std::ranges::sort(marks);
    return marks;
}

// Of what was declared, not of what was injected since.
std::string digest_of(const Json& replica_set, const crds::ObjectMeta& metadata) {
    const Json* pod_template = find(replica_set, {"spec", "template"});
    if (!pod_template) return {};
    return metadata.annotations.contains(crds::ephemeral_metadata_annotation)
               ? crds::template_digest(crds::declared_template(replica_set))
               : crds::template_digest(*pod_template);
}

seen::RunType run_type_from(const std::string& text) {
    if (text == "Background") return seen::RunType::Background;
    if (text == "PrePromotion") return seen::RunType::PrePromotion;
    if (text == "PostPromotion") return seen::RunType::PostPromotion;
    return seen::RunType::Step;
}

}  // namespace

Controller controller_of(const crds::ObjectMeta& metadata) {
    for (const auto& owner : metadata.owners)
        if (owner.controller) return {owner.kind, owner.name, owner.uid};
    return {};
}

Json owner_reference(const crds::Rollout& rollout) {
    return {{"apiVersion", resources::rollouts.api_version()},
            {"kind", resources::rollouts.kind},
            {"name", rollout.metadata.name},
            {"uid", rollout.metadata.uid},
            {"controller", true},
            {"blockOwnerDeletion", true}};
}

ReplicaSetView view_replica_set(const Json& document) {
    const auto metadata = metadata_of(document);
    const Json* pod_spec = find(document, {"spec", "template", "spec"});
    seen::ReplicaSetSeen view{
        .name = metadata.name,
        .uid = metadata.uid,
        .resource_version = metadata.resource_version,
        .deleting = metadata.deleting,
        .hash = label(metadata, crds::pod_template_hash_label),
        .template_digest = digest_of(document, metadata),
        .spec_replicas = integer_at(document, {"spec", "replicas"}, 1),
        .replicas = integer_at(document, {"status", "replicas"}),
        .ready_replicas = integer_at(document, {"status", "readyReplicas"}),
        .available_replicas = integer_at(document, {"status", "availableReplicas"}),
        .min_ready_seconds = integer_at(document, {"spec", "minReadySeconds"}),
        .generation = metadata.generation,
        .observed_generation = integer_at(document, {"status", "observedGeneration"}),
        .created = metadata.created.value_or(TimePoint{}),
        .revision = parse_integer(annotation(metadata, crds::revision_annotation)).value_or(0),
        .revision_history = annotation(metadata, crds::revision_history_annotation),
        .desired_replicas = parse_integer(annotation(metadata, crds::desired_replicas_annotation)),
        .scale_down_deadline = deadline_of(metadata),
        .annotations = metadata.annotations,
        .anti_affinity = pod_spec ? crds::anti_affinity_hash(*pod_spec) : ""};
    read_failure(document, view);
    return {metadata.ns, metadata.labels, controller_of(metadata), std::move(view)};
}

AnalysisRunView view_analysis_run(const Json& document) {
    const auto metadata = metadata_of(document);
    const auto phase = seen::run_phase_from(text_at(document, {"status", "phase"}));
    return {metadata.ns,
            controller_of(metadata),
            {.name = metadata.name,
             .uid = metadata.uid,
             .type = run_type_from(label(metadata, "rollout-type")),
             .step_index = parse_integer(label(metadata, "step-index")),
             .hash = label(metadata, crds::pod_template_hash_label),
             .phase = phase,
             .message = text_at(document, {"status", "message"}),
             .terminate = bool_at(document, {"spec", "terminate"}),
             .deleting = metadata.deleting,
             .created = metadata.created.value_or(TimePoint{}),
             .trouble = trouble_in(document, phase)}};
}

ServiceView view_service(const Json& document) {
    const auto metadata = metadata_of(document);
    std::vector<Problem> ignored;
    return {metadata.ns, metadata.name,
            Field(document, ignored).at("spec").at("selector").text_map(),
            annotation(metadata, crds::managed_by_annotation)};
}

EndpointSliceView view_endpoint_slice(const Json& document) {
    EndpointSliceView view{
        .ns = text_at(document, {"metadata", "namespace"}),
        .service = text_at(document, {"metadata", "labels", "kubernetes.io/service-name"}),
        .ready_pods = {}};
    const Json* endpoints = find(document, {"endpoints"});
    if (!endpoints || !endpoints->is_array()) return view;
    for (const auto& endpoint : *endpoints) {
        // An absent `ready` means ready (discovery/v1 EndpointConditions).
        if (!bool_at(endpoint, {"conditions", "ready"}, true)) continue;
        if (text_at(endpoint, {"targetRef", "kind"}) == "Pod")
            view.ready_pods.push_back(text_at(endpoint, {"targetRef", "name"}));
    }
    return view;
}

std::uint64_t owner_mark(const std::string& uid) {
    return uid.empty() ? 0 : std::hash<std::string>{}(uid) | 1U;
}

PodView view_pod(const Json& document) {
    const auto metadata = metadata_of(document);
    return {.hash = label(metadata, crds::pod_template_hash_label),
            .owner = owner_mark(controller_of(metadata).uid),
            .created = metadata.created.value_or(TimePoint{}),
            .ready_since = ready_since(document),
            .marks = marks_of(metadata),
            .deleting = metadata.deleting};
}

}  // namespace sluice::shell
