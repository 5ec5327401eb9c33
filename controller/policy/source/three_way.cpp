// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/source/three_way.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::policy::source {
namespace three_way_detail {
namespace {

const Json absent;

const Json& member(const Json& object, const std::string& key) {
    if (!object.is_object()) return absent;
    const auto found = object.find(key);
    return found == object.end() ? absent : *found;
}

// What tells the items of a list apart in the API's map lists.
bool same_item(const Json& one, const Json& other) {
    if (one.is_object() != other.is_object()) return false;
    if (!one.is_object()) return one == other;
    for (const char* key : {"name", "containerPort", "port", "key", "mountPath", "host", "path"})
        if (member(one, key) != member(other, key)) return false;
    return true;
}

bool same_items(const Json& one, const Json& other) {
    if (!one.is_array() || !other.is_array() || one.size() != other.size()) return false;
    return std::equal(one.begin(), one.end(), other.begin(), same_item);
}

Json merge_lists(const Json& before, const Json& declared, const Json& live) {
    if (!same_items(before, declared) || !same_items(declared, live))
        return before != declared || !covers(live, declared) ? declared : live;
    Json merged = Json::array();
    for (size_t i = 0; i < declared.size(); ++i)
        merged.push_back(three_way(before[i], declared[i], live[i]));
    return merged;
}

Json without_nulls(const Json& value) {
    if (!value.is_object()) return value;
    Json result = Json::object();
    for (const auto& [key, inner] : value.items())
        if (!inner.is_null()) result[key] = without_nulls(inner);
    return result;
}

}  // namespace
}  // namespace three_way_detail

bool covers(const Json& live, const Json& declared) {
    if (declared.is_null()) return live.is_null();
    if (declared.is_object()) {
        if (!live.is_object()) return false;
        return std::all_of(declared.items().begin(), declared.items().end(), [&](const auto& item) {
            return covers(three_way_detail::member(live, item.key()), item.value());
        });
    }
    if (declared.is_array()) {
        if (!live.is_array() || live.size() != declared.size()) return false;
        return std::equal(live.begin(), live.end(), declared.begin(),
                          [](const auto& l, const auto& d) { return covers(l, d); });
    }
    return live == declared;
}

Json three_way(const Json& before, const Json& declared, const Json& live) {
    using namespace three_way_detail;
    if (declared.is_array() && live.is_array()) return merge_lists(before, declared, live);
    if (!declared.is_object()) return declared;
    if (!live.is_object()) return without_nulls(declared);
    Json merged = live;
    if (before.is_object())
        for (const auto& [key, ignored] : before.items())
            if (!declared.contains(key)) merged.erase(key);
    for (const auto& [key, value] : declared.items()) {
        // A declared null says that the field shall not be there.
        if (value.is_null())
            merged.erase(key);
        else
            merged[key] = three_way(member(before, key), value, member(live, key));
    }
    return merged;
}

}  // namespace sluice::policy::source
