// SPDX-License-Identifier: Apache-2.0
// Names, scopes and subresources as upstream's discovery tells them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {
namespace {

using namespace std::string_literals;

const ScalePaths workload_scale{"spec.replicas", "status.replicas", "spec.selector"};

Resource builtin(const ResourceType& type, std::string singular,
                 std::vector<std::string> short_names = {}) {
    return {.type = type,
            .versions = {type.version},
            .singular = std::move(singular),
            .short_names = std::move(short_names)};
}

Resource with_status(Resource resource) {
    resource.status = true;
    return resource;
}

Resource with_generation(Resource resource) {
    resource.generation = true;
    return resource;
}

Resource with_fields(Resource resource, std::vector<std::string> labels) {
    resource.field_labels = std::move(labels);
    return resource;
}

Resource in_all(Resource resource) {
    resource.categories = {"all"};
    return resource;
}

Resource scaled(Resource resource, ScalePaths paths) {
    resource.scale = std::move(paths);
    return resource;
}

Resource custom(const ResourceType& type, std::string singular,
                std::vector<std::string> short_names = {}) {
    Resource resource = builtin(type, std::move(singular), std::move(short_names));
    resource.custom = true;
    resource.generation = true;
    return resource;
}

Resource in_versions(Resource resource, std::vector<std::string> versions) {
    resource.versions = std::move(versions);
    return resource;
}

std::vector<Resource> core_resources() {
    return {
        with_fields(with_status(builtin(resources::namespaces, "namespace", {"ns"})),
                    {"status.phase"}),
        with_status(builtin(resources::nodes, "node", {"no"})),
        with_fields(in_all(with_generation(with_status(builtin(resources::pods, "pod", {"po"})))),
                    {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName",
                     "spec.serviceAccountName", "status.phase", "status.podIP"}),
        with_fields(in_all(with_status(builtin(resources::services, "service", {"svc"}))),
                    {"spec.clusterIP", "spec.type"}),
        builtin(resources::endpoints, "endpoints", {"ep"}),
        builtin(resources::config_maps, "configmap", {"cm"}),
        with_fields(builtin(resources::secrets, "secret"), {"type"}),
        with_fields(
            builtin(resources::events, "event", {"ev"}),
            {"involvedObject.apiVersion", "involvedObject.fieldPath", "involvedObject.kind",
             "involvedObject.name", "involvedObject.namespace", "involvedObject.resourceVersion",
             "involvedObject.uid", "reason", "reportingComponent", "source", "type"}),
        builtin(resources::service_accounts, "serviceaccount", {"sa"}),
    };
}

std::vector<Resource> group_resources() {
    return {
        scaled(in_all(with_generation(
                   with_status(builtin(resources::replica_sets, "replicaset", {"rs"})))),
               workload_scale),
        scaled(in_all(with_generation(
                   with_status(builtin(resources::deployments, "deployment", {"deploy"})))),
               workload_scale),
        in_all(with_generation(with_status(builtin(resources::jobs, "job")))),
        in_all(in_versions(with_status(builtin(resources::horizontal_pod_autoscalers,
                                               "horizontalpodautoscaler", {"hpa"})),
                           {"v2"})),
        with_generation(with_status(
            builtin(resources::pod_disruption_budgets, "poddisruptionbudget", {"pdb"}))),
        with_generation(builtin(resources::endpoint_slices, "endpointslice")),
        with_generation(with_status(builtin(resources::ingresses, "ingress", {"ing"}))),
        builtin(resources::leases, "lease"),
        with_generation(with_status(builtin(resources::custom_resource_definitions,
                                            "customresourcedefinition", {"crd", "crds"}))),
    };
}

// What `kubectl apply --prune` and others ask for by name. To take one and never run it would be a
// lie, so creating one is refused.
std::vector<Resource> unrun_resources() {
    std::vector<Resource> unrun = {
        builtin({"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"},
                "persistentvolumeclaim", {"pvc"}),
        builtin({"", "v1", "persistentvolumes", "PersistentVolume", false}, "persistentvolume",
                {"pv"}),
        builtin({"", "v1", "replicationcontrollers", "ReplicationController"},
                "replicationcontroller", {"rc"}),
        builtin({"apps", "v1", "daemonsets", "DaemonSet"}, "daemonset", {"ds"}),
        builtin({"apps", "v1", "statefulsets", "StatefulSet"}, "statefulset", {"sts"}),
        builtin({"batch", "v1", "cronjobs", "CronJob"}, "cronjob", {"cj"}),
    };
    for (auto& resource : unrun) resource.unrun = true;
    return unrun;
}

// Documents only: the server has one user, whom nothing is forbidden.
std::vector<Resource> access_resources() {
    const char* group = "rbac.authorization.k8s.io";
    return {
        builtin({group, "v1", "clusterrolebindings", "ClusterRoleBinding", false},
                "clusterrolebinding"),
        builtin({group, "v1", "clusterroles", "ClusterRole", false}, "clusterrole"),
        builtin({group, "v1", "rolebindings", "RoleBinding"}, "rolebinding"),
        builtin({group, "v1", "roles", "Role"}, "role"),
    };
}

std::vector<Resource> delivery_resources() {
    const std::vector<std::string> istio = {"v1", "v1beta1", "v1alpha3"};
    return {
        scaled(with_status(custom(resources::rollouts, "rollout", {"ro"})),
               {"spec.replicas", "status.HPAReplicas", "status.selector"}),
        custom(resources::analysis_templates, "analysistemplate", {"at"}),
        custom(resources::cluster_analysis_templates, "clusteranalysistemplate", {"cat"}),
        custom(resources::analysis_runs, "analysisrun", {"ar"}),
        custom(resources::experiments, "experiment", {"exp"}),
        with_status(custom(resources::git_sources, "gitsource", {"gs"})),
        with_status(custom(resources::deliveries, "delivery", {"dlv"})),
        in_versions(with_status(custom(resources::virtual_services, "virtualservice", {"vs"})),
                    istio),
        in_versions(with_status(custom(resources::destination_rules, "destinationrule", {"dr"})),
                    istio),
    };
}

}  // namespace

std::vector<Resource> builtin_resources() {
    std::vector<Resource> all = core_resources();
    for (auto& resource : group_resources()) all.push_back(std::move(resource));
    for (auto& resource : unrun_resources()) all.push_back(std::move(resource));
    for (auto& resource : access_resources()) all.push_back(std::move(resource));
    for (auto& resource : delivery_resources()) all.push_back(std::move(resource));
    for (const auto* type :
         {&resources::rollouts, &resources::deployments, &resources::replica_sets, &resources::pods,
          &resources::services, &resources::endpoint_slices, &resources::analysis_runs,
          &resources::experiments, &resources::jobs, &resources::ingresses, &resources::deliveries})
        std::ranges::find(all, *type, &Resource::type)->collected = true;
    const SchemaPtr open = custom_schema({{"x-kubernetes-preserve-unknown-fields", true}});
    for (auto& resource : all)
        for (const auto& version : resource.versions) {
            auto schema = builtin_schema(resource.type.group, version, resource.type.kind);
            if (resource.custom) schema = open;
            if (schema) resource.schemas[version] = std::move(schema);
        }
    return all;
}

}  // namespace sluice::standalone::apiserver
