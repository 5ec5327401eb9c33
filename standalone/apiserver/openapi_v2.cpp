// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/openapi_v2.hpp"

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// A length-delimited field; https://protobuf.dev/programming-guides/encoding/
std::string delimited_field(unsigned number, std::string_view content) {
    std::string field;
    const auto varint = [&field](size_t value) {
        for (; value >= 0x80; value >>= 7U) field += static_cast<char>((value & 0x7FU) | 0x80U);
        field += static_cast<char>(value);
    };
    varint(number << 3U | 2U);
    varint(content.size());
    return field.append(content);
}

// Operation.parameters: a query parameter of this name.
std::string query_parameter_field(std::string_view name) {
    const std::string by_name = delimited_field(4, name);
    return delimited_field(8, delimited_field(1, delimited_field(2, delimited_field(3, by_name))));
}

// Operation.vendor_extension: which kind it is for, as YAML.
std::string kind_extension(const ResourceType& type) {
    const std::string yaml =
        concat("group: \"", type.group, "\"\nversion: ", type.version, "\nkind: ", type.kind, "\n");
    return delimited_field(13, delimited_field(1, "x-kubernetes-group-version-kind") +
                                   delimited_field(2, delimited_field(2, yaml)));
}

// A path with nothing but its PATCH, which is all that is read.
std::string patch_path(const ResourceType& type) {
    const std::string base = type.group.empty() ? "/api/" : concat("/apis/", type.group, "/");
    const std::string path =
        concat(base, type.version, type.namespaced ? "/namespaces/{namespace}/" : "/", type.plural,
               "/{name}");
    const std::string operation = query_parameter_field("dryRun") + kind_extension(type);
    return delimited_field(
        2, delimited_field(1, path) + delimited_field(2, delimited_field(8, operation)));
}

}  // namespace

std::string openapi_v2(const std::vector<ResourcePtr>& resources) {
    std::string paths;
    for (const auto& resource : resources)
        for (const auto& version : resource->versions)
            if (!resource->unrun) paths += patch_path(resource->type_at(version));
    return concat(
        delimited_field(1, "2.0"),
        delimited_field(2, delimited_field(1, "Kubernetes") + delimited_field(2, "v1.32.0+sluice")),
        delimited_field(8, paths));
}

}  // namespace sluice::standalone::apiserver
