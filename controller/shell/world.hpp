// SPDX-License-Identifier: Apache-2.0
// What the rollout controller reads of the caches, and which Rollout a change concerns.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/shell/caches.hpp"
#include "controller/shell/projections.hpp"
#include "crds/analysis.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {

// Any thread may read once the caches are fed.
class World {
public:
    // `wake` gets the key of every Rollout that a change concerns; it must not block. Made before
    // the caches are started.
    World(Caches& caches, std::function<void(const std::string& key)> wake);

    // What must have been listed before anything is decided.
    static std::vector<ResourceType> kinds();

    kube::RowView<crds::Rollout> rollouts;
    kube::RowView<ReplicaSetView> replica_sets;
    kube::RowView<AnalysisRunView> analysis_runs;
    kube::RowView<ServiceView> services;
    kube::RowView<EndpointSliceView> endpoint_slices;
    kube::RowView<PodView> pods;
    kube::RowView<DocumentView> ingresses;
    kube::RowView<DocumentView> virtual_services;
    kube::RowView<DocumentView> destination_rules;
    kube::RowView<crds::AnalysisTemplate> analysis_templates;
    kube::RowView<crds::AnalysisTemplate> cluster_analysis_templates;

    // Ready endpoints of a Service by the revision of their pods.
    [[nodiscard]] std::map<std::string, long> ready_endpoints(const std::string& ns,
                                                              const std::string& service) const;

private:
    // Those of the namespace, or all, that use the object which `mark` stands for; without a mark
    // each is decoded.
    void wake_users(const std::string& ns, std::optional<std::uint32_t> mark,
                    const std::function<bool(const crds::Rollout&)>& uses);
    void listen();
    void listen_to_routes();

    Caches& caches_;
    std::function<void(const std::string&)> wake_;
};

}  // namespace sluice::shell
