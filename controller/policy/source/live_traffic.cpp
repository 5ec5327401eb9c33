// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/source/live_traffic.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::policy::source {
namespace live_traffic_detail {
namespace {

constexpr const char* hash_label = "rollouts-pod-template-hash";
constexpr std::string_view canary_annotations = "nginx.ingress.kubernetes.io/canary";

Json* at(Json& object, std::initializer_list<const char*> path) {
    Json* current = &object;
    for (const char* key : path) {
        if (!current->is_object()) return nullptr;
        const auto found = current->find(key);
        if (found == current->end()) return nullptr;
        current = &*found;
    }
    return current;
}

// declared[key] becomes what live[key] is; nothing where that is absent.
void take_over(Json& declared, const Json& live, const std::string& key) {
    if (!declared.is_object()) return;
    const auto found = live.is_object() ? live.find(key) : live.end();
    if (live.is_object() && found != live.end())
        declared[key] = *found;
    else
        declared.erase(key);
}

const Json* items_of(const Json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? &*found : nullptr;
}

// The live item that stands for `item`: of the same name, or nameless in the same position.
const Json* counterpart(const Json& item, size_t position, const Json& live_items) {
    const std::string name = text_at(item, {"name"});
    if (name.empty())
        return position < live_items.size() && text_at(live_items[position], {"name"}).empty()
                   ? &live_items[position]
                   : nullptr;
    const auto found = std::find_if(live_items.begin(), live_items.end(), [&](const Json& other) {
        return text_at(other, {"name"}) == name;
    });
    return found == live_items.end() ? nullptr : &*found;
}

void keep_weights(Json& targets, const Json& live_targets,
                  const std::function<bool(const Json&, const Json&)>& same) {
    for (auto& target : targets)
        for (const auto& live : live_targets)
            if (same(target, live)) {
                take_over(target, live, "weight");
                break;
            }
}

bool same_destination(const Json& one, const Json& other) {
    const Json* a = find(one, {"destination"});
    const Json* b = find(other, {"destination"});
    return a && b && *a == *b;
}

bool same_backend(const Json& one, const Json& other) {
    for (const char* key : {"group", "kind", "namespace", "name"})
        if (text_at(one, {key}) != text_at(other, {key})) return false;
    return integer_at(one, {"port"}) == integer_at(other, {"port"});
}

void keep_virtual_service(Json& declared, const Json& live) {
    for (const char* protocol : {"http", "tcp", "tls"}) {
        Json* routes = at(declared, {"spec", protocol});
        const Json* spec = find(live, {"spec"});
        const Json* live_routes = spec ? items_of(*spec, protocol) : nullptr;
        if (!routes || !routes->is_array() || !live_routes) continue;
        // Routes that a rollout put in front (setHeaderRoute, setMirrorRoute) shift positions: only
        // what is nameless on both sides is matched by position.
        Json own = Json::array();
        for (const auto& route : *live_routes)
            if (text_at(route, {"name"}).empty()) own.push_back(route);
        size_t nameless = 0;
        for (auto& route : *routes) {
            const bool named = !text_at(route, {"name"}).empty();
            const Json* found = counterpart(route, nameless, named ? *live_routes : own);
            if (!named) ++nameless;
            Json* targets = at(route, {"route"});
            const Json* live_targets = found ? items_of(*found, "route") : nullptr;
            if (targets && targets->is_array() && live_targets)
                keep_weights(*targets, *live_targets, same_destination);
        }
    }
}

void keep_http_route(Json& declared, const Json& live) {
    Json* rules = at(declared, {"spec", "rules"});
    const Json* spec = find(live, {"spec"});
    const Json* live_rules = spec ? items_of(*spec, "rules") : nullptr;
    if (!rules || !rules->is_array() || !live_rules) return;
    for (size_t i = 0; i < rules->size(); ++i) {
        const Json* found = counterpart((*rules)[i], i, *live_rules);
        Json* targets = at((*rules)[i], {"backendRefs"});
        const Json* live_targets = found ? items_of(*found, "backendRefs") : nullptr;
        if (targets && targets->is_array() && live_targets)
            keep_weights(*targets, *live_targets, same_backend);
    }
}

void keep_destination_rule(Json& declared, const Json& live) {
    Json* subsets = at(declared, {"spec", "subsets"});
    const Json* spec = find(live, {"spec"});
    const Json* live_subsets = spec ? items_of(*spec, "subsets") : nullptr;
    if (!subsets || !subsets->is_array() || !live_subsets) return;
    for (size_t i = 0; i < subsets->size(); ++i) {
        Json& subset = (*subsets)[i];
        const Json* found = counterpart(subset, i, *live_subsets);
        const Json* labels = found ? find(*found, {"labels"}) : nullptr;
        const bool hashed = labels && labels->is_object() && labels->contains(hash_label);
        if (hashed)
            subset["labels"][hash_label] = (*labels)[hash_label];
        else if (Json* own = at(subset, {"labels"}))
            own->erase(hash_label);
    }
}

void keep_service(Json& declared, const Json& live) {
    const Json* selector = find(live, {"spec", "selector"});
    const bool hashed = selector && selector->is_object() && selector->contains(hash_label);
    if (hashed)
        declared["spec"]["selector"][hash_label] = (*selector)[hash_label];
    else if (Json* own = at(declared, {"spec", "selector"}))
        own->erase(hash_label);
}

void keep_ingress(Json& declared, const Json& live) {
    const Json none = Json::object();
    const Json* annotations = find(live, {"metadata", "annotations"});
    const Json& there = annotations && annotations->is_object() ? *annotations : none;
    if (Json* own = at(declared, {"metadata", "annotations"}); own && own->is_object()) {
        std::vector<std::string> keys;
        for (const auto& [key, ignored] : own->items())
            if (key.starts_with(canary_annotations)) keys.push_back(key);
        for (const auto& key : keys) take_over(*own, there, key);
    }
    for (const auto& [key, value] : there.items())
        if (key.starts_with(canary_annotations)) declared["metadata"]["annotations"][key] = value;
}

}  // namespace
}  // namespace live_traffic_detail

Json with_live_traffic(Json declared, const Json& live) {
    using namespace live_traffic_detail;
    const std::string kind = text_at(declared, {"kind"});
    const std::string api_version = text_at(declared, {"apiVersion"});
    const std::string group = api_version.substr(0, api_version.find('/'));
    if (group == "networking.istio.io" && kind == "VirtualService")
        keep_virtual_service(declared, live);
    if (group == "networking.istio.io" && kind == "DestinationRule")
        keep_destination_rule(declared, live);
    if (group == "gateway.networking.k8s.io" && kind == "HTTPRoute")
        keep_http_route(declared, live);
    if (group == "networking.k8s.io" && kind == "Ingress") keep_ingress(declared, live);
    if (api_version == "v1" && kind == "Service") keep_service(declared, live);
    return declared;
}

}  // namespace sluice::policy::source
