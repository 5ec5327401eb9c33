// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/apply/typed_value.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

bool is_open(const Schema* schema) {
    return !schema || schema->type == SchemaType::Any;
}
bool is_atomic(const Schema* schema, const Json& value) {
    if (value.is_array()) return is_open(schema) || schema->form == ListForm::Atomic;
    if (value.is_object()) return schema && schema->atomic;
    return true;
}
// Of an object's field; null: whatever it is.
const Schema* schema_of_field(const Schema* schema, const std::string& name) {
    if (is_open(schema)) return nullptr;
    if (schema->type == SchemaType::Map) return schema->items.get();
    return schema->field(name);
}
const Schema* schema_of_items(const Schema* schema) {
    return is_open(schema) ? nullptr : schema->items.get();
}
// A field of the schema itself, not one of a map.
bool is_declared(const Schema* schema, const std::string& name) {
    return !is_open(schema) && schema->type == SchemaType::Object && schema->field(name);
}

std::string field_element(const std::string& name) {
    return "f:" + name;
}

Json key_of_item(const Schema& list, const Json& item) {
    Json keys = Json::object();
    for (const auto& key : list.keys) {
        if (item.is_object() && item.contains(key)) {
            keys[key] = item[key];
        } else if (const Schema* field = list.items ? list.items->field(key) : nullptr;
                   field && !field->default_text.empty()) {
            keys[key] = Json::parse(field->default_text, nullptr, false);
        }
    }
    return keys;
}

std::string item_element(const Schema& list, const Json& item) {
    if (list.form == ListForm::Set) return "v:" + to_text(item);
    return "k:" + to_text(key_of_item(list, item));
}

// Items of a list by their path element, in order.
std::vector<std::string> elements_of(const Schema& list, const Json& value) {
    std::vector<std::string> elements;
    for (const auto& item : value) elements.push_back(item_element(list, item));
    return elements;
}

// --- checks

std::string got(const Json& value) {
    switch (value.type()) {
        case Json::value_t::string: return "string";
        case Json::value_t::boolean: return "boolean";
        case Json::value_t::array: return "list";
        case Json::value_t::object: return "map";
        case Json::value_t::null: return "null";
        case Json::value_t::number_float: return "float";
        default: return "int";
    }
}

std::string expected(const Schema& schema, const Json& value) {
    const auto wanted = [&](const char* words) {
        return concat("expected ", words, ", got ", got(value));
    };
    switch (schema.type) {
        case SchemaType::Any: return {};
        case SchemaType::Object:
        case SchemaType::Map: return value.is_object() ? "" : wanted("map");
        case SchemaType::List: return value.is_array() ? "" : wanted("list");
        case SchemaType::Integer:
        case SchemaType::Number: return value.is_number() ? "" : wanted("numeric (int or float)");
        case SchemaType::Boolean: return value.is_boolean() ? "" : wanted("boolean");
        case SchemaType::IntOrText:
        case SchemaType::Quantity: return value.is_primitive() ? "" : wanted("string");
        case SchemaType::Text:
        case SchemaType::Bytes:
        case SchemaType::Time: return value.is_string() ? "" : wanted("string");
    }
    return {};
}

std::string path_text(const std::string& element) {
    FieldTree tree;
    tree.children[element].member = true;
    return member_paths(tree).front();
}

std::string problem_at(const Schema* schema, const Json& value, const std::string& path);

std::string list_problem(const Schema& schema, const Json& list, const std::string& path) {
    std::set<std::string> seen;
    for (const auto& item : list) {
        if (schema.form == ListForm::Map)
            for (const auto& key : schema.keys)
                if (!key_of_item(schema, item).contains(key))
                    return concat(
                        path, ": associative list with keys has an element that omits key field \"",
                        key, "\" (and doesn't have default value)");
        const std::string element =
            schema.form == ListForm::Atomic ? "" : item_element(schema, item);
        if (schema.form != ListForm::Atomic && !seen.insert(element).second)
            return concat(path, ": duplicate entries for key ", path_text(element));
        const std::string inner =
            schema.form == ListForm::Atomic ? path : path + path_text(element);
        if (auto problem = problem_at(schema.items.get(), item, inner); !problem.empty())
            return problem;
    }
    return {};
}

