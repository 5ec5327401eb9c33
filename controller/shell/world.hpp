// SPDX-License-Identifier: Apache-2.0
// Everything the rollout controller watches, as caches; and which Rollout a change concerns.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "controller/shell/projections.hpp"
#include "crds/analysis.hpp"
#include "crds/rollout.hpp"
#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// Any thread may read once started.
class World {
public:
    // `ns`: one namespace, or empty for all. `wake` gets the key of every Rollout that a change
    // concerns; it must not block.
    World(const kube::Client& client, std::string ns, Log& log,
          std::function<void(const std::string& key)> wake);

    // What it is fed from, in an order in which what refers comes after what is referred to.
    [[nodiscard]] std::vector<kube::Watch> watches();
    // Starts an informer for each.
    void start();
    // Ends the watches.
    void stop() { informers_.clear(); }
    // Whether every watch has listed once.
    [[nodiscard]] bool synced() const;
    // False where `stop` came first.
    [[nodiscard]] bool wait_for_sync(std::stop_token stop) const;

    kube::Cache<crds::Rollout> rollouts{crds::decode_rollout};
    kube::Cache<ReplicaSetView> replica_sets{view_replica_set};
    kube::Cache<AnalysisRunView> analysis_runs{view_analysis_run};
    kube::Cache<ServiceView> services{view_service};
    kube::Cache<EndpointSliceView> endpoint_slices{view_endpoint_slice};
    kube::Cache<PodView> pods{view_pod};
    kube::Cache<DocumentView> ingresses{[](const Json& d) { return DocumentView{d}; }};
    kube::Cache<DocumentView> virtual_services{[](const Json& d) { return DocumentView{d}; }};
    kube::Cache<DocumentView> destination_rules{[](const Json& d) { return DocumentView{d}; }};
    kube::Cache<crds::AnalysisTemplate> analysis_templates{crds::analysis_template_of};
    kube::Cache<crds::AnalysisTemplate> cluster_analysis_templates{crds::analysis_template_of};

    // Ready endpoints of a Service by the revision of their pods.
    [[nodiscard]] std::map<std::string, long> ready_endpoints(const std::string& ns,
                                                              const std::string& service) const;

private:
    void wake_users(const std::string& ns, const std::function<bool(const crds::Rollout&)>& uses);
    void listen();

    const kube::Client& client_;
    std::string ns_;
    Log& log_;
    std::function<void(const std::string&)> wake_;
    std::vector<std::unique_ptr<kube::Informer>> informers_;  // last: they stop first
};

}  // namespace sluice::shell
