// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/table.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/json_path.hpp"
#include "standalone/apiserver/table_cells.hpp"
#include "standalone/apiserver/workload_cells.hpp"

namespace sluice::standalone::apiserver {
namespace {

struct Column {
    std::string name;
    std::string type;
    long priority = 0;  // 1: only with -o wide
    std::function<Json(const Json& object)> cell;
};

Column text_column(std::string name, CellFunction cell, long priority = 0) {
    return {std::move(name), "string", priority, std::move(cell)};
}

// The value at a path; kubectl leaves the cell of an absent one empty, as for upstream's CRDs.
Column path_column(std::string name, std::string type, std::string path, long priority = 0) {
    return {std::move(name), std::move(type), priority,
            [path = std::move(path)](const Json& object) { return value_at(object, path); }};
}

// As upstream's printers of built-in kinds: never empty.
Column filled_column(std::string name, std::string path, long priority = 0) {
    return {std::move(name), "string", priority, [path = std::move(path)](const Json& object) {
                Json value = value_at(object, path);
                return value.is_null() || value == "" ? Json("<none>") : value;
            }};
}

Column count_column(std::string name, std::string path) {
    return {std::move(name), "integer", 0, [path = std::move(path)](const Json& object) {
                Json value = value_at(object, path);
                return value.is_null() ? Json(0) : value;
            }};
}

// As count_column, under a column of texts, as upstream has some.
Column text_count_column(std::string name, std::string path) {
    Column column = count_column(std::move(name), std::move(path));
    column.type = "string";
    return column;
}

Json event_first_seen(const Json& event) {
    return text_at(event, {"firstTimestamp"}, text_at(event, {"eventTime"}));
}

std::vector<Column> scaled_columns_of(const ResourceType& type) {
    if (type == resources::jobs)
        return {text_column("Status", job_status),
                text_column("Completions", job_completions),
                text_column("Duration", job_duration),
                text_column("Containers", template_container_names, 1),
                text_column("Images", template_container_images, 1),
                text_column("Selector", workload_selector, 1)};
    if (type == resources::pod_disruption_budgets)
        return {text_column("Min Available", budget_min_available),
                text_column("Max Unavailable", budget_max_unavailable),
                count_column("Allowed Disruptions", "status.disruptionsAllowed")};
    if (type == resources::horizontal_pod_autoscalers)
        return {text_column("Reference", autoscaler_reference),
                text_column("Targets", autoscaler_targets),
                text_column("MinPods", autoscaler_min_pods),
                text_count_column("MaxPods", "spec.maxReplicas"),
                text_count_column("Replicas", "status.currentReplicas")};
    if (type == resources::leases) return {path_column("Holder", "string", "spec.holderIdentity")};
    if (type == resources::endpoints) return {text_column("Endpoints", endpoints_addresses)};
    if (type == resources::namespaces) return {path_column("Status", "string", "status.phase")};
    return {};
}

std::vector<Column> delivery_columns_of(const ResourceType& type) {
    if (type == resources::rollouts)
        return {path_column("Desired", "integer", "spec.replicas"),
                path_column("Current", "integer", "status.replicas"),
                path_column("Up-to-date", "integer", "status.updatedReplicas"),
                path_column("Available", "integer", "status.availableReplicas")};
    if (type == resources::analysis_runs || type == resources::experiments)
        return {path_column("Status", "string", "status.phase")};
    if (type == resources::git_sources)
        return {path_column("URL", "string", "spec.url"),
                path_column("Branch", "string", "spec.ref.branch"),
                path_column("Applied", "string", "status.lastApplied.commit"),
                text_column("Ready", ready_condition), text_column("Message", ready_message, 1)};
    if (type == resources::deliveries)
        return {path_column("Rollout", "string", "spec.rollout.name"),
                path_column("Revision", "string", "spec.revision"),
                path_column("Image", "string", "spec.image.new"),
                path_column("Commit", "string", "spec.source.commit"),
                path_column("Phase", "string", "status.phase"),
                path_column("Message", "string", "status.message", 1)};
    return {};
}

std::vector<Column> columns_of(const Resource& resource) {
    const ResourceType& type = resource.type;
    if (type == resources::pods)
        return {text_column("Ready", pod_ready),
                text_column("Status", pod_status),
                text_column("Restarts", pod_restarts),
                filled_column("IP", "status.podIP", 1),
                filled_column("Node", "spec.nodeName", 1),
                filled_column("Nominated Node", "status.nominatedNodeName", 1),
                filled_column("Readiness Gates", "status.readinessGates", 1)};
    if (type == resources::replica_sets)
        return {count_column("Desired", "spec.replicas"),
                count_column("Current", "status.replicas"),
                count_column("Ready", "status.readyReplicas"),
                text_column("Containers", template_container_names, 1),
                text_column("Images", template_container_images, 1),
                text_column("Selector", workload_selector, 1)};
    if (type == resources::deployments)
        return {text_column("Ready", deployment_ready),
                text_count_column("Up-to-date", "status.updatedReplicas"),
                text_count_column("Available", "status.availableReplicas"),
                text_column("Containers", template_container_names, 1),
                text_column("Images", template_container_images, 1),
                text_column("Selector", workload_selector, 1)};
    if (type == resources::services)
        return {path_column("Type", "string", "spec.type"),
                filled_column("Cluster-IP", "spec.clusterIP"),
                filled_column("External-IP", "spec.externalName"),
                text_column("Port(s)", service_ports),
                text_column("Selector", service_selector, 1)};
    if (type == resources::ingresses)
        return {filled_column("Class", "spec.ingressClassName"),
                text_column("Hosts", ingress_hosts), text_column("Address", ingress_address),
                text_column("Ports", ingress_ports)};
    if (type == resources::events)
        return {text_column("Last Seen", event_last_seen),
                path_column("Type", "string", "type"),
                path_column("Reason", "string", "reason"),
                text_column("Object", event_object),
                text_column(
                    "Subobject",
                    [](const Json& event) {
                        return Json(text_at(event, {"involvedObject", "fieldPath"}));
                    },
                    1),
                text_column("Source", event_source, 1),
                path_column("Message", "string", "message"),
                {"First Seen", "string", 1, event_first_seen},
                {"Count", "string", 1,
                 [](const Json& event) { return Json(integer_at(event, {"count"}, 1)); }}};
    if (const auto columns = scaled_columns_of(type); !columns.empty()) return columns;
    if (type == resources::config_maps) return {text_column("Data", data_count)};
    if (type == resources::secrets)
        return {path_column("Type", "string", "type"), text_column("Data", data_count)};
    if (type == resources::endpoint_slices)
        return {path_column("AddressType", "string", "addressType"),
                text_column("Ports", slice_ports), text_column("Endpoints", slice_endpoints)};
    if (auto own = delivery_columns_of(type); !own.empty()) return own;
    std::vector<Column> columns;
    for (const auto& column : resource.columns)
        columns.push_back({column.name, column.type, column.priority, [column](const Json& object) {
                               const Json* value = first_at(object, column.path);
                               if (!value) return Json();
                               return value->is_structured() ? Json(to_text(*value)) : *value;
                           }});
    return columns;
}

// Upstream's events say when they were last seen instead.
bool has_age(const Resource& resource) {
    return resource.type != resources::events;
}

// Events have no age, and mix both kinds of columns.
bool before_age(const Resource& resource, const Column& column) {
    return column.priority == 0 || resource.type == resources::events;
}

}  // namespace

// What a definition's own columns say of themselves, and their order, stay.
Json table_columns(const Resource& resource) {
    Json columns = Json::array();
    const auto add = [&](const std::string& name, const std::string& type, long priority) {
        columns.push_back({{"name", name},
                           {"type", type},
                           {"format", name == "Name" ? "name" : ""},
                           {"description", ""},
                           {"priority", priority}});
    };
    const bool event = resource.type == resources::events;
    if (!event) add("Name", "string", 0);
    for (const auto& column : resource.columns) {
        add(column.name, column.type, column.priority);
        columns.back()["description"] = column.description;
    }
    if (!resource.columns.empty()) return columns;
    const auto own = columns_of(resource);
    for (const auto& column : own)
        if (before_age(resource, column)) add(column.name, column.type, column.priority);
    if (has_age(resource)) add("Age", resource.custom ? "date" : "string", 0);
    for (const auto& column : own)
        if (!before_age(resource, column)) add(column.name, column.type, column.priority);
    if (event) add("Name", "string", 1);
    return columns;
}

Json table_cells(const Resource& resource, const Json& object, TimePoint now) {
    Json cells = Json::array();
    const std::string name = text_at(object, {"metadata", "name"});
    const bool event = resource.type == resources::events;
    if (!event) cells.push_back(name);
    const auto own = columns_of(resource);
    const auto cell_of = [&](const Column& column) {
        Json value = column.cell(object);
        const bool age = column.type == "date" || column.name.ends_with(" Seen");
        return age && value.is_string() ? Json(age_text(value.get<std::string>(), now)) : value;
    };
    for (const auto& column : own)
        if (!resource.columns.empty() || before_age(resource, column))
            cells.push_back(cell_of(column));
    if (!resource.columns.empty()) return cells;
    if (has_age(resource))
        cells.push_back(age_text(text_at(object, {"metadata", "creationTimestamp"}), now));
    for (const auto& column : own)
        if (!before_age(resource, column)) cells.push_back(cell_of(column));
    if (event) cells.push_back(name);
    return cells;
}

}  // namespace sluice::standalone::apiserver