std::string problem_at(const Schema* schema, const Json& value, const std::string& path) {
    if (is_open(schema) || value.is_null()) return {};
    if (auto why = expected(*schema, value); !why.empty()) return concat(path, ": ", why);
    if (value.is_array()) return list_problem(*schema, value, path);
    if (!value.is_object()) return {};
    for (const auto& [name, inner] : value.items()) {
        const std::string at = concat(path, ".", name);
        if (schema->type == SchemaType::Object && !schema->field(name) && !schema->keeps_unknown)
            return concat(at, ": field not declared in schema");
        if (auto problem = problem_at(schema_of_field(schema, name), inner, at); !problem.empty())
            return problem;
    }
    return {};
}

// --- comparison

void compare_at(const Schema* schema, const Json* before, const Json* after, FieldChanges& changes);

// The changes of what lies under `element`.
void compare_under(const std::string& element, const Schema* schema, const Json* before,
                   const Json* after, FieldChanges& changes) {
    FieldChanges inner;
    compare_at(schema, before, after, inner);
    if (!inner.added.empty()) changes.added.children[element] = std::move(inner.added);
    if (!inner.modified.empty()) changes.modified.children[element] = std::move(inner.modified);
    if (!inner.removed.empty()) changes.removed.children[element] = std::move(inner.removed);
}

void compare_leaf(const Json* before, const Json* after, FieldChanges& changes) {
    if (!before)
        changes.added.member = true;
    else if (!after)
        changes.removed.member = true;
    else if (*before != *after)
        changes.modified.member = true;
}

void compare_objects(const Schema* schema, const Json* before, const Json* after,
                     FieldChanges& changes) {
    std::set<std::string> names;
    for (const Json* side : {before, after})
        if (side)
            for (const auto& [name, value] : side->items()) names.insert(name);
    const auto value_in = [](const Json* side, const std::string& name) -> const Json* {
        return side && side->contains(name) ? &side->at(name) : nullptr;
    };
    for (const auto& name : names)
        compare_under(field_element(name), schema_of_field(schema, name), value_in(before, name),
                      value_in(after, name), changes);
}

void compare_lists(const Schema& schema, const Json* before, const Json* after,
                   FieldChanges& changes) {
    std::map<std::string, std::pair<const Json*, const Json*>> items;
    if (before)
        for (const auto& item : *before) items[item_element(schema, item)].first = &item;
    if (after)
        for (const auto& item : *after) items[item_element(schema, item)].second = &item;
    for (const auto& [element, sides] : items)
        compare_under(element, schema.items.get(), sides.first, sides.second, changes);
}

bool is_collection(const Json* value) {
    return value && value->is_structured();
}

void compare_at(const Schema* schema, const Json* before, const Json* after,
                FieldChanges& changes) {
    if (before && after && *before == *after) return;
    const Json& shown = after ? *after : *before;
    const bool same_kind = !before || !after || before->type() == after->type();
    const bool nothing_inside =
        (!is_collection(before) || before->empty()) && (!is_collection(after) || after->empty());
    if (!same_kind || is_atomic(schema, shown) || nothing_inside)
        return compare_leaf(before, after, changes);
    if (shown.is_object())
        compare_objects(schema, before, after, changes);
    else
        compare_lists(*schema, before, after, changes);
    if (!before) changes.added.member = true;
    if (!after) changes.removed.member = true;
}

// --- merge

