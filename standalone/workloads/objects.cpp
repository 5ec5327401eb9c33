// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/objects.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

TimePoint instant_at(const Json& object, std::initializer_list<std::string_view> path) {
    const auto when = parse_rfc3339(text_at(object, path));
    return when ? *when : TimePoint{};
}

const Json& list_at(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json nothing = Json::array();
    const Json* found = find(object, path);
    return found && found->is_array() ? *found : nothing;
}

void decode_readiness(const Json& pod, PodView& view) {
    for (const auto& condition : list_at(pod, {"status", "conditions"})) {
        if (text_at(condition, {"type"}) != "Ready") continue;
        view.ready = text_at(condition, {"status"}) == "True";
        view.ready_since = instant_at(condition, {"lastTransitionTime"});
    }
}

void decode_containers(const Json& pod, PodView& view) {
    for (const auto& container : list_at(pod, {"spec", "containers"}))
        for (const auto& port : list_at(container, {"ports"}))
            view.ports.push_back({text_at(port, {"name"}), text_at(port, {"protocol"}, "TCP"),
                                  integer_at(port, {"containerPort"})});
    for (const auto& status : list_at(pod, {"status", "containerStatuses"})) {
        const long restarts = integer_at(status, {"restartCount"});
        view.restarts = std::max(view.restarts, restarts);
        view.all_restarts += restarts;
        view.finished =
            std::max(view.finished, instant_at(status, {"state", "terminated", "finishedAt"}));
    }
}

DeployedReplicaSet decode_deployed(const Json& rs) {
    DeployedReplicaSet deployed{
        .labels = decode_labels(find(rs, {"metadata", "labels"})),
        .created = instant_at(rs, {"metadata", "creationTimestamp"}),
        .annotations = decode_labels(find(rs, {"metadata", "annotations"})),
    };
    for (auto& owner : decode_owners(rs))
        if (owner.controller) deployed.controller = std::move(owner);
    // A Rollout's need not be digested at every change of their status.
    if (!deployed.controller || deployed.controller->kind == "Deployment")
        deployed.template_digest = deployed_template_digest(find(rs, {"spec", "template"}));
    return deployed;
}

}  // namespace

std::string deployed_template_digest(const Json* pod_template) {
    if (!pod_template) return sha256_hex("");
    Json plain = *pod_template;
    if (find(plain, {"metadata", "labels"})) {
        plain["metadata"]["labels"].erase(deployment_hash_label);
        if (plain["metadata"]["labels"].empty()) plain["metadata"].erase("labels");
    }
    if (plain.contains("metadata") && plain["metadata"].is_object()) {
        plain["metadata"].erase("creationTimestamp");
        if (plain["metadata"].empty()) plain.erase("metadata");
    }
    return sha256_hex(to_text(plain));
}

std::vector<OwnerReference> decode_owners(const Json& object) {
    std::vector<OwnerReference> owners;
    for (const auto& owner : list_at(object, {"metadata", "ownerReferences"}))
        owners.push_back({text_at(owner, {"apiVersion"}), text_at(owner, {"kind"}),
                          text_at(owner, {"name"}), text_at(owner, {"uid"}),
                          bool_at(owner, {"controller"})});
    return owners;
}

PodView decode_pod_view(const Json& pod) {
    PodView view{
        .ns = text_at(pod, {"metadata", "namespace"}),
        .name = text_at(pod, {"metadata", "name"}),
        .uid = text_at(pod, {"metadata", "uid"}),
        .labels = decode_labels(find(pod, {"metadata", "labels"})),
        .created = instant_at(pod, {"metadata", "creationTimestamp"}),
        .node = text_at(pod, {"spec", "nodeName"}),
        .phase = text_at(pod, {"status", "phase"}, "Pending"),
        .terminating = find(pod, {"metadata", "deletionTimestamp"}) != nullptr,
        .ip = text_at(pod, {"status", "podIP"}),
        .hostname = text_at(pod, {"spec", "hostname"}),
    };
    for (auto& owner : decode_owners(pod))
        if (owner.controller) view.controller = std::move(owner);
    const auto cost =
        text_at(pod, {"metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"});
    view.deletion_cost = parse_integer(cost).value_or(0);
    decode_readiness(pod, view);
    decode_containers(pod, view);
    return view;
}

ReplicaSetView decode_replica_set_view(const Json& replica_set) {
    const Json& rs = replica_set;
    return {
        .ns = text_at(rs, {"metadata", "namespace"}),
        .name = text_at(rs, {"metadata", "name"}),
        .uid = text_at(rs, {"metadata", "uid"}),
        .selector = decode_selector(find(rs, {"spec", "selector"})),
        .template_labels = decode_labels(find(rs, {"spec", "template", "metadata", "labels"})),
        .replicas = integer_at(rs, {"spec", "replicas"}, 1),
        .min_ready = std::chrono::seconds{integer_at(rs, {"spec", "minReadySeconds"})},
        .deleting = find(rs, {"metadata", "deletionTimestamp"}) != nullptr,
        .generation = integer_at(rs, {"metadata", "generation"}),
        .status = {integer_at(rs, {"status", "replicas"}),
                   integer_at(rs, {"status", "fullyLabeledReplicas"}),
                   integer_at(rs, {"status", "readyReplicas"}),
                   integer_at(rs, {"status", "availableReplicas"}),
                   integer_at(rs, {"status", "observedGeneration"}, -1)},
        .deployed = decode_deployed(rs),
    };
}

ServiceView decode_service_view(const Json& service) {
    ServiceView view{
        .ns = text_at(service, {"metadata", "namespace"}),
        .name = text_at(service, {"metadata", "name"}),
        .uid = text_at(service, {"metadata", "uid"}),
        .labels = decode_labels(find(service, {"metadata", "labels"})),
        .selector = decode_labels(find(service, {"spec", "selector"})),
        .publish_not_ready = bool_at(service, {"spec", "publishNotReadyAddresses"}),
        .external_name = text_at(service, {"spec", "type"}) == "ExternalName",
        .deleting = find(service, {"metadata", "deletionTimestamp"}) != nullptr,
    };
    for (const auto& port : list_at(service, {"spec", "ports"})) {
        ServicePort decoded{text_at(port, {"name"}), text_at(port, {"protocol"}, "TCP"),
                            text_at(port, {"appProtocol"}), integer_at(port, {"port"})};
        const Json* target = find(port, {"targetPort"});
        if (target && target->is_string()) {
            decoded.target.text = target->get<std::string>();
        } else {
            decoded.target.number =
                target && target->is_number() ? target->get<long>() : decoded.port;
        }
        // Kubernetes takes "" and 0 as "the same as port".
        if (decoded.target.number == 0) decoded.target.number = decoded.port;
        view.ports.push_back(std::move(decoded));
    }
    return view;
}

}  // namespace sluice::standalone::workloads
