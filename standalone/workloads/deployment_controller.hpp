// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/workloads/deployment.hpp"

namespace sluice::standalone::workloads {

// Decides on the caches; before it acts it reads the Deployment and the ReplicaSets from the server
// and decides again, as the ReplicaSet controller does.
class DeploymentController final {
public:
    // Listens to all caches: construct before their informers start.
    DeploymentController(const kube::Client& client, kube::Cache<DeploymentView>& deployments,
                         kube::Cache<ReplicaSetView>& replica_sets, kube::Cache<PodView>& pods,
                         const Clock& clock, Log& log);

    void start() { reconciler_.start(); }

private:
    Result<std::optional<Duration>> reconcile(const std::string& key);
    Result<std::optional<Duration>> act(const DeploymentView& cached);
    Result<void> change(const DeploymentDecision& decision, const Json& deployment,
                        const std::vector<Json>& sets);
    Result<void> own(const Json& deployment, const Json& replica_set, bool ours);
    Result<void> make(const ReplicaSetChange& wanted, const Json& deployment);
    Result<void> note_revision(const std::string& revision, const Json& deployment);
    Result<void> write_status(const DeploymentView& deployment, const DeploymentStatus& status);
    [[nodiscard]] std::set<std::string> busy_sets(const std::string& ns) const;
    void on_replica_set(const ReplicaSetView& replica_set);

    const kube::Client& client_;
    kube::Cache<DeploymentView>& deployments_;
    kube::Cache<ReplicaSetView>& replica_sets_;
    kube::Cache<PodView>& pods_;
    const Clock& clock_;
    Log& log_;
    kube::Reconciler reconciler_;
};

}  // namespace sluice::standalone::workloads
