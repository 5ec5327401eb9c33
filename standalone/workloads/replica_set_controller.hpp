// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/workloads/replica_set.hpp"
#include "standalone/workloads/suffixes.hpp"

namespace sluice::standalone::workloads {

// Decides on the cache; before it acts it reads ReplicaSet and pods from the server and decides
// again, so that a cache that lags never makes a pod twice. Status writes come from either.
class ReplicaSetController final {
public:
    // Listens to both caches: construct before their informers start.
    ReplicaSetController(const kube::Client& client, kube::Cache<ReplicaSetView>& replica_sets,
                         kube::Cache<PodView>& pods, const Clock& clock, Log& log);

    void start() { reconciler_.start(); }

private:
    Result<std::optional<Duration>> reconcile(const std::string& key);
    Result<std::optional<Duration>> act(const ReplicaSetView& cached);
    Result<void> adopt_or_release(const ReplicaSetDecision& decision, const Json& replica_set,
                                  const std::vector<Json>& pods);
    Result<bool> may_adopt(const Json& replica_set);
    Result<void> scale(const ReplicaSetDecision& decision, const Json& replica_set,
                       const std::vector<Json>& pods);
    Result<void> create_pod(const Json& replica_set);
    Result<void> write_status(const ReplicaSetView& replica_set, const ReplicaSetStatus& status);
    void on_pod(const PodView& pod);

    const kube::Client& client_;
    kube::Cache<ReplicaSetView>& replica_sets_;
    kube::Cache<PodView>& pods_;
    const Clock& clock_;
    Log& log_;
    NameSuffixes suffixes_;
    kube::Reconciler reconciler_;
};

}  // namespace sluice::standalone::workloads
