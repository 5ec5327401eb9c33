// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/discovery.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// kubectl picks its behaviour by the minor version.
const Json& server_version() {
    static const Json version = {
        {"major", "1"},    {"minor", "32"},           {"gitVersion", "v1.32.0+sluice"},
        {"gitCommit", ""}, {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
        {"goVersion", ""}, {"compiler", "gcc"},       {"platform", "linux/amd64"}};
    return version;
}

HttpResponse json_response(const Json& body, std::string content_type = "application/json") {
    return {.status = 200,
            .headers = {{"Content-Type", std::move(content_type)}},
            .body = to_text(body) + "\n"};
}

const std::vector<std::string> object_verbs = {"create", "delete", "deletecollection", "get",
                                               "list",   "patch",  "update",           "watch"};
const std::vector<std::string> unrun_verbs = {"get", "list", "watch"};
const std::vector<std::string> part_verbs = {"get", "patch", "update"};

// Groups in order of appearance, with the versions they serve, preferred first.
struct Group {
    std::string name;
    std::vector<std::string> versions;
};

std::vector<Group> groups_of(const std::vector<ResourcePtr>& resources) {
    std::vector<Group> groups;
    for (const auto& resource : resources) {
        auto group = std::ranges::find(groups, resource->type.group, &Group::name);
        if (group == groups.end()) group = groups.insert(groups.end(), {resource->type.group, {}});
        for (const auto& version : resource->versions)
            if (std::ranges::find(group->versions, version) == group->versions.end())
                group->versions.push_back(version);
    }
    return groups;
}

std::string group_version(const std::string& group, const std::string& version) {
    return group.empty() ? version : concat(group, "/", version);
}

// --- the older form: APIGroupList and APIResourceList

Json group_document(const Group& group) {
    Json versions = Json::array();
    for (const auto& version : group.versions)
        versions.push_back(
            {{"groupVersion", group_version(group.name, version)}, {"version", version}});
    return {{"name", group.name}, {"versions", versions}, {"preferredVersion", versions[0]}};
}

void add_resource_rows(Json& rows, const Resource& resource) {
    const auto row = [&](std::string name, std::string kind,
                         const std::vector<std::string>& verbs) {
        return Json{{"name", std::move(name)},
                    {"singularName", ""},
                    {"namespaced", resource.type.namespaced},
                    {"kind", std::move(kind)},
                    {"verbs", verbs}};
    };
    const std::string& plural = resource.type.plural;
    Json main = row(plural, resource.type.kind, resource.unrun ? unrun_verbs : object_verbs);
    main["singularName"] = resource.singular;
    if (!resource.short_names.empty()) main["shortNames"] = resource.short_names;
    if (!resource.categories.empty()) main["categories"] = resource.categories;
    rows.push_back(std::move(main));
    if (resource.type == resources::pods) {
        rows.push_back(row(plural + "/log", "Pod", {"get"}));
        Json eviction = row(plural + "/eviction", "Eviction", {"create"});
        eviction["group"] = "policy";
        eviction["version"] = "v1";
        rows.push_back(std::move(eviction));
    }
    if (resource.status) rows.push_back(row(plural + "/status", resource.type.kind, part_verbs));
    if (resource.scale) {
        Json scale = row(plural + "/scale", "Scale", part_verbs);
        scale["group"] = "autoscaling";
        scale["version"] = "v1";
        rows.push_back(std::move(scale));
    }
}

bool serves(const Resource& resource, std::string_view group, std::string_view version) {
    return resource.type.group == group &&
           std::ranges::find(resource.versions, version) != resource.versions.end();
}

std::optional<HttpResponse> resource_list(const Registry& registry, const std::string& group,
                                          const std::string& version) {
    Json rows = Json::array();
    for (const auto& resource : registry.all())
        if (serves(*resource, group, version)) add_resource_rows(rows, *resource);
    if (rows.empty()) return std::nullopt;
    return json_response({{"kind", "APIResourceList"},
                          {"apiVersion", "v1"},
                          {"groupVersion", group_version(group, version)},
                          {"resources", rows}});
}

// --- the aggregated form:
// KEP 3352, "aggregated discovery".

Json aggregated_resource(const Resource& resource, const std::string& version) {
    const ResourceType type = resource.type_at(version);
    const Json kind = {{"group", type.group}, {"version", version}, {"kind", type.kind}};
    Json row = {{"resource", type.plural},
                {"responseKind", kind},
                {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                {"singularResource", resource.singular},
                {"verbs", resource.unrun ? unrun_verbs : object_verbs}};
    if (!resource.short_names.empty()) row["shortNames"] = resource.short_names;
    if (!resource.categories.empty()) row["categories"] = resource.categories;
    const auto add_part = [&](const char* name, const Json& response, const Json& verbs) {
        row["subresources"].push_back(
            {{"subresource", name}, {"responseKind", response}, {"verbs", verbs}});
    };
    if (type == resources::pods) {
        add_part("log", kind, {"get"});
        add_part("eviction", {{"group", "policy"}, {"version", "v1"}, {"kind", "Eviction"}},
                 {"create"});
    }
    if (resource.status) add_part("status", kind, part_verbs);
    if (resource.scale)
        add_part("scale", {{"group", "autoscaling"}, {"version", "v1"}, {"kind", "Scale"}},
                 part_verbs);
    return row;
}

HttpResponse aggregated(const Registry& registry, bool core, const std::string& form_version) {
    const auto all = registry.all();
    Json items = Json::array();
    for (const auto& group : groups_of(all)) {
        if (group.name.empty() != core) continue;
        Json versions = Json::array();
        for (const auto& version : group.versions) {
            Json rows = Json::array();
            for (const auto& resource : all)
                if (serves(*resource, group.name, version))
                    rows.push_back(aggregated_resource(*resource, version));
            versions.push_back(
                {{"version", version}, {"freshness", "Current"}, {"resources", rows}});
        }
        Json metadata = {{"creationTimestamp", nullptr}};
        if (!core) metadata["name"] = group.name;
        items.push_back({{"metadata", metadata}, {"versions", versions}});
    }
    return json_response({{"kind", "APIGroupDiscoveryList"},
                          {"apiVersion", concat("apidiscovery.k8s.io/", form_version)},
                          {"metadata", Json::object()},
                          {"items", items}},
                         concat("application/json;g=apidiscovery.k8s.io;v=", form_version,
                                ";as=APIGroupDiscoveryList"));
}

// "v2", "v2beta1" or "" for the older form: the first range that we can serve.
std::string discovery_form(std::string_view accept) {
    for (const auto& range : split(accept, ',')) {
        if (range.find("as=APIGroupDiscoveryList") == std::string::npos) {
            if (range.find("application/json") != std::string::npos) return "";
            continue;
        }
        for (const auto& part : split(range, ';')) {
            if (trim(part) == "v=v2") return "v2";
            if (trim(part) == "v=v2beta1") return "v2beta1";
        }
    }
    return "";
}

HttpResponse api_versions() {
    return json_response({{"kind", "APIVersions"},
                          {"versions", {"v1"}},
                          {"serverAddressByClientCIDRs", Json::array()}});
}

HttpResponse group_list(const Registry& registry) {
    Json groups = Json::array();
    for (const auto& group : groups_of(registry.all()))
        if (!group.name.empty()) groups.push_back(group_document(group));
    return json_response({{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", groups}});
}

std::optional<HttpResponse> one_group(const Registry& registry, const std::string& name) {
    for (const auto& group : groups_of(registry.all())) {
        if (group.name != name) continue;
        Json document = group_document(group);
        document["kind"] = "APIGroup";
        document["apiVersion"] = "v1";
        return json_response(document);
    }
    return std::nullopt;
}

}  // namespace

std::optional<HttpResponse> discovery_answer(const Registry& registry,
                                             const std::vector<std::string>& parts,
                                             std::string_view accept) {
    if (parts.empty()) {
        return json_response({{"paths",
                               {"/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2",
                                "/openapi/v3", "/readyz", "/version"}}});
    }
    const std::string& first = parts[0];
    if (first == "version" && parts.size() == 1) return json_response(server_version());
    if (first == "openapi") return openapi_answer(registry, parts);
    const bool core = first == "api";
    if (!core && first != "apis") return std::nullopt;
    if (parts.size() == 1) {
        if (const std::string form = discovery_form(accept); !form.empty())
            return aggregated(registry, core, form);
        return core ? api_versions() : group_list(registry);
    }
    if (core) return parts.size() == 2 ? resource_list(registry, "", parts[1]) : std::nullopt;
    if (parts.size() == 2) return one_group(registry, parts[1]);
    if (parts.size() == 3) return resource_list(registry, parts[1], parts[2]);
    return std::nullopt;
}

}  // namespace sluice::standalone::apiserver
