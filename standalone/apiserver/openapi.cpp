// SPDX-License-Identifier: Apache-2.0
// OpenAPI with which kubectl applies, creates and explains (feasibility.md 2): per group version a
// document whose operations name the kinds and the fieldValidation parameter, and their schemas. A
// kind without one is open.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "crds/definitions.hpp"
#include "standalone/apiserver/discovery.hpp"
#include "standalone/apiserver/openapi_v2.hpp"
#include "standalone/apiserver/schema/open_api.hpp"

namespace sluice::standalone::apiserver {
namespace {

std::string openapi_path(const ResourceType& type) {
    return type.group.empty() ? concat("api/", type.version)
                              : concat("apis/", type.group, "/", type.version);
}

std::string schema_name(const ResourceType& type) {
    const std::string group = type.group.empty() ? "core" : type.group;
    return concat("sluice.", group, ".", type.version, ".", type.kind);
}

Json query_parameter(const char* name) {
    return {
        {"name", name}, {"in", "query"}, {"schema", {{"type", "string"}, {"uniqueItems", true}}}};
}

// A kind whose schema nobody has told us.
Json open_schema() {
    return {{"type", "object"},
            {"x-kubernetes-preserve-unknown-fields", true},
            {"properties",
             {{"apiVersion", {{"type", "string"}}},
              {"kind", {{"type", "string"}}},
              {"metadata", {{"type", "object"}}},
              {"spec", {{"type", "object"}}},
              {"status", {{"type", "object"}}}}}};
}

// Our own kinds are stored as they come, and explained by what their decoders read. Null: nobody
// knows.
SchemaPtr explaining_schema(const Resource& resource, const std::string& version) {
    using Schemas = std::map<std::string, SchemaPtr>;
    static const Schemas own = [] {
        Schemas schemas;
        for (const auto& definition : crds::custom_resource_definitions())
            if (const auto read = read_definition(definition); read.ok())
                schemas[read->store_type()] = read->schema_at(read->type.version);
        return schemas;
    }();
    SchemaPtr schema = resource.schema_at(version);
    if (schema && !schema->keeps_unknown) return schema;
    const auto found = own.find(resource.store_type());
    return found == own.end() ? nullptr : found->second;
}

void add_schema(Json& document, const Resource& resource, const ResourceType& type,
                const std::string& name, const Json& kind) {
    Json& components = document["components"];
    if (const SchemaPtr schema = explaining_schema(resource, type.version))
        add_open_api(*schema, name, components);
    else
        components["schemas"][name] = open_schema();
    Json& written = components["schemas"][name];
    if (!written.contains("description"))
        written["description"] = concat(type.kind, " of ", type.api_version());
    written["x-kubernetes-group-version-kind"] = Json::array({kind});
}

void add_paths(Json& document, const Resource& resource, const ResourceType& type,
               bool with_schemas) {
    const Json kind = {{"group", type.group}, {"version", type.version}, {"kind", type.kind}};
    const SchemaPtr schema = resource.schema_at(type.version);
    const std::string name =
        schema && !schema->name.empty() ? open_api_name(schema->name) : schema_name(type);
    // Those of built-in kinds are as constant as the program.
    if (with_schemas || resource.custom) add_schema(document, resource, type, name, kind);
    const Json content = {
        {"application/json", {{"schema", {{"$ref", concat("#/components/schemas/", name)}}}}}};
    const auto operation = [&](const char* action) {
        return Json{{"x-kubernetes-action", action},
                    {"x-kubernetes-group-version-kind", kind},
                    {"parameters",
                     {query_parameter("dryRun"), query_parameter("fieldManager"),
                      query_parameter("fieldValidation")}},
                    {"responses", {{"200", {{"description", "OK"}, {"content", content}}}}}};
    };
    const std::string base =
        concat("/", openapi_path(type), resource.type.namespaced ? "/namespaces/{namespace}/" : "/",
               type.plural);
    document["paths"][base] = {{"get", operation("list")}, {"post", operation("post")}};
    document["paths"][base + "/{name}"] = {{"get", operation("get")},
                                           {"put", operation("put")},
                                           {"patch", operation("patch")},
                                           {"delete", operation("delete")}};
}

Json openapi_v3(const std::vector<ResourcePtr>& resources, const std::string& path,
                bool with_schemas = true) {
    Json document = {{"openapi", "3.0.0"},
                     {"info", {{"title", "Kubernetes"}, {"version", "v1.32.0+sluice"}}},
                     {"paths", Json::object()},
                     {"components", {{"schemas", Json::object()}}}};
    for (const auto& resource : resources)
        for (const auto& version : resource->versions)
            if (openapi_path(resource->type_at(version)) == path)
                add_paths(document, *resource, resource->type_at(version), with_schemas);
    return document;
}

HttpResponse openapi_response(std::string body, const char* content_type) {
    return {.status = 200, .headers = {{"Content-Type", content_type}}, .body = std::move(body)};
}

}  // namespace

std::optional<HttpResponse> openapi_answer(const Registry& registry,
                                           const std::vector<std::string>& parts) {
    if (parts.size() == 2 && parts[1] == "v2")
        return openapi_response(openapi_v2(registry.all()),
                                "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    if (parts.size() < 2 || parts[1] != "v3") return std::nullopt;
    const auto resources = registry.all();
    std::set<std::string> paths;
    for (const auto& resource : resources)
        for (const auto& version : resource->versions)
            paths.insert(openapi_path(resource->type_at(version)));
    if (parts.size() == 2) {
        Json index = Json::object();
        for (const auto& path : paths) {
            const std::string hash =
                sha256_hex(to_text(openapi_v3(resources, path, false))).substr(0, 32);
            index["paths"][path] = {
                {"serverRelativeURL", concat("/openapi/v3/", path, "?hash=", hash)}};
        }
        return openapi_response(to_text(index), "application/json");
    }
    const std::string asked = join({parts.begin() + 2, parts.end()}, "/");
    if (!paths.contains(asked)) return std::nullopt;
    HttpResponse response =
        openapi_response(to_text(openapi_v3(resources, asked)), "application/json");
    // The address holds the content's hash: kubectl does not fetch it again.
    response.headers.push_back({"Cache-Control", "public, immutable"});
    response.headers.push_back({"Vary", "Accept"});
    return response;
}

}  // namespace sluice::standalone::apiserver
