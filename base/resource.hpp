// SPDX-License-Identifier: Apache-2.0
// Which kind of object, and which object: how the Kubernetes API names things.
#pragma once

#include <string>

#include "base/json.hpp"

namespace sluice {

struct ResourceType {
    std::string group;  // "" for the core group
    std::string version;
    std::string plural;  // "rollouts"
    std::string kind;    // "Rollout"
    bool namespaced = true;
    auto operator<=>(const ResourceType&) const = default;

    // "argoproj.io/v1alpha1", or "v1" for the core group.
    [[nodiscard]] std::string api_version() const {
        return group.empty() ? version : group + "/" + version;
    }
};

struct ObjectRef {
    ResourceType type;
    std::string ns;  // empty for a cluster-scoped kind
    std::string name;
    auto operator<=>(const ObjectRef&) const = default;
};

// "rollout shop/web": for messages.
std::string to_text(const ObjectRef& ref);
// "shop/web", or "web" without a namespace: a work queue's key.
std::string key_of(std::string_view ns, std::string_view name);
// The other way.
std::pair<std::string, std::string> split_key(std::string_view key);

// The kinds that Sluice reads or writes.
namespace resources {
extern const ResourceType namespaces, pods, services, endpoints, config_maps, secrets, events,
    service_accounts, nodes;
extern const ResourceType replica_sets, deployments, jobs, endpoint_slices, ingresses, leases,
    custom_resource_definitions, horizontal_pod_autoscalers, pod_disruption_budgets;
extern const ResourceType rollouts, analysis_templates, cluster_analysis_templates, analysis_runs,
    experiments;
extern const ResourceType git_sources, deliveries;
extern const ResourceType virtual_services, destination_rules;
}  // namespace resources

}  // namespace sluice
