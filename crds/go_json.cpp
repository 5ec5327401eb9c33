// SPDX-License-Identifier: Apache-2.0
#include "crds/go_json.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "base/time.hpp"

namespace sluice::crds {
namespace go_json {

using Kind = GoField::Kind;
using Shape = GoField::Shape;

const Json none;

const Json& member(const Json& object, std::string_view name) {
    if (!object.is_object()) return none;
    const auto found = object.find(name);
    return found == object.end() ? none : *found;
}

std::string time_text(const Json& value) {
    if (!value.is_string()) return "null";
    const auto when = parse_rfc3339(value.get<std::string>());
    return go_text(when.ok() ? format_rfc3339(*when) : value.get<std::string>());
}

std::string quantity_text(const Json& value) {
    if (value.is_null()) return "\"0\"";
    return go_text(
        canonical_quantity(value.is_string() ? value.get<std::string>() : to_text(value)));
}

// Compact text of any document, escaped as Go escapes.
std::string raw_text(const Json& value) {
    if (value.is_string()) return go_text(value.get<std::string>());
    if (value.is_array()) {
        std::vector<std::string> parts;
        for (const auto& item : value) parts.push_back(raw_text(item));
        return concat("[", join(parts, ","), "]");
    }
    if (value.is_object()) {
        std::vector<std::string> parts;
        for (const auto& [key, item] : value.items())
            parts.push_back(concat(go_text(key), ":", raw_text(item)));
        return concat("{", join(parts, ","), "}");
    }
    return to_text(value);
}

std::string one(const GoTypes& types, const GoField& field, const Json& value) {
    switch (field.kind) {
        case Kind::Text: return go_text(value.is_string() ? value.get<std::string>() : "");
        case Kind::Boolean: return value.is_boolean() && value.get<bool>() ? "true" : "false";
        case Kind::Integer: return value.is_number() ? std::to_string(value.get<long>()) : "0";
        case Kind::Quantity: return quantity_text(value);
        case Kind::IntOrString: return value.is_null() ? "0" : raw_text(value);
        case Kind::Time: return time_text(value);
        case Kind::Raw: return raw_text(value);
        case Kind::Struct: return types.write(field.type, value);
    }
    return "null";
}

bool zero(const GoField& field, const Json& value) {
    switch (field.kind) {
        case Kind::Text: return !value.is_string() || value.get_ref<const std::string&>().empty();
        case Kind::Boolean: return !value.is_boolean() || !value.get<bool>();
        case Kind::Integer: return !value.is_number() || value.get<long>() == 0;
        default: return value.is_null();
    }
}

bool empty(const GoField& field, const Json& value) {
    switch (field.shape) {
        case Shape::Value: return zero(field, value);
        case Shape::Pointer: return value.is_null();
        case Shape::List: return !value.is_array() || value.empty();
        case Shape::Map: return !value.is_object() || value.empty();
    }
    return true;
}

std::string list(const GoTypes& types, const GoField& field, const Json& values) {
    if (!values.is_array()) return "null";
    std::vector<std::string> parts;
    for (const auto& value : values) parts.push_back(one(types, field, value));
    return concat("[", join(parts, ","), "]");
}

std::string map(const GoTypes& types, const GoField& field, const Json& values) {
    if (!values.is_object()) return "null";
    std::vector<std::string> parts;
    for (const auto& [key, value] : values.items())
        parts.push_back(concat(go_text(key), ":", one(types, field, value)));
    return concat("{", join(parts, ","), "}");
}

std::string whole(const GoTypes& types, const GoField& field, const Json& value) {
    switch (field.shape) {
        case Shape::List: return list(types, field, value);
        case Shape::Map: return map(types, field, value);
        case Shape::Pointer: return value.is_null() ? "null" : one(types, field, value);
        case Shape::Value: return one(types, field, value);
    }
    return "null";
}

void append_escape(std::string& text, unsigned code) {
    constexpr std::string_view hex = "0123456789abcdef";
    text += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) text += hex[(code >> shift) & 15];
}

void append_escaped(std::string& text, char c) {
    switch (c) {
        case '"': text += "\\\""; return;
        case '\\': text += "\\\\"; return;
        case '\b': text += "\\b"; return;
        case '\f': text += "\\f"; return;
        case '\n': text += "\\n"; return;
        case '\r': text += "\\r"; return;
        case '\t': text += "\\t"; return;
        default: break;
    }
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || c == '<' || c == '>' || c == '&')
        append_escape(text, code);
    else
        text += c;
}

}  // namespace go_json

GoTypes::GoTypes(std::vector<GoField> fields) : fields_(std::move(fields)) {
    // By struct; within one, the order of declaration stays.
    std::stable_sort(fields_.begin(), fields_.end(),
                     [](const GoField& a, const GoField& b) { return a.owner < b.owner; });
}

std::pair<const GoField*, const GoField*> GoTypes::fields_of(std::string_view type) const {
    const auto first = std::partition_point(fields_.begin(), fields_.end(),
                                            [&](const GoField& f) { return f.owner < type; });
    const auto last = std::partition_point(first, fields_.end(),
                                           [&](const GoField& f) { return f.owner == type; });
    return {fields_.data() + (first - fields_.begin()), fields_.data() + (last - fields_.begin())};
}

std::string GoTypes::write(std::string_view type, const Json& value) const {
    std::string text = "{";
    const auto [first, last] = fields_of(type);
    for (const GoField* field = first; field != last; ++field) {
        const Json& inner = go_json::member(value, field->name);
        if (field->omit_empty && go_json::empty(*field, inner)) continue;
        if (text.size() > 1) text += ',';
        text += concat("\"", field->name, "\":", go_json::whole(*this, *field, inner));
    }
    return text + "}";
}

std::string GoTypes::write_list(std::string_view type, const Json& values) const {
    const GoField field{{}, {}, GoField::Shape::List, GoField::Kind::Struct, type, false};
    return go_json::list(*this, field, values);
}

std::string go_text(std::string_view text) {
    std::string out = "\"";
    for (size_t i = 0; i < text.size(); ++i) {
        // The two line separators that JavaScript takes for line ends.
        if (text.substr(i, 2) == "\xe2\x80" && i + 2 < text.size() &&
            (text[i + 2] == '\xa8' || text[i + 2] == '\xa9')) {
            out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
            continue;
        }
        go_json::append_escaped(out, text[i]);
    }
    return out + "\"";
}

std::string safe_encode(std::uint32_t hash) {
    constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
    std::string text = std::to_string(hash);
    for (char& c : text) c = alphabet[static_cast<unsigned char>(c) % alphabet.size()];
    return text;
}

#define GO_FIELD(owner, name, shape, kind, type, omit) \
    {owner, name, GoField::Shape::shape, GoField::Kind::kind, type, omit},

const GoTypes& pod_template_types() {
    static const GoTypes types({
#include "crds/pod_template_fields.inc"
    });
    return types;
}

const GoTypes& canary_step_types() {
    static const GoTypes types({
#include "crds/canary_step_fields.inc"
    });
    return types;
}

#undef GO_FIELD

}  // namespace sluice::crds