Json merge_lists(const Schema& schema, const Json& live, const Json& applied) {
    const auto left = elements_of(schema, live);
    const auto right = elements_of(schema, applied);
    std::map<std::string, const Json*> live_items;
    for (size_t i = 0; i < left.size(); ++i) live_items.emplace(left[i], &live[i]);
    const std::set<std::string> in_right(right.begin(), right.end());
    Json merged = Json::array();
    size_t l = 0;
    size_t r = 0;
    // Those of live alone stay before what followed them; shared ones come in the applied order.
    while (l < left.size() || r < right.size()) {
        if (l < left.size() && !in_right.contains(left[l])) {
            merged.push_back(live[l++]);
            continue;
        }
        if (l < left.size() && (r == right.size() || left[l] != right[r])) {
            const bool came_already = std::find(right.begin(), right.begin() + static_cast<long>(r),
                                                left[l]) != right.begin() + static_cast<long>(r);
            if (came_already || live_items.contains(right[r])) {
                ++l;
                continue;
            }
        }
        const auto old = live_items.find(right[r]);
        merged.push_back(old == live_items.end()
                             ? applied[r]
                             : merge_typed(schema.items.get(), *old->second, applied[r]));
        if (l < left.size() && left[l] == right[r]) ++l;
        ++r;
    }
    return merged;
}

}  // namespace

std::string typed_problem(const Schema* schema, const Json& value) {
    return problem_at(schema, value, "");
}

FieldTree fields_set_by(const Schema* schema, const Json& value) {
    FieldTree tree;
    if (is_atomic(schema, value)) {
        tree.member = true;
        return tree;
    }
    if (value.is_object()) {
        for (const auto& [name, inner] : value.items()) {
            FieldTree child = fields_set_by(schema_of_field(schema, name), inner);
            const bool nothing_inside = inner.is_null() || (inner.is_object() && inner.empty());
            if (nothing_inside || !is_declared(schema, name)) child.member = true;
            if (!child.empty()) tree.children[field_element(name)] = std::move(child);
        }
        return tree;
    }
    for (const auto& item : value) {
        FieldTree child = fields_set_by(schema_of_items(schema), item);
        child.member = true;
        tree.children[item_element(*schema, item)] = std::move(child);
    }
    return tree;
}

FieldChanges compare_fields(const Schema* schema, const Json& before, const Json& after) {
    FieldChanges changes;
    compare_at(schema, &before, &after, changes);
    return changes;
}

Json merge_typed(const Schema* schema, const Json& live, const Json& applied) {
    if (live.type() != applied.type() || is_atomic(schema, applied)) return applied;
    if (applied.is_array()) return merge_lists(*schema, live, applied);
    Json merged = live;
    for (const auto& [name, value] : applied.items()) {
        const auto found = live.find(name);
        merged[name] =
            found == live.end() ? value : merge_typed(schema_of_field(schema, name), *found, value);
    }
    return merged;
}

Json remove_fields(const Schema* schema, const Json& value, const FieldTree& given_up,
                   const FieldTree& kept) {
    if (is_atomic(schema, value) || given_up.children.empty()) return value;
    static const FieldTree nobody;
    Json left = value.is_array() ? Json::array() : Json::object();
    const auto survives = [&](const std::string& element, const Schema* inner,
                              const Json& item) -> std::optional<Json> {
        const FieldTree* gone = given_up.child(element);
        const FieldTree* holder = kept.child(element);
        if (!gone) return item;
        if (!holder && (gone->member || element.starts_with("f:"))) return std::nullopt;
        return remove_fields(inner, item, *gone, holder ? *holder : nobody);
    };
    if (value.is_array()) {
        for (const auto& item : value)
            if (auto rest = survives(item_element(*schema, item), schema_of_items(schema), item))
                left.push_back(std::move(*rest));
        return left;
    }
    for (const auto& [name, inner] : value.items())
        if (auto rest = survives(field_element(name), schema_of_field(schema, name), inner))
            left[name] = std::move(*rest);
    return left;
}

}  // namespace sluice::standalone::apiserver
