// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/schema/fit.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

std::string path_to(const std::string& parent, std::string_view name) {
    return parent.empty() ? std::string(name) : concat(parent, ".", name);
}

// Of a whole object inside another (x-kubernetes-embedded-resource) these stay, whatever its
// schema.
bool is_object_header(std::string_view name) {
    return name == "apiVersion" || name == "kind" || name == "metadata";
}

void prune_at(const Schema& schema, Json& value, const std::string& path,
              std::vector<std::string>& unknown) {
    if (value.is_array() && schema.items) {
        for (size_t i = 0; i < value.size(); ++i)
            prune_at(*schema.items, value[i], concat(path, "[", i, "]"), unknown);
        return;
    }
    if (!value.is_object()) return;
    if (schema.type == SchemaType::Map) {
        if (!schema.items) return;
        for (auto& [key, inner] : value.items())
            prune_at(*schema.items, inner, path_to(path, key), unknown);
        return;
    }
    if (schema.type != SchemaType::Object) return;
    for (auto at = value.begin(); at != value.end();) {
        const Schema* field = schema.field(at.key());
        if (field) prune_at(*field, at.value(), path_to(path, at.key()), unknown);
        const bool stays =
            field || schema.keeps_unknown || (schema.embedded && is_object_header(at.key()));
        if (!stays) unknown.push_back(concat("unknown field \"", path_to(path, at.key()), "\""));
        at = stays ? std::next(at) : value.erase(at);
    }
}

// Follows nlohmann's parser through a text, for it keeps only the last of two equal keys.
class DuplicateFinder {
public:
    bool operator()(Json::parse_event_t event, const Json& parsed) {
        switch (event) {
            case Json::parse_event_t::object_start: open(false); break;
            case Json::parse_event_t::array_start: open(true); break;
            case Json::parse_event_t::object_end:
            case Json::parse_event_t::array_end: close(); break;
            case Json::parse_event_t::key: key(parsed.get_ref<const std::string&>()); break;
            case Json::parse_event_t::value: next_item(); break;
        }
        return true;
    }
    std::vector<std::string> found;

private:
    struct Level {
        bool list = false;
        size_t index = 0;
        std::string path;
        std::string key;
        std::set<std::string> keys;
    };

    [[nodiscard]] std::string path_here() const {
        if (levels_.empty()) return {};
        const Level& top = levels_.back();
        return top.list ? concat(top.path, "[", top.index, "]") : path_to(top.path, top.key);
    }
    void open(bool list) { levels_.push_back({list, 0, path_here(), {}, {}}); }
    void close() {
        levels_.pop_back();
        next_item();
    }
    void key(const std::string& name) {
        Level& top = levels_.back();
        top.key = name;
        if (!top.keys.insert(name).second)
            found.push_back(concat("duplicate field \"", path_here(), "\""));
    }
    void next_item() {
        if (!levels_.empty() && levels_.back().list) ++levels_.back().index;
    }

    std::vector<Level> levels_;
};

// --- types of built-in kinds

std::string go_value(const Json& value) {
    switch (value.type()) {
        case Json::value_t::string: return "string";
        case Json::value_t::boolean: return "bool";
        case Json::value_t::array: return "array";
        case Json::value_t::object: return "object";
        case Json::value_t::number_float: return concat("number ", to_text(value));
        default: return "number";
    }
}

// "core.v1.Container" is v1.Container in Go.
std::string go_struct(const std::string& name) {
    const auto parts = split(name, '.');
    return parts.size() < 2 ? name : concat(parts[parts.size() - 2], ".", parts.back());
}

std::string go_type(const Schema& schema) {
    switch (schema.type) {
        case SchemaType::Text: return "string";
        case SchemaType::Integer: return schema.wide ? "int64" : "int32";
        case SchemaType::Number: return "float64";
        case SchemaType::Boolean: return "bool";
        case SchemaType::List: return "[]" + go_type(*schema.items);
        case SchemaType::Map: return "map[string]" + go_type(*schema.items);
        case SchemaType::Object: return go_struct(schema.name);
        default: return "string";
    }
}

