// SPDX-License-Identifier: Apache-2.0
#include "base/resource.hpp"

#include "base/text.hpp"

namespace sluice {

std::string to_text(const ObjectRef& ref) {
    return concat(to_lower(ref.type.kind), " ", key_of(ref.ns, ref.name));
}

std::string key_of(std::string_view ns, std::string_view name) {
    return ns.empty() ? std::string(name) : concat(ns, "/", name);
}

std::pair<std::string, std::string> split_key(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) return {"", std::string(key)};
    return {std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

namespace resources {
const ResourceType namespaces{"", "v1", "namespaces", "Namespace", false};
const ResourceType pods{"", "v1", "pods", "Pod"};
const ResourceType services{"", "v1", "services", "Service"};
const ResourceType endpoints{"", "v1", "endpoints", "Endpoints"};
const ResourceType config_maps{"", "v1", "configmaps", "ConfigMap"};
const ResourceType secrets{"", "v1", "secrets", "Secret"};
const ResourceType events{"", "v1", "events", "Event"};
const ResourceType service_accounts{"", "v1", "serviceaccounts", "ServiceAccount"};
const ResourceType nodes{"", "v1", "nodes", "Node", false};
const ResourceType replica_sets{"apps", "v1", "replicasets", "ReplicaSet"};
const ResourceType deployments{"apps", "v1", "deployments", "Deployment"};
const ResourceType jobs{"batch", "v1", "jobs", "Job"};
const ResourceType endpoint_slices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"};
const ResourceType ingresses{"networking.k8s.io", "v1", "ingresses", "Ingress"};
const ResourceType leases{"coordination.k8s.io", "v1", "leases", "Lease"};
const ResourceType custom_resource_definitions{
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false};
const ResourceType horizontal_pod_autoscalers{"autoscaling", "v2", "horizontalpodautoscalers",
                                              "HorizontalPodAutoscaler"};
const ResourceType pod_disruption_budgets{"policy", "v1", "poddisruptionbudgets",
                                          "PodDisruptionBudget"};
const ResourceType rollouts{"argoproj.io", "v1alpha1", "rollouts", "Rollout"};
const ResourceType analysis_templates{"argoproj.io", "v1alpha1", "analysistemplates",
                                      "AnalysisTemplate"};
const ResourceType cluster_analysis_templates{"argoproj.io", "v1alpha1", "clusteranalysistemplates",
                                              "ClusterAnalysisTemplate", false};
const ResourceType analysis_runs{"argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun"};
const ResourceType experiments{"argoproj.io", "v1alpha1", "experiments", "Experiment"};
const ResourceType git_sources{"sluice.dev", "v1alpha1", "gitsources", "GitSource"};
const ResourceType deliveries{"sluice.dev", "v1alpha1", "deliveries", "Delivery"};
const ResourceType virtual_services{"networking.istio.io", "v1", "virtualservices",
                                    "VirtualService"};
const ResourceType destination_rules{"networking.istio.io", "v1", "destinationrules",
                                     "DestinationRule"};
}  // namespace resources

}  // namespace sluice
