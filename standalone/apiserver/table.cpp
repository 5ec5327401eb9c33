// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/table.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/table_cells.hpp"

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

std::vector<Column> columns_of(const Resource& resource) {
    const ResourceType& type = resource.type;
    if (type == resources::pods)
        return {text_column("Ready", pod_ready), text_column("Status", pod_status),
                text_column("Restarts", pod_restarts), filled_column("IP", "status.podIP", 1),
                filled_column("Node", "spec.nodeName", 1)};
    if (type == resources::replica_sets)
        return {count_column("Desired", "spec.replicas"),
                count_column("Current", "status.replicas"),
                count_column("Ready", "status.readyReplicas")};
    if (type == resources::deployments)
        return {text_column("Ready", deployment_ready),
                count_column("Up-to-date", "status.updatedReplicas"),
                count_column("Available", "status.availableReplicas")};
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
        return {text_column("Last Seen", event_last_seen), path_column("Type", "string", "type"),
                path_column("Reason", "string", "reason"), text_column("Object", event_object),
                path_column("Message", "string", "message")};
    if (type == resources::namespaces) return {path_column("Status", "string", "status.phase")};
    if (type == resources::nodes)
        return {text_column("Status", node_status),
                path_column("Version", "string", "status.nodeInfo.kubeletVersion")};
    if (type == resources::config_maps) return {text_column("Data", data_count)};
    if (type == resources::secrets)
        return {path_column("Type", "string", "type"), text_column("Data", data_count)};
    if (type == resources::endpoint_slices)
        return {path_column("AddressType", "string", "addressType"),
                text_column("Endpoints", slice_endpoints)};
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
    std::vector<Column> columns;
    for (const auto& column : resource.columns)
        columns.push_back({column.name, column.type, column.priority, [column](const Json& object) {
                               return value_at(object, without_leading_dot(column.path));
                           }});
    return columns;
}

bool has_age(const Resource& resource) {
    // Upstream's events say when they were last seen instead; a definition's columns may bring
    // their own.
    if (resource.type == resources::events) return false;
    for (const auto& column : resource.columns)
        if (column.name == "Age") return false;
    return true;
}

}  // namespace

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
    const auto own = columns_of(resource);
    for (const auto& column : own)
        if (column.priority == 0)
            add(column.name, column.type == "date" ? "string" : column.type, 0);
    if (has_age(resource)) add("Age", "string", 0);
    for (const auto& column : own)
        if (column.priority != 0)
            add(column.name, column.type == "date" ? "string" : column.type, column.priority);
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
        const bool age = column.type == "date" || column.name == "Last Seen";
        return age && value.is_string() ? Json(age_text(value.get<std::string>(), now)) : value;
    };
    for (const auto& column : own)
        if (column.priority == 0) cells.push_back(cell_of(column));
    if (has_age(resource))
        cells.push_back(age_text(text_at(object, {"metadata", "creationTimestamp"}), now));
    for (const auto& column : own)
        if (column.priority != 0) cells.push_back(cell_of(column));
    if (event) cells.push_back(name);
    return cells;
}

}  // namespace sluice::standalone::apiserver
