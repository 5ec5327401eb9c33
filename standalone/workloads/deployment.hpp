// SPDX-License-Identifier: Apache-2.0
// What a Deployment needs next, as kube-controller-manager decides it: pure. Behaviour follows
// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/; conditions, reasons and
// annotations are those that `kubectl rollout` reads.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "standalone/workloads/objects.hpp"

namespace sluice::standalone::workloads {

inline constexpr const char* revision_annotation = "deployment.kubernetes.io/revision";
inline constexpr const char* revision_history_annotation =
    "deployment.kubernetes.io/revision-history";
inline constexpr const char* desired_annotation = "deployment.kubernetes.io/desired-replicas";
inline constexpr const char* max_annotation = "deployment.kubernetes.io/max-replicas";

struct DeploymentCondition {
    std::string type;
    std::string status;
    std::string reason;
    std::string message;
    TimePoint updated;  // whole seconds, both
    TimePoint transitioned;
    bool operator==(const DeploymentCondition&) const = default;
};

struct DeploymentStatus {
    long observed_generation = 0;
    long replicas = 0;
    long updated = 0;
    long ready = 0;
    long available = 0;
    long unavailable = 0;
    std::optional<long> collision_count;
    std::vector<DeploymentCondition> conditions;
    bool operator==(const DeploymentStatus&) const = default;
};

struct DeploymentView {
    std::string ns;
    std::string name;
    std::string uid;
    long generation = 0;
    bool deleting = false;
    bool paused = false;
    bool recreate = false;  // strategy; otherwise RollingUpdate
    LabelSelector selector;
    long replicas = 1;
    long max_surge = 0;  // resolved: surge rounded up, unavailable down, never both 0
    long max_unavailable = 0;
    Duration min_ready{0};
    long history_limit = 10;
    std::optional<Duration> progress_deadline;
    std::string template_digest;
    std::string template_hash;  // with status.collisionCount
    std::string revision;       // its own annotation
    Labels copied_annotations;  // those that its new ReplicaSet gets
    DeploymentStatus status;
    bool operator==(const DeploymentView&) const = default;
};

struct ReplicaSetChange {
    std::string name;
    long replicas = 0;
    Labels annotations;  // to be set beside those that are there
    bool operator==(const ReplicaSetChange&) const = default;
};

struct DeploymentDecision {
    std::optional<ReplicaSetChange> create;  // its name is the Deployment's and the hash
    std::vector<ReplicaSetChange> change;
    std::vector<std::string> remove;   // ReplicaSets beyond the history limit
    std::vector<std::string> adopt;    // matching ReplicaSets that nobody controls
    std::vector<std::string> release;  // ours that no longer match
    std::string revision;              // for the Deployment's annotation; empty: as it is
    DeploymentStatus status;
    std::optional<Duration> look_again;  // when the progress deadline passes
    bool operator==(const DeploymentDecision&) const = default;

    [[nodiscard]] bool acts() const {
        return create || !change.empty() || !remove.empty() || !adopt.empty() || !release.empty() ||
               !revision.empty();
    }
};

// `sets`: those of the namespace. `busy`: uids of ReplicaSets that have pods which have not ended,
// for Recreate.
DeploymentDecision decide_deployment(const DeploymentView& deployment,
                                     const std::vector<ReplicaSetView>& sets,
                                     const std::set<std::string>& busy, TimePoint now);

// Never fails: what is missing or of another type is as by default.
DeploymentView decode_deployment_view(const Json& deployment);
Json encode_status(const DeploymentStatus& status);
// The new ReplicaSet, owned, with the hash in name, labels, selector and template.
Json new_replica_set(const Json& deployment, const ReplicaSetChange& change);
// The Deployment as the controlling owner.
Json deployment_reference(const Json& deployment);

}  // namespace sluice::standalone::workloads
