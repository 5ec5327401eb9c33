// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/schema/open_api.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

Json write(const Schema& schema, Json& components);

Json plain(const Schema& schema) {
    switch (schema.type) {
        case SchemaType::Text: return {{"type", "string"}};
        case SchemaType::Bytes: return {{"type", "string"}, {"format", "byte"}};
        case SchemaType::Time: return {{"type", "string"}, {"format", "date-time"}};
        case SchemaType::Integer:
            return {{"type", "integer"}, {"format", schema.wide ? "int64" : "int32"}};
        case SchemaType::Number: return {{"type", "number"}};
        case SchemaType::Boolean: return {{"type", "boolean"}};
        case SchemaType::IntOrText:
            return {{"x-kubernetes-int-or-string", true},
                    {"oneOf", {{{"type", "integer"}}, {{"type", "string"}}}}};
        case SchemaType::Quantity: return {{"oneOf", {{{"type", "string"}}, {{"type", "number"}}}}};
        default: return {{"type", "object"}};
    }
}

void write_list(const Schema& schema, Json& components, Json& written) {
    written["type"] = "array";
    written["items"] = schema.items ? write(*schema.items, components) : Json::object();
    const bool map = schema.form == ListForm::Map;
    if (schema.atomic || schema.form != ListForm::Atomic)
        written["x-kubernetes-list-type"] = map ? "map" : schema.atomic ? "atomic" : "set";
    if (map) written["x-kubernetes-list-map-keys"] = schema.keys;
    if (!schema.merge_key) return;
    written["x-kubernetes-patch-strategy"] = "merge";
    if (!schema.merge_key->empty()) written["x-kubernetes-patch-merge-key"] = *schema.merge_key;
}

void write_fields(const Schema& schema, Json& components, Json& written) {
    written["type"] = "object";
    for (const auto& [name, field] : schema.fields)
        written["properties"][name] = write(*field, components);
    if (!schema.required.empty()) written["required"] = schema.required;
    if (schema.keeps_unknown) written["x-kubernetes-preserve-unknown-fields"] = true;
    if (schema.atomic) written["x-kubernetes-map-type"] = "atomic";
}

Json write_whole(const Schema& schema, Json& components) {
    Json written = Json::object();
    if (schema.type == SchemaType::Object) {
        write_fields(schema, components, written);
    } else if (schema.type == SchemaType::Map) {
        written = {{"type", "object"}, {"additionalProperties", Json::object()}};
        if (schema.items) written["additionalProperties"] = write(*schema.items, components);
    } else if (schema.type == SchemaType::List) {
        write_list(schema, components, written);
    } else {
        written = plain(schema);
    }
    if (!schema.description.empty()) written["description"] = schema.description;
    if (!schema.default_text.empty())
        written["default"] = Json::parse(schema.default_text, nullptr, false);
    if (schema.checks && !schema.checks->allowed.empty())
        for (const auto& value : schema.checks->allowed)
            written["enum"].push_back(Json::parse(value, nullptr, false));
    return written;
}

Json write(const Schema& schema, Json& components) {
    if (schema.type != SchemaType::Object || schema.name.empty())
        return write_whole(schema, components);
    const std::string name = open_api_name(schema.name);
    add_open_api(schema, name, components);
    return {{"allOf", Json::array({{{"$ref", "#/components/schemas/" + name}}})}};
}

}  // namespace

std::string open_api_name(const std::string& type) {
    if (type.starts_with("meta.")) return "io.k8s.apimachinery.pkg.apis." + type;
    if (type.starts_with("apiextensions."))
        return "io.k8s.apiextensions-apiserver.pkg.apis." + type;
    return "io.k8s.api." + type;
}

void add_open_api(const Schema& schema, const std::string& name, Json& components) {
    Json& schemas = components["schemas"];
    if (schemas.contains(name)) return;
    schemas[name] = Json::object();  // a type that holds itself ends here
    Json written = write_whole(schema, components);
    components["schemas"][name] = std::move(written);
}

}  // namespace sluice::standalone::apiserver
