// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/admission.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"
#include "standalone/apiserver/apply/managed_fields.hpp"
#include "standalone/apiserver/builtin_checks.hpp"
#include "standalone/apiserver/names.hpp"
#include "standalone/apiserver/schema/custom_check.hpp"

namespace sluice::standalone::apiserver {
namespace {

// Set by the server alone: what a client sends there is ignored.
constexpr std::string_view system_metadata[] = {
    "uid",        "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
    "generation", "selfLink",          "resourceVersion"};

ApiResult<void> check_text_map(const Json& metadata, std::string_view field) {
    const auto found = metadata.find(field);
    if (found == metadata.end() || found->is_null()) return {};
    if (found->is_object() &&
        std::ranges::all_of(*found, [](const Json& value) { return value.is_string(); }))
        return {};
    return status::bad_request(concat(
        "metadata.", field, " must be a map of texts: a value such as 1 or true needs quotes"));
}

std::set<std::string> finalizers_of(const Json& object) {
    std::set<std::string> names;
    if (const Json* list = find(object, {"metadata", "finalizers"}); list && list->is_array())
        for (const auto& item : *list)
            if (item.is_string()) names.insert(item.get<std::string>());
    return names;
}

ApiResult<void> check_metadata(const Resource& resource, const Json& object) {
    const Json& metadata = object.at("metadata");
    TRY(check_text_map(metadata, "labels"));
    TRY(check_text_map(metadata, "annotations"));
    const std::string name = text_at(object, {"metadata", "name"});
    std::vector<StatusCause> causes = label_problems(metadata);
    if (auto problem = name_problem(resource.type, name)) causes.push_back(*problem);
    if (!causes.empty()) return status::invalid(resource.type, name, std::move(causes));
    return {};
}

// What a change of it raises the generation.
Json spec_part(const Resource& resource, const Json& object) {
    Json part = object;
    part.erase("metadata");
    part.erase("apiVersion");
    if (resource.status) part.erase("status");
    return part;
}

void keep(Json& metadata, const Json& live, std::string_view field) {
    const auto found = live.find(field);
    if (found == live.end())
        metadata.erase(std::string(field));
    else
        metadata[std::string(field)] = *found;
}

ApiResult<void> check_identity(const Resource& resource, const Json& live, const Json& wanted) {
    const std::string name = text_at(live, {"metadata", "name"});
    const std::string version = text_at(wanted, {"metadata", "resourceVersion"});
    const std::string live_version = text_at(live, {"metadata", "resourceVersion"});
    if (!version.empty() && version != "0" && version != live_version)
        return status::stale(resource.type, name);
    const std::string uid = text_at(wanted, {"metadata", "uid"});
    const std::string live_uid = text_at(live, {"metadata", "uid"});
    if (!uid.empty() && uid != live_uid)
        return status::conflict(resource.type, name,
                                concat("Precondition failed: UID in precondition: ", uid,
                                       ", UID in object meta: ", live_uid));
    for (const std::string_view field : {"name", "namespace"}) {
        const std::string value = text_at(wanted, {"metadata", field});
        if (!value.empty() && value != text_at(live, {"metadata", field}))
            return status::invalid(
                resource.type, name,
                {{concat("metadata.", field), "FieldValueInvalid",
                  concat("Invalid value: \"", value, "\": field is immutable")}});
    }
    return {};
}

// As upstream's decoder of built-in kinds says it.
std::string foreign_body(const Resource& resource, const std::string& api_version,
                         const std::string& kind) {
    const auto slash = api_version.find('/');
    const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
    const std::string version =
        slash == std::string::npos ? api_version : api_version.substr(slash + 1);
    const auto internal_group = [](const std::string& name) {
        return name.empty() ? "core" : name.substr(0, name.find('.'));
    };
    const std::string why = builtin_schema(group, version, kind)
                                ? concat("converting (", version, ".", kind, ") to (",
                                         internal_group(resource.type.group), ".",
                                         resource.type.kind, "): unknown conversion")
                                : concat("no kind \"", kind, "\" is registered for version \"",
                                         api_version, "\" in scheme \"pkg/runtime/scheme.go:111\"");
    return concat(kind, " in version \"", version, "\" cannot be handled as a ", resource.type.kind,
                  ": ", why);
}

ApiResult<void> check_finalizers(const Resource& resource, const Json& live, const Json& wanted) {
    if (!being_deleted(live)) return {};
    const auto before = finalizers_of(live);
    for (const auto& name : finalizers_of(wanted))
        if (!before.contains(name))
            return status::invalid(
                resource.type, text_at(live, {"metadata", "name"}),
                {{"metadata.finalizers", "FieldValueForbidden",
                  concat(
                      "Forbidden: no new finalizers can be added if the object is being deleted, "
                      "found new finalizers []string{\"",
                      name, "\"}")}});
    return {};
}

// Content: a custom object against the schema of its definition, a built-in one by its own rules.
ApiResult<void> check_schema(const Resource& resource, const Json& object, const Json* before) {
    const SchemaPtr schema = resource.schema_at(resource.type.version);
    auto causes = builtin_problems(resource, object, before);
    if (resource.custom && schema)
        for (auto& cause : custom_problems(*schema, object, before))
            causes.push_back(std::move(cause));
    if (causes.empty()) return {};
    return status::invalid(resource.type, text_at(object, {"metadata", "name"}), std::move(causes));
}

// Nothing here forwards what is sent to a Service's own address, so every one is headless; clients
// such as helm 3 take one without any address for not ready.
void give_address(Json& service) {
    Json& spec = service["spec"];
    if (text_at(spec, {"type"}) == "ExternalName" || !text_at(spec, {"clusterIP"}).empty()) return;
    spec["clusterIP"] = "None";
    spec["clusterIPs"] = {"None"};
}

// Whoever writes a Service without an address leaves it as it is.
void keep_address(const Json& live, Json& service) {
    Json& spec = service["spec"];
    if (!spec.is_object() || text_at(spec, {"type"}) == "ExternalName" ||
        !text_at(spec, {"clusterIP"}).empty())
        return;
    for (const char* field : {"clusterIP", "clusterIPs"})
        if (const Json* value = find(live, {"spec", field})) spec[field] = *value;
}

}  // namespace

bool being_deleted(const Json& object) {
    return find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

bool ready_to_vanish(const Json& object) {
    return being_deleted(object) && finalizers_of(object).empty() &&
           integer_at(object, {"metadata", "deletionGracePeriodSeconds"}) == 0;
}

ApiResult<void> check_type(const Resource& resource, std::string_view version, Json& body) {
    if (!body.is_object()) return status::bad_request("the body of the request must be one object");
    const std::string expected = resource.type_at(version).api_version();
    const std::string kind = text_at(body, {"kind"}, resource.type.kind);
    const std::string api_version = text_at(body, {"apiVersion"}, expected);
    if (!resource.custom && (api_version != expected || kind != resource.type.kind))
        return status::bad_request(foreign_body(resource, api_version, kind));
    if (api_version != expected)
        return status::bad_request(concat("the API version in the data (", api_version,
                                          ") does not match the expected API version (", expected,
                                          ")"));
    if (kind != resource.type.kind)
        return status::bad_request(concat("the kind in the data (", kind,
                                          ") does not match the expected kind (",
                                          resource.type.kind, ")"));
    body["kind"] = resource.type.kind;
    body["apiVersion"] = resource.type.api_version();
    if (!body.contains("metadata") || body["metadata"].is_null()) body["metadata"] = Json::object();
    if (!body["metadata"].is_object()) return status::bad_request("metadata must be an object");
    return {};
}

ApiResult<Json> admit_create(const Resource& resource, std::string_view ns, Json body,
                             const NewObject& fresh) {
    Json& metadata = body["metadata"];
    if (!text_at(metadata, {"resourceVersion"}).empty())
        return status::bad_request("resourceVersion should not be set on objects to be created");
    for (const auto field : system_metadata) metadata.erase(std::string(field));
    if (const std::string given = text_at(metadata, {"namespace"}); !given.empty() && given != ns)
        return status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the "
            "request");
    if (ns.empty())
        metadata.erase("namespace");
    else
        metadata["namespace"] = ns;
    std::string name = text_at(metadata, {"name"});
    if (name.empty()) {
        const std::string prefix = text_at(metadata, {"generateName"});
        if (prefix.empty())
            return status::invalid(resource.type, "",
                                   {{"metadata.name", "FieldValueRequired",
                                     "Required value: name or generateName is required"}});
        // 63 characters in all, as upstream's name generator.
        metadata["name"] = concat(prefix.substr(0, 58), fresh.name_suffix);
    }
    TRY(check_metadata(resource, body));
    metadata["uid"] = fresh.uid;
    metadata["creationTimestamp"] = format_rfc3339(fresh.now);
    if (resource.generation) metadata["generation"] = 1;
    if (resource.status) body.erase("status");
    apply_defaults(resource, body);
    initialise_status(resource, body, fresh.now);
    TRY(check_schema(resource, body, nullptr));
    if (resource.type == resources::services) give_address(body);
    return body;
}

ApiResult<Json> admit_update(const Resource& resource, Part part, const Json& live, Json wanted) {
    if (!wanted.is_object() || !wanted.contains("metadata") || !wanted["metadata"].is_object())
        return status::bad_request("metadata must be an object");
    TRY(check_identity(resource, live, wanted));
    if (part == Part::Status) {
        Json changed = live;
        if (const auto found = wanted.find("status"); found != wanted.end() && !found->is_null())
            changed["status"] = *found;
        else
            changed.erase("status");
        if (const Json* managed = find(wanted, {"metadata", "managedFields"}))
            changed["metadata"]["managedFields"] = *managed;
        apply_defaults(resource, changed);
        TRY(check_schema(resource, changed, &live));
        return changed;
    }
    Json& metadata = wanted["metadata"];
    for (const auto field : system_metadata) keep(metadata, live.at("metadata"), field);
    // Clients may clear them, and mostly leave them out.
    if (!metadata.contains("managedFields")) keep(metadata, live.at("metadata"), "managedFields");
    drop_cleared_managed_fields(wanted);
    keep(metadata, live.at("metadata"), "name");
    keep(metadata, live.at("metadata"), "namespace");
    wanted["apiVersion"] = live.at("apiVersion");
    wanted["kind"] = live.at("kind");
    for (const auto field : {"labels", "annotations", "finalizers", "ownerReferences"})
        if (metadata.contains(field) && (metadata[field].is_null() || metadata[field].empty()))
            metadata.erase(field);
    TRY(check_metadata(resource, wanted));
    TRY(check_finalizers(resource, live, wanted));
    if (resource.status) {
        if (live.contains("status"))
            wanted["status"] = live.at("status");
        else
            wanted.erase("status");
    }
    if (resource.type == resources::services) keep_address(live, wanted);
    apply_defaults(resource, wanted);
    TRY(check_schema(resource, wanted, &live));
    if (resource.generation && spec_part(resource, wanted) != spec_part(resource, live))
        metadata["generation"] = integer_at(live, {"metadata", "generation"}) + 1;
    return wanted;
}

}  // namespace sluice::standalone::apiserver
