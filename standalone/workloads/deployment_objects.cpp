// SPDX-License-Identifier: Apache-2.0
// Deployments as documents: read, and written.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/pod_template.hpp"
#include "standalone/workloads/deployment.hpp"

namespace sluice::standalone::workloads {
namespace {

// Upstream's controller takes this for "no deadline".
constexpr long no_deadline = 2147483647;

// "25%" of `total`, or a number; `otherwise` where it is neither.
long share_of(const Json* value, long total, bool up, long otherwise) {
    if (!value) return otherwise;
    if (value->is_number_integer()) return value->get<long>();
    std::string text = value->is_string() ? value->get<std::string>() : "";
    if (!text.ends_with('%')) return otherwise;
    text.pop_back();
    const auto percent = parse_integer(text);
    if (!percent) return otherwise;
    const long hundredths = total * static_cast<long>(*percent);
    return up ? (hundredths + 99) / 100 : hundredths / 100;
}

void decode_strategy(const Json& deployment, DeploymentView& view) {
    view.recreate = text_at(deployment, {"spec", "strategy", "type"}) == "Recreate";
    if (view.recreate) return;
    const auto part = [&](const char* field) {
        return find(deployment, {"spec", "strategy", "rollingUpdate", field});
    };
    const long quarter_up = (view.replicas + 3) / 4;
    view.max_surge = share_of(part("maxSurge"), view.replicas, true, quarter_up);
    view.max_unavailable =
        share_of(part("maxUnavailable"), view.replicas, false, view.replicas / 4);
    if (view.max_surge == 0 && view.max_unavailable == 0) view.max_unavailable = 1;
}

TimePoint time_in(const Json& condition, const char* field) {
    const auto when = parse_rfc3339(text_at(condition, {field}));
    return when ? *when : TimePoint{};
}

DeploymentStatus decode_deployment_status(const Json& deployment) {
    const auto number = [&](const char* field) {
        return integer_at(deployment, {"status", field});
    };
    DeploymentStatus status{number("observedGeneration"), number("replicas"),
                            number("updatedReplicas"),    number("readyReplicas"),
                            number("availableReplicas"),  number("unavailableReplicas")};
    if (find(deployment, {"status", "collisionCount"}))
        status.collision_count = number("collisionCount");
    const Json* list = find(deployment, {"status", "conditions"});
    if (!list || !list->is_array()) return status;
    for (const auto& one : *list)
        status.conditions.push_back({text_at(one, {"type"}), text_at(one, {"status"}),
                                     text_at(one, {"reason"}), text_at(one, {"message"}),
                                     time_in(one, "lastUpdateTime"),
                                     time_in(one, "lastTransitionTime")});
    return status;
}

// The Deployment's own are not its ReplicaSets'.
Labels copied_annotations(const Json& deployment) {
    Labels copied = decode_labels(find(deployment, {"metadata", "annotations"}));
    for (const char* own : {"kubectl.kubernetes.io/last-applied-configuration", revision_annotation,
                            revision_history_annotation, desired_annotation, max_annotation})
        copied.erase(own);
    return copied;
}

}  // namespace

DeploymentView decode_deployment_view(const Json& deployment) {
    static const Json nothing = Json::object();
    const Json* pod_template = find(deployment, {"spec", "template"});
    DeploymentView view{
        .ns = text_at(deployment, {"metadata", "namespace"}),
        .name = text_at(deployment, {"metadata", "name"}),
        .uid = text_at(deployment, {"metadata", "uid"}),
        .generation = integer_at(deployment, {"metadata", "generation"}),
        .deleting = find(deployment, {"metadata", "deletionTimestamp"}) != nullptr,
        .paused = bool_at(deployment, {"spec", "paused"}),
        .selector = decode_selector(find(deployment, {"spec", "selector"})),
        .replicas = integer_at(deployment, {"spec", "replicas"}, 1),
        .min_ready = std::chrono::seconds{integer_at(deployment, {"spec", "minReadySeconds"})},
        .history_limit = integer_at(deployment, {"spec", "revisionHistoryLimit"}, 10),
        .template_digest = deployed_template_digest(pod_template),
        .revision = text_at(deployment, {"metadata", "annotations", revision_annotation}),
        .copied_annotations = copied_annotations(deployment),
        .status = decode_deployment_status(deployment),
    };
    view.template_hash = crds::pod_template_hash(pod_template ? *pod_template : nothing,
                                                 view.status.collision_count);
    const long deadline = integer_at(deployment, {"spec", "progressDeadlineSeconds"}, 600);
    if (deadline != no_deadline) view.progress_deadline = std::chrono::seconds{deadline};
    decode_strategy(deployment, view);
    return view;
}

Json encode_status(const DeploymentStatus& status) {
    Json encoded = {{"observedGeneration", status.observed_generation},
                    {"conditions", Json::array()}};
    // As upstream's type: what is zero is left out. Null, so that a merge patch takes it away.
    const auto number = [&](const char* field, long value) {
        encoded[field] = value == 0 ? Json() : Json(value);
    };
    number("replicas", status.replicas);
    number("updatedReplicas", status.updated);
    number("readyReplicas", status.ready);
    number("availableReplicas", status.available);
    number("unavailableReplicas", status.unavailable);
    if (status.collision_count) encoded["collisionCount"] = *status.collision_count;
    for (const auto& one : status.conditions)
        encoded["conditions"].push_back({{"type", one.type},
                                         {"status", one.status},
                                         {"reason", one.reason},
                                         {"message", one.message},
                                         {"lastUpdateTime", format_rfc3339(one.updated)},
                                         {"lastTransitionTime", format_rfc3339(one.transitioned)}});
    return encoded;
}

Json deployment_reference(const Json& deployment) {
    return {{"apiVersion", "apps/v1"},
            {"kind", "Deployment"},
            {"name", text_at(deployment, {"metadata", "name"})},
            {"uid", text_at(deployment, {"metadata", "uid"})},
            {"controller", true},
            {"blockOwnerDeletion", true}};
}

Json new_replica_set(const Json& deployment, const ReplicaSetChange& change) {
    const std::string hash = change.name.substr(change.name.rfind('-') + 1);
    const Json& spec = deployment.at("spec");
    Json pod_template = spec.at("template");
    pod_template["metadata"]["labels"][deployment_hash_label] = hash;
    Json selector = spec.value("selector", Json::object());
    selector["matchLabels"][deployment_hash_label] = hash;
    Json made = {
        {"apiVersion", "apps/v1"},
        {"kind", "ReplicaSet"},
        {"metadata",
         {{"name", change.name},
          {"namespace", text_at(deployment, {"metadata", "namespace"})},
          {"labels", pod_template["metadata"]["labels"]},
          {"annotations", change.annotations},
          {"ownerReferences", Json::array({deployment_reference(deployment)})}}},
        {"spec",
         {{"replicas", change.replicas}, {"selector", selector}, {"template", pod_template}}}};
    if (const long ready = integer_at(deployment, {"spec", "minReadySeconds"}); ready > 0)
        made["spec"]["minReadySeconds"] = ready;
    return made;
}

}  // namespace sluice::standalone::workloads
