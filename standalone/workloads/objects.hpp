// SPDX-License-Identifier: Apache-2.0
// What the workload controllers keep of pods, ReplicaSets and Services (DESIGN D9): only what a
// decision reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/field.hpp"
#include "base/json.hpp"
#include "base/resource.hpp"
#include "base/time.hpp"
#include "standalone/workloads/selector.hpp"

namespace sluice::standalone::workloads {

struct OwnerReference {
    std::string api_version;
    std::string kind;
    std::string name;
    std::string uid;
    bool controller = false;
    bool operator==(const OwnerReference&) const = default;
};

std::vector<OwnerReference> decode_owners(const Json& object);

struct ContainerPort {
    std::string name;
    std::string protocol;
    long number = 0;
    bool operator==(const ContainerPort&) const = default;
};

struct PodView {
    std::string ns;
    std::string name;
    std::string uid;
    Labels labels;
    std::optional<OwnerReference> controller;
    TimePoint created;
    std::string node;   // empty: not bound yet
    std::string phase;  // Pending, Running, Succeeded, Failed, Unknown
    bool ready = false;
    TimePoint ready_since;  // whole seconds, as the API tells it
    bool terminating = false;
    std::string ip;
    std::string hostname;
    long restarts = 0;
    long all_restarts = 0;   // of all containers together
    TimePoint finished;      // of the container that ended last; the epoch while none has
    long deletion_cost = 0;  // annotation controller.kubernetes.io/pod-deletion-cost
    std::vector<ContainerPort> ports;
    bool operator==(const PodView&) const = default;

    // Still counts as a replica: neither on its way out nor finished.
    [[nodiscard]] bool active() const {
        return !terminating && phase != "Succeeded" && phase != "Failed";
    }
};

struct ReplicaSetStatus {
    long replicas = 0;
    long fully_labeled = 0;
    long ready = 0;
    long available = 0;
    long observed_generation = 0;
    bool operator==(const ReplicaSetStatus&) const = default;
};

// What only a Deployment reads of its ReplicaSets.
struct DeployedReplicaSet {
    std::optional<OwnerReference> controller;
    Labels labels;
    TimePoint created;
    Labels annotations;
    std::string template_digest;  // without the hash label; empty where another kind owns it
    bool operator==(const DeployedReplicaSet&) const = default;
};

struct ReplicaSetView {
    std::string ns;
    std::string name;
    std::string uid;
    LabelSelector selector;
    Labels template_labels;
    long replicas = 1;
    Duration min_ready{0};
    bool deleting = false;
    long generation = 0;
    ReplicaSetStatus status;
    DeployedReplicaSet deployed;
    bool operator==(const ReplicaSetView&) const = default;
};

struct ServicePort {
    std::string name;
    std::string protocol;
    std::string app_protocol;
    long port = 0;
    IntOrString target;  // a number, or the name of a container port
    bool operator==(const ServicePort&) const = default;
};

struct ServiceView {
    std::string ns;
    std::string name;
    std::string uid;
    Labels labels;
    Labels selector;  // empty: somebody else keeps the endpoints
    std::vector<ServicePort> ports;
    bool publish_not_ready = false;
    bool external_name = false;
    bool deleting = false;
    bool operator==(const ServiceView&) const = default;
};

// By which a Deployment knows its template in a ReplicaSet: sha256 of it without the hash label.
std::string deployed_template_digest(const Json* pod_template);
inline constexpr const char* deployment_hash_label = "pod-template-hash";

// Never fail: what is missing or of another type is empty.
PodView decode_pod_view(const Json& pod);
ReplicaSetView decode_replica_set_view(const Json& replica_set);
ServiceView decode_service_view(const Json& service);

}  // namespace sluice::standalone::workloads
