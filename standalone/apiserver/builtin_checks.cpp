// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/builtin_checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/names.hpp"
#include "standalone/apiserver/workload_checks.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr const char* immutable_rule = "Forbidden: field is immutable when `immutable` is set";

const Json& part_of(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json nothing;
    const Json* found = find(object, path);
    return found ? *found : nothing;
}

void check_finalizers(const Json& object, std::vector<StatusCause>& causes) {
    const Json& list = part_of(object, {"metadata", "finalizers"});
    for (size_t i = 0; list.is_array() && i < list.size(); ++i) {
        if (!list[i].is_string()) continue;
        const auto& name = list[i].get_ref<const std::string&>();
        const bool standard =
            name == "foregroundDeletion" || name == "orphan" || name == "kubernetes";
        if (!is_qualified_name(name))
            causes.push_back(
                {"metadata.finalizers", "FieldValueInvalid",
                 concat("Invalid value: ", to_text(list[i]), ": ", qualified_name_rule())});
        if (!standard && name.find('/') == std::string::npos)
            causes.push_back(
                {concat("metadata.finalizers[", i, "]"), "FieldValueInvalid",
                 concat("Invalid value: ", to_text(list[i]),
                        ": name is neither a standard finalizer name nor is it fully qualified")});
    }
}

void check_owners(const Json& object, std::vector<StatusCause>& causes) {
    const Json& list = part_of(object, {"metadata", "ownerReferences"});
    if (!list.is_array()) return;
    std::string controller;
    for (const auto& owner : list) {
        if (text_at(owner, {"uid"}).empty())
            causes.push_back({"metadata.ownerReferences.uid", "FieldValueInvalid",
                              "Invalid value: \"\": must not be empty"});
        if (!bool_at(owner, {"controller"})) continue;
        const std::string name = concat(text_at(owner, {"kind"}), "/", text_at(owner, {"name"}));
        if (!controller.empty())
            causes.push_back(
                {"metadata.ownerReferences", "FieldValueInvalid",
                 concat("Invalid value: ", to_text(list),
                        ": Only one reference can have Controller set to true. Found \"true\" in "
                        "references for ",
                        controller, " and ", name)});
        controller = name;
    }
}

bool is_data_key(std::string_view key) {
    return !key.empty() && key.size() <= 253 && std::ranges::all_of(key, [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_' || c == '.';
    });
}

void check_data(const Json& object, std::vector<StatusCause>& causes) {
    for (const char* field : {"data", "binaryData"}) {
        const Json& data = part_of(object, {field});
        if (!data.is_object()) continue;
        for (const auto& [key, value] : data.items()) {
            const std::string place = concat(field, "[", key, "]");
            if (!is_data_key(key))
                causes.push_back(
                    {place, "FieldValueInvalid",
                     concat("Invalid value: \"", key,
                            "\": a valid config key must consist of alphanumeric characters, '-', "
                            "'_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex "
                            "used for validation is '[-._a-zA-Z0-9]+')")});
            if (field == std::string_view("data") && part_of(object, {"binaryData"}).contains(key))
                causes.push_back({place, "FieldValueInvalid",
                                  concat("Invalid value: \"", key,
                                         "\": duplicate of key present in binaryData")});
        }
    }
}

void check_immutable(const Json& object, const Json& before, std::vector<StatusCause>& causes) {
    if (!bool_at(before, {"immutable"})) return;
    if (!bool_at(object, {"immutable"}))
        causes.push_back({"immutable", "FieldValueForbidden", immutable_rule});
    for (const char* field : {"data", "binaryData"})
        if (part_of(object, {field}) != part_of(before, {field}))
            causes.push_back({field, "FieldValueForbidden", immutable_rule});
}

void check_secret_type(const Json& secret, const Json* before, std::vector<StatusCause>& causes) {
    const std::string type = text_at(secret, {"type"});
    if (before && type != text_at(*before, {"type"}))
        causes.push_back({"type", "FieldValueInvalid",
                          concat("Invalid value: \"", type, "\": field is immutable")});
    if (type != "kubernetes.io/tls") return;
    for (const char* key : {"tls.crt", "tls.key"})
        if (!find(secret, {"data", key}))
            causes.push_back({concat("data[", key, "]"), "FieldValueRequired", "Required value"});
}

// What a change of a status or of metadata leaves alone.
Json without_metadata(const Json& object) {
    Json rest = object;
    for (const char* part : {"metadata", "status", "apiVersion", "kind"}) rest.erase(part);
    return rest;
}

void check_event(const Json& event, std::vector<StatusCause>& causes) {
    const std::string about = text_at(event, {"involvedObject", "namespace"});
    if (!about.empty() && about != text_at(event, {"metadata", "namespace"}))
        causes.push_back(
            {"involvedObject.namespace", "FieldValueInvalid",
             concat("Invalid value: \"", about, "\": does not match event.namespace")});
}

}  // namespace

std::vector<StatusCause> builtin_problems(const Resource& resource, const Json& object,
                                          const Json* before) {
    std::vector<StatusCause> causes;
    check_owners(object, causes);
    if (resource.custom) return causes;
    check_finalizers(object, causes);
    if (resource.type == resources::events) check_event(object, causes);
    // What is as it was is not held against rules that it may be older than.
    if (!before || without_metadata(object) != without_metadata(*before)) {
        check_workload(resource, object, before, causes);
        check_surroundings(resource, object, causes);
    }
    const bool secret = resource.type == resources::secrets;
    if (!secret && resource.type != resources::config_maps) return causes;
    check_data(object, causes);
    if (before) check_immutable(object, *before, causes);
    if (secret) check_secret_type(object, before, causes);
    return causes;
}

}  // namespace sluice::standalone::apiserver
