// SPDX-License-Identifier: Apache-2.0
// The least OpenAPI with which kubectl applies, creates and explains without failing (measured in
// feasibility.md 2): per group version a document whose operations name the kinds and the
// fieldValidation parameter, with open schemas.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "standalone/apiserver/discovery.hpp"

namespace sluice::standalone::apiserver {
namespace {

// An OpenAPI v2 document in protobuf: swagger "2.0", info {title "K", version "v1"}, no paths.
constexpr std::string_view openapi_v2(
    "\x0a\x03"
    "2.0"
    "\x12\x07\x0a\x01"
    "K"
    "\x12\x02"
    "v1"
    "\x42\x00",
    16);

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

void add_paths(Json& document, const Resource& resource, const ResourceType& type) {
    const Json kind = {{"group", type.group}, {"version", type.version}, {"kind", type.kind}};
    document["components"]["schemas"][schema_name(type)] = {
        {"type", "object"},
        {"description", concat(type.kind, " of ", type.api_version())},
        {"x-kubernetes-preserve-unknown-fields", true},
        {"x-kubernetes-group-version-kind", Json::array({kind})},
        {"properties",
         {{"apiVersion", {{"type", "string"}}},
          {"kind", {{"type", "string"}}},
          {"metadata", {{"type", "object"}}},
          {"spec", {{"type", "object"}}},
          {"status", {{"type", "object"}}}}}};
    const Json content = {
        {"application/json",
         {{"schema", {{"$ref", concat("#/components/schemas/", schema_name(type))}}}}}};
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

Json openapi_v3(const std::vector<ResourcePtr>& resources, const std::string& path) {
    Json document = {{"openapi", "3.0.0"},
                     {"info", {{"title", "Kubernetes"}, {"version", "v1.32.0+sluice"}}},
                     {"paths", Json::object()},
                     {"components", {{"schemas", Json::object()}}}};
    for (const auto& resource : resources)
        for (const auto& version : resource->versions)
            if (openapi_path(resource->type_at(version)) == path)
                add_paths(document, *resource, resource->type_at(version));
    return document;
}

HttpResponse openapi_response(std::string body, const char* content_type) {
    return {.status = 200, .headers = {{"Content-Type", content_type}}, .body = std::move(body)};
}

}  // namespace

std::optional<HttpResponse> openapi_answer(const Registry& registry,
                                           const std::vector<std::string>& parts) {
    if (parts.size() == 2 && parts[1] == "v2")
        return openapi_response(std::string(openapi_v2),
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
            const std::string hash = sha256_hex(to_text(openapi_v3(resources, path))).substr(0, 32);
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