bool type_fits(const Schema& schema, const Json& value) {
    switch (schema.type) {
        case SchemaType::Any: return true;
        case SchemaType::Object:
        case SchemaType::Map: return value.is_object();
        case SchemaType::List: return value.is_array();
        case SchemaType::Integer: return value.is_number_integer();
        case SchemaType::Number: return value.is_number();
        case SchemaType::Boolean: return value.is_boolean();
        case SchemaType::IntOrText: return value.is_number_integer() || value.is_string();
        case SchemaType::Quantity: return value.is_number() || value.is_string();
        case SchemaType::Text:
        case SchemaType::Bytes:
        case SchemaType::Time: return value.is_string();
    }
    return true;
}

// Where the decoder stands: the struct that has the field, and the names from the root.
struct GoPlace {
    std::string owner;
    std::string path;
};

std::string problem_at(const Schema& schema, Json& value, const GoPlace& place) {
    if (!type_fits(schema, value))
        return concat("json: cannot unmarshal ", go_value(value), " into Go struct field ",
                      place.owner, ".", place.path, " of type ", go_type(schema));
    if (schema.type == SchemaType::Bytes) {
        const auto& text = value.get_ref<const std::string&>();
        const auto bad = text.find_first_not_of(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n");
        if (bad != std::string::npos || !base64_decode(text))
            return concat("illegal base64 data at input byte ",
                          bad == std::string::npos ? text.size() : bad);
    }
    if (value.is_array() && schema.items) {
        for (auto& item : value)
            if (auto problem = problem_at(*schema.items, item, place); !problem.empty())
                return problem;
        return {};
    }
    if (schema.type == SchemaType::Map && schema.items) {
        for (auto& item : value)
            if (auto problem = problem_at(*schema.items, item, place); !problem.empty())
                return problem;
        return {};
    }
    if (schema.type != SchemaType::Object) return {};
    const std::string owner = schema.name.substr(schema.name.rfind('.') + 1);
    for (auto at = value.begin(); at != value.end();) {
        if (at.value().is_null()) {
            at = value.erase(at);
            continue;
        }
        if (const Schema* field = schema.field(at.key())) {
            auto problem = problem_at(*field, at.value(), {owner, path_to(place.path, at.key())});
            if (!problem.empty()) return problem;
        }
        ++at;
    }
    return {};
}

}  // namespace

std::vector<std::string> prune(const Schema& schema, Json& document) {
    std::vector<std::string> unknown;
    prune_at(schema, document, "", unknown);
    return unknown;
}

std::vector<std::string> duplicate_fields(std::string_view text) {
    DuplicateFinder finder;
    const Json::parser_callback_t callback = [&](int, Json::parse_event_t event, Json& parsed) {
        return finder(event, parsed);
    };
    if (Json::parse(text, callback, false).is_discarded()) return {};
    return finder.found;
}

void apply_schema_defaults(const Schema& schema, Json& document) {
    if (document.is_array() && schema.items)
        for (auto& item : document) apply_schema_defaults(*schema.items, item);
    if (!document.is_object()) return;
    if (schema.type == SchemaType::Map && schema.items)
        for (auto& item : document) apply_schema_defaults(*schema.items, item);
    for (const auto& [name, field] : schema.fields) {
        const auto found = document.find(name);
        const bool absent = found == document.end() || (found->is_null() && !field->nullable);
        if (absent && !field->default_text.empty())
            document[name] = Json::parse(field->default_text, nullptr, false);
        if (const auto now = document.find(name); now != document.end())
            apply_schema_defaults(*field, *now);
    }
}

std::string type_problem(const Schema& schema, Json& document) {
    return problem_at(schema, document, {schema.name, ""});
}

}  // namespace sluice::standalone::apiserver
