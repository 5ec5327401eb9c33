// SPDX-License-Identifier: Apache-2.0
// kubernetes/community, contributors/devel/sig-api-machinery/strategic-merge-patch.md.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/patch.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr std::string_view order_prefix = "$setElementOrder/";
constexpr std::string_view delete_prefix = "$deleteFromPrimitiveList/";

bool is_directive(std::string_view key) {
    return !key.empty() && key[0] == '$';
}

// As Go prints it: upstream's errors show what they are about so.
std::string go_text(const Json& value) {
    std::vector<std::string> parts;
    if (value.is_object()) {
        for (const auto& [key, inner] : value.items())
            parts.push_back(concat(key, ":", go_text(inner)));
        return concat("map[", join(parts, " "), "]");
    }
    if (value.is_array()) {
        for (const auto& inner : value) parts.push_back(go_text(inner));
        return concat("[", join(parts, " "), "]");
    }
    return value.is_string() ? value.get<std::string>() : to_text(value);
}

StatusError broken_patch(std::string message) {
    return {.code = 500, .message = std::move(message)};
}

Json without_directives(const Json& value) {
    if (value.is_array()) {
        Json list = Json::array();
        for (const auto& item : value)
            if (!(item.is_object() && item.contains("$patch")))
                list.push_back(without_directives(item));
        return list;
    }
    if (!value.is_object()) return value;
    Json object = Json::object();
    for (const auto& [key, inner] : value.items())
        if (!is_directive(key) && !inner.is_null()) object[key] = without_directives(inner);
    return object;
}

const Schema* field_schema(const Schema* schema, const std::string& name) {
    if (!schema) return nullptr;
    if (schema->type == SchemaType::Map) return schema->items.get();
    return schema->field(name);
}

// One item of a list and another are the same: by the merge key, or as plain values.
bool same_item(const Json& a, const Json& b, const std::string& key) {
    if (key.empty()) return a == b;
    return a.is_object() && b.is_object() && a.contains(key) && b.contains(key) &&
           a.at(key) == b.at(key);
}

std::optional<size_t> index_in(const Json& list, const Json& item, const std::string& key) {
    for (size_t i = 0; list.is_array() && i < list.size(); ++i)
        if (same_item(list[i], item, key)) return i;
    return std::nullopt;
}

// Items that the patch names come in its order, others in the order they had; between the two
// decides the order they had, and what is new comes first.
Json ordered(const Json& merged, const Json& patch_order, const Json& before,
             const std::string& key) {
    std::vector<std::pair<size_t, Json>> named;
    std::vector<Json> others;
    for (const auto& item : merged) {
        const bool is_new = !index_in(before, item, key);
        if (const auto at = index_in(patch_order, item, key))
            named.emplace_back(*at, item);
        else if (is_new)
            named.emplace_back(patch_order.size(), item);
        else
            others.push_back(item);
    }
    std::ranges::stable_sort(named, {}, &std::pair<size_t, Json>::first);
    Json result = Json::array();
    size_t right = 0;
    for (const auto& [at, item] : named) {
        const auto place = index_in(before, item, key);
        while (place && right < others.size() && *index_in(before, others[right], key) < *place)
            result.push_back(others[right++]);
        result.push_back(item);
    }
    while (right < others.size()) result.push_back(others[right++]);
    return result;
}

ApiResult<void> merge_items(const Schema& list, Json& target, const Json& patch,
                            const std::string& key) {
    for (const auto& item : patch) {
        if (!item.is_object() || !item.contains(key))
            return broken_patch(
                concat("map: ", go_text(item), " does not contain declared merge key: ", key));
        const auto at = index_in(target, item, key);
        if (text_at(item, {"$patch"}) == "delete") {
            if (at) target.erase(*at);
        } else if (at) {
            TRY(apply_strategic_merge(list.items.get(), target[*at], item));
        } else {
            target.push_back(without_directives(item));
        }
    }
    return {};
}

ApiResult<void> merge_list(const Schema& list, Json& target, const Json& patch) {
    const std::string& key = *list.merge_key;
    const bool replaces = std::ranges::any_of(
        patch, [](const Json& item) { return text_at(item, {"$patch"}) == "replace"; });
    if (replaces) {
        target = without_directives(patch);
        return {};
    }
    if (!target.is_array()) target = Json::array();
    if (!key.empty()) return merge_items(list, target, patch, key);
    for (const auto& item : patch)
        if (!index_in(target, item, key)) target.push_back(item);
    return {};
}

ApiResult<void> merge_field(const Schema* schema, Json& target, const std::string& name,
                            const Json& value, const Json& patch) {
    const Schema* field = field_schema(schema, name);
    if (value.is_null()) {
        target.erase(name);
    } else if (value.is_object()) {
        return apply_strategic_merge(field, target[name], value);
    } else if (value.is_array() && field && field->merge_key) {
        const Json before = target.contains(name) ? target[name] : Json();
        TRY(merge_list(*field, target[name], value));
        if (!patch.contains(std::string(order_prefix) + name))
            target[name] = ordered(target[name], value, before, *field->merge_key);
    } else {
        target[name] = without_directives(value);
    }
    return {};
}

void apply_list_directives(const Schema* schema, Json& target, const Json& patch,
                           const Json& before) {
    for (const auto& [key, value] : patch.items()) {
        const bool deletes = key.starts_with(delete_prefix);
        if (!deletes && !key.starts_with(order_prefix)) continue;
        const std::string name = key.substr((deletes ? delete_prefix : order_prefix).size());
        const auto found = target.find(name);
        if (found == target.end() || !found->is_array() || !value.is_array()) continue;
        if (deletes) {
            Json left = Json::array();
            for (const auto& item : *found)
                if (!index_in(value, item, "")) left.push_back(item);
            *found = std::move(left);
            continue;
        }
        const Schema* field = field_schema(schema, name);
        *found = ordered(*found, value, before.contains(name) ? before.at(name) : Json(),
                         field && field->merge_key ? *field->merge_key : "");
    }
}

}  // namespace

ApiResult<void> apply_strategic_merge(const Schema* schema, Json& target, const Json& patch) {
    const std::string directive = text_at(patch, {"$patch"});
    if (!directive.empty() && directive != "replace" && directive != "delete" &&
        directive != "merge")
        return broken_patch(concat("unknown patch type: ", directive, " in map: ", go_text(patch)));
    if (directive == "replace" || !target.is_object()) {
        target = without_directives(patch);
        return {};
    }
    if (directive == "delete") {
        target = Json::object();
        return {};
    }
    const Json before = target;
    if (const auto retained = patch.find("$retainKeys"); retained != patch.end())
        for (auto at = target.begin(); at != target.end();)
            at = std::ranges::find(*retained, Json(at.key())) == retained->end() ? target.erase(at)
                                                                                 : std::next(at);
    for (const auto& [key, value] : patch.items())
        if (!is_directive(key)) TRY(merge_field(schema, target, key, value, patch));
    apply_list_directives(schema, target, patch, before);
    return {};
}

}  // namespace sluice::standalone::apiserver
