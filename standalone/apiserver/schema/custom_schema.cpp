// SPDX-License-Identifier: Apache-2.0
// https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {
namespace {

SchemaPtr read_schema(const Json& open_api);

SchemaType custom_type(const Json& open_api) {
    static const std::map<std::string, SchemaType> words{
        {"object", SchemaType::Object}, {"array", SchemaType::List},
        {"string", SchemaType::Text},   {"integer", SchemaType::Integer},
        {"number", SchemaType::Number}, {"boolean", SchemaType::Boolean},
    };
    if (bool_at(open_api, {"x-kubernetes-int-or-string"})) return SchemaType::IntOrText;
    const auto found = words.find(text_at(open_api, {"type"}));
    return found == words.end() ? SchemaType::Any : found->second;
}

std::optional<double> number_of(const Json& open_api, const char* key) {
    const Json* value = find(open_api, {key});
    return value && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}
std::optional<long> count_of(const Json& open_api, const char* key) {
    const Json* value = find(open_api, {key});
    return value && value->is_number_integer() ? std::optional(value->get<long>()) : std::nullopt;
}
std::vector<SchemaPtr> schemas_of(const Json& open_api, const char* key) {
    std::vector<SchemaPtr> schemas;
    if (const Json* list = find(open_api, {key}); list && list->is_array())
        for (const auto& item : *list) schemas.push_back(read_schema(item));
    return schemas;
}

// Only this rule of CEL is known: others are taken to hold.
std::vector<std::string> immutable_rules(const Json& open_api) {
    std::vector<std::string> messages;
    const Json* rules = find(open_api, {"x-kubernetes-validations"});
    if (!rules || !rules->is_array()) return messages;
    for (const auto& rule : *rules) {
        std::string text;
        for (const char c : text_at(rule, {"rule"}))
            if (c != ' ') text += c;
        if (text == "self==oldSelf" || text == "oldSelf==self")
            messages.push_back(text_at(rule, {"message"}, "failed rule: self == oldSelf"));
    }
    return messages;
}

std::shared_ptr<const SchemaChecks> read_checks(const Json& open_api) {
    auto checks = std::make_shared<SchemaChecks>();
    checks->minimum = number_of(open_api, "minimum");
    checks->maximum = number_of(open_api, "maximum");
    checks->multiple_of = number_of(open_api, "multipleOf");
    checks->exclusive_minimum = bool_at(open_api, {"exclusiveMinimum"});
    checks->exclusive_maximum = bool_at(open_api, {"exclusiveMaximum"});
    checks->min_length = count_of(open_api, "minLength");
    checks->max_length = count_of(open_api, "maxLength");
    checks->min_items = count_of(open_api, "minItems");
    checks->max_items = count_of(open_api, "maxItems");
    checks->min_properties = count_of(open_api, "minProperties");
    checks->max_properties = count_of(open_api, "maxProperties");
    checks->unique_items = bool_at(open_api, {"uniqueItems"});
    checks->pattern = text_at(open_api, {"pattern"});
    checks->format = text_at(open_api, {"format"});
    if (const Json* list = find(open_api, {"enum"}); list && list->is_array())
        for (const auto& value : *list) checks->allowed.push_back(to_text(value));
    checks->all_of = schemas_of(open_api, "allOf");
    checks->any_of = schemas_of(open_api, "anyOf");
    checks->one_of = schemas_of(open_api, "oneOf");
    if (const Json* none = find(open_api, {"not"})) checks->none_of = read_schema(*none);
    checks->immutable = immutable_rules(open_api);
    return checks;
}

void read_list(const Json& open_api, Schema& schema) {
    if (const Json* items = find(open_api, {"items"}); items && items->is_object())
        schema.items = read_schema(*items);
    const std::string form = text_at(open_api, {"x-kubernetes-list-type"});
    if (form == "set") schema.form = ListForm::Set;
    if (form != "map") return;
    schema.form = ListForm::Map;
    if (const Json* keys = find(open_api, {"x-kubernetes-list-map-keys"}); keys && keys->is_array())
        for (const auto& key : *keys)
            if (key.is_string()) schema.keys.push_back(key.get<std::string>());
}

void read_object(const Json& open_api, Schema& schema) {
    if (const Json* fields = find(open_api, {"properties"}); fields && fields->is_object())
        for (const auto& [name, field] : fields->items()) schema.fields[name] = read_schema(field);
    if (const Json* names = find(open_api, {"required"}); names && names->is_array())
        for (const auto& name : *names)
            if (name.is_string()) schema.required.insert(name.get<std::string>());
    if (const Json* others = find(open_api, {"additionalProperties"})) {
        if (others->is_object() && schema.type != SchemaType::Any) {
            schema.type = SchemaType::Map;
            schema.items = read_schema(*others);
        } else if (others->is_boolean() && others->get<bool>()) {
            schema.keeps_unknown = true;
        }
    }
    schema.atomic = text_at(open_api, {"x-kubernetes-map-type"}) == "atomic";
}

SchemaPtr read_schema(const Json& open_api) {
    auto schema = std::make_shared<Schema>();
    schema->type = custom_type(open_api);
    schema->description = text_at(open_api, {"description"});
    schema->nullable = bool_at(open_api, {"nullable"});
    schema->embedded = bool_at(open_api, {"x-kubernetes-embedded-resource"});
    schema->keeps_unknown = bool_at(open_api, {"x-kubernetes-preserve-unknown-fields"});
    if (const Json* value = find(open_api, {"default"})) schema->default_text = to_text(*value);
    read_list(open_api, *schema);
    read_object(open_api, *schema);
    schema->checks = read_checks(open_api);
    return schema;
}

}  // namespace

SchemaPtr custom_schema(const Json& open_api) {
    auto schema = std::make_shared<Schema>(*read_schema(open_api));
    schema->type = SchemaType::Object;
    auto text = std::make_shared<Schema>();
    text->type = SchemaType::Text;
    schema->fields["apiVersion"] = text;
    schema->fields["kind"] = text;
    schema->fields["metadata"] = builtin_type("meta.v1.ObjectMeta");
    return schema;
}

}  // namespace sluice::standalone::apiserver
