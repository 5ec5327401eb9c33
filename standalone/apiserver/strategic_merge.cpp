// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"
#include "standalone/apiserver/patch.hpp"

namespace sluice::standalone::apiserver {
namespace {

// patchMergeKey of upstream's types. "ports" has two: a container's and a Service's.
const std::map<std::string, std::vector<std::string>, std::less<>> merge_keys = {
    {"containers", {"name"}},
    {"initContainers", {"name"}},
    {"ephemeralContainers", {"name"}},
    {"env", {"name"}},
    {"volumes", {"name"}},
    {"volumeMounts", {"mountPath"}},
    {"volumeDevices", {"devicePath"}},
    {"ports", {"containerPort", "port"}},
    {"imagePullSecrets", {"name"}},
    {"secrets", {"name"}},
    {"hostAliases", {"ip"}},
    {"podIPs", {"ip"}},
    {"topologySpreadConstraints", {"topologyKey"}},
    {"conditions", {"type"}},
    {"addresses", {"type"}},
    {"ownerReferences", {"uid"}},
};
const std::set<std::string, std::less<>> merged_sets = {"finalizers"};

constexpr std::string_view order_prefix = "$setElementOrder/";
constexpr std::string_view delete_prefix = "$deleteFromPrimitiveList/";

bool is_directive(std::string_view key) {
    return !key.empty() && key[0] == '$';
}

// The key that identifies the items of a list; nothing for a list that is replaced as a whole.
std::optional<std::string> merge_key_of(std::string_view field, const Json& list) {
    const auto found = merge_keys.find(field);
    if (found == merge_keys.end()) return std::nullopt;
    for (const auto& key : found->second)
        if (std::ranges::all_of(list, [&](const Json& item) {
                return item.is_object() && (item.contains(key) || item.contains("$patch"));
            }))
            return key;
    return std::nullopt;
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

void merge_list(Json& target, const Json& patch, const std::string& key) {
    const bool replace = std::ranges::any_of(
        patch, [](const Json& item) { return text_at(item, {"$patch"}) == "replace"; });
    if (replace) {
        target = without_directives(patch);
        return;
    }
    if (!target.is_array()) target = Json::array();
    for (const auto& item : patch) {
        if (!item.contains(key)) continue;
        auto at = std::ranges::find_if(
            target, [&](const Json& old) { return old.contains(key) && old[key] == item[key]; });
        if (text_at(item, {"$patch"}) == "delete") {
            if (at != target.end()) target.erase(at);
        } else if (at != target.end()) {
            apply_strategic_merge(*at, item);
        } else {
            target.push_back(without_directives(item));
        }
    }
}

// Those that the order names come first and in that order; others keep theirs behind them.
void order_list(Json& list, const Json& order, const std::optional<std::string>& key) {
    if (!list.is_array() || !order.is_array()) return;
    Json sorted = Json::array();
    std::vector<bool> used(list.size());
    for (const auto& wanted : order)
        for (size_t i = 0; i < list.size(); ++i) {
            const bool same = key ? wanted.is_object() && wanted.contains(*key) &&
                                        list[i].contains(*key) && list[i][*key] == wanted[*key]
                                  : list[i] == wanted;
            if (used[i] || !same) continue;
            used[i] = true;
            sorted.push_back(list[i]);
        }
    for (size_t i = 0; i < list.size(); ++i)
        if (!used[i]) sorted.push_back(list[i]);
    list = std::move(sorted);
}

void merge_set(Json& target, const Json& patch) {
    if (!target.is_array()) target = Json::array();
    for (const auto& item : patch)
        if (std::ranges::find(target, item) == target.end()) target.push_back(item);
}

void merge_field(Json& target, const std::string& key, const Json& value) {
    if (value.is_null()) {
        target.erase(key);
    } else if (value.is_object()) {
        apply_strategic_merge(target[key], value);
    } else if (value.is_array() && merged_sets.contains(key)) {
        merge_set(target[key], value);
    } else if (const auto item_key = value.is_array() ? merge_key_of(key, value) : std::nullopt) {
        merge_list(target[key], value, *item_key);
    } else {
        target[key] = without_directives(value);
    }
}

void apply_list_directives(Json& target, const Json& patch) {
    for (const auto& [key, value] : patch.items()) {
        if (key.starts_with(delete_prefix)) {
            const auto found = target.find(key.substr(delete_prefix.size()));
            if (found == target.end() || !found->is_array()) continue;
            Json left = Json::array();
            for (const auto& item : *found)
                if (std::ranges::find(value, item) == value.end()) left.push_back(item);
            *found = std::move(left);
        }
        if (key.starts_with(order_prefix)) {
            const std::string field = key.substr(order_prefix.size());
            if (const auto found = target.find(field); found != target.end())
                order_list(*found, value, merge_key_of(field, value));
        }
    }
}

}  // namespace

void apply_strategic_merge(Json& target, const Json& patch) {
    const std::string directive = text_at(patch, {"$patch"});
    if (directive == "replace" || !target.is_object()) {
        target = without_directives(patch);
        return;
    }
    if (directive == "delete") {
        target = Json::object();
        return;
    }
    if (const auto retained = patch.find("$retainKeys"); retained != patch.end())
        for (auto at = target.begin(); at != target.end();)
            at = std::ranges::find(*retained, Json(at.key())) == retained->end() ? target.erase(at)
                                                                                 : std::next(at);
    for (const auto& [key, value] : patch.items())
        if (!is_directive(key)) merge_field(target, key, value);
    apply_list_directives(target, patch);
}

}  // namespace sluice::standalone::apiserver
