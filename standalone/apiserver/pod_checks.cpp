// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/pod_checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"
#include "standalone/apiserver/names.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr const char* pod_change_rule =
    "pod updates may not change fields other than "
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

const Json& checked_list(const Json& object, const char* field) {
    static const Json none = Json::array();
    const Json* list = find(object, {field});
    return list && list->is_array() ? *list : none;
}

void check_mounts(const Json& container, const std::set<std::string>& volumes,
                  const std::string& at, Causes& causes) {
    const Json& mounts = checked_list(container, "volumeMounts");
    for (size_t i = 0; i < mounts.size(); ++i) {
        const std::string place = concat(at, ".volumeMounts[", i, "]");
        const std::string name = text_at(mounts[i], {"name"});
        if (name.empty())
            causes.push_back(required_value(place + ".name"));
        else if (!volumes.contains(name))
            causes.push_back(
                {place + ".name", "FieldValueNotFound", concat("Not found: \"", name, "\"")});
        if (text_at(mounts[i], {"mountPath"}).empty())
            causes.push_back(required_value(place + ".mountPath"));
    }
}

void check_containers(const Json& spec, const char* list, const std::string& at,
                      std::set<std::string>& names, Causes& causes) {
    std::set<std::string> volumes;
    for (const auto& volume : checked_list(spec, "volumes"))
        volumes.insert(text_at(volume, {"name"}));
    const Json& containers = checked_list(spec, list);
    for (size_t i = 0; i < containers.size(); ++i) {
        const Json& container = containers[i];
        const std::string place = concat(at, ".", list, "[", i, "]");
        const std::string name = text_at(container, {"name"});
        if (name.empty())
            causes.push_back(required_value(place + ".name"));
        else if (!is_dns_label(name))
            causes.push_back(invalid_value(
                place + ".name", to_text(Json(name)),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or "
                "'-', and must start and end with an alphanumeric character (e.g. 'my-name',  or "
                "'123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"));
        else if (!names.insert(name).second)
            causes.push_back({place + ".name", "FieldValueDuplicate",
                              concat("Duplicate value: \"", name, "\"")});
        if (text_at(container, {"image"}).empty())
            causes.push_back(required_value(place + ".image"));
        const Json& ports = checked_list(container, "ports");
        for (size_t k = 0; k < ports.size(); ++k)
            check_port(find(ports[k], {"containerPort"}),
                       concat(place, ".ports[", k, "].containerPort"), causes);
        check_mounts(container, volumes, place, causes);
    }
}

// What of it may not change.
Json fixed_part(Json spec) {
    for (const char* list : {"containers", "initContainers"})
        if (spec.contains(list) && spec[list].is_array())
            for (auto& container : spec[list])
                if (container.is_object()) container.erase("image");
    for (const char* free : {"activeDeadlineSeconds", "tolerations",
                             "terminationGracePeriodSeconds", "ephemeralContainers"})
        spec.erase(free);
    return spec;
}

}  // namespace

StatusCause required_value(std::string field, const std::string& why) {
    return {std::move(field), "FieldValueRequired",
            why.empty() ? "Required value" : "Required value: " + why};
}

StatusCause invalid_value(std::string field, const std::string& value, const std::string& why) {
    return {std::move(field), "FieldValueInvalid", concat("Invalid value: ", value, ": ", why)};
}

StatusCause unsupported_value(std::string field, const std::string& value,
                              const std::vector<std::string>& supported) {
    std::vector<std::string> quoted;
    for (const auto& one : supported) quoted.push_back(to_text(Json(one)));
    return {std::move(field), "FieldValueNotSupported",
            concat("Unsupported value: ", value, ": supported values: ", join(quoted, ", "))};
}

StatusCause forbidden_value(std::string field, const std::string& why) {
    return {std::move(field), "FieldValueForbidden", "Forbidden: " + why};
}

void check_port(const Json* port, const std::string& field, Causes& causes) {
    const long number = port && port->is_number_integer() ? port->get<long>() : 0;
    if (number < 1 || number > 65535)
        causes.push_back(
            invalid_value(field, std::to_string(number), "must be between 1 and 65535, inclusive"));
}

void check_pod_spec(const Json& spec, const std::string& at, Causes& causes) {
    if (checked_list(spec, "containers").empty())
        causes.push_back(required_value(at + ".containers"));
    std::set<std::string> names;
    check_containers(spec, "containers", at, names, causes);
    check_containers(spec, "initContainers", at, names, causes);
    const std::string policy = text_at(spec, {"restartPolicy"});
    if (policy != "Always" && policy != "OnFailure" && policy != "Never")
        causes.push_back(unsupported_value(at + ".restartPolicy", to_text(Json(policy)),
                                           {"Always", "OnFailure", "Never"}));
}

void check_pod_change(const Json& spec, const Json& before, Causes& causes) {
    for (const char* list : {"containers", "initContainers"})
        if (checked_list(spec, list).size() != checked_list(before, list).size()) {
            causes.push_back(forbidden_value(concat("spec.", list),
                                             "pod updates may not add or remove containers"));
            return;
        }
    Json fixed = fixed_part(spec);
    // Being given a node is what binding is.
    if (text_at(before, {"nodeName"}).empty()) fixed.erase("nodeName");
    if (fixed != fixed_part(before)) causes.push_back(forbidden_value("spec", pod_change_rule));
}

}  // namespace sluice::standalone::apiserver
