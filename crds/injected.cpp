// SPDX-License-Identifier: Apache-2.0
#include "crds/injected.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace sluice::crds {
namespace injected {

constexpr const char* hash_label = "rollouts-pod-template-hash";
constexpr const char* preferred_list = "preferredDuringSchedulingIgnoredDuringExecution";
constexpr const char* required_list = "requiredDuringSchedulingIgnoredDuringExecution";

TextMap texts(const Json& object, const char* key) {
    TextMap map;
    const Json* entries = find(object, {key});
    if (!entries || !entries->is_object()) return map;
    for (const auto& [name, value] : entries->items())
        if (value.is_string()) map[name] = value.get<std::string>();
    return map;
}

void patch_map(Json& patch, const Json& metadata, const char* kind, const TextMap& before,
               const TextMap& wanted) {
    for (const auto& [key, value] : wanted) {
        const Json* there = find(metadata, {kind, key});
        if (!there || *there != Json(value)) patch[kind][key] = value;
    }
    for (const auto& [key, value] : before)
        if (!wanted.contains(key) && find(metadata, {kind, key})) patch[kind][key] = nullptr;
}

// The value of the term's hash rule; null where it is none of ours.
const Json* rule_of(const Json& term) {
    const Json* inner = find(term, {"podAffinityTerm"});
    const Json* rules = find(inner ? *inner : term, {"labelSelector", "matchExpressions"});
    if (!rules || !rules->is_array()) return nullptr;
    for (const auto& rule : *rules)
        if (text_at(rule, {"key"}) == hash_label) return &rule;
    return nullptr;
}

}  // namespace injected

std::string pod_metadata_text(const PodMetadata& metadata) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    if (!metadata.labels.empty()) object["labels"] = metadata.labels;
    if (!metadata.annotations.empty()) object["annotations"] = metadata.annotations;
    return object.dump();
}

PodMetadata read_pod_metadata(std::string_view text) {
    const auto object = parse_json(text);
    if (!object.ok()) return {};
    return {injected::texts(*object, "labels"), injected::texts(*object, "annotations")};
}

Json metadata_patch(const Json& metadata, const PodMetadata& injected, const PodMetadata& wanted) {
    Json patch = Json::object();
    injected::patch_map(patch, metadata, "labels", injected.labels, wanted.labels);
    injected::patch_map(patch, metadata, "annotations", injected.annotations, wanted.annotations);
    return patch;
}

void add_anti_affinity(Json& pod_spec, const AntiAffinity& rule, const std::string& ns) {
    const Json term = {
        {"labelSelector",
         {{"matchExpressions",
           {{{"key", injected::hash_label}, {"operator", "In"}, {"values", {rule.hash}}}}}}},
        {"namespaces", {ns}},
        {"topologyKey", "kubernetes.io/hostname"}};
    Json& terms = pod_spec["affinity"]["podAntiAffinity"];
    if (rule.preferred)
        terms[injected::preferred_list].push_back(
            {{"weight", rule.weight}, {"podAffinityTerm", term}});
    else
        terms[injected::required_list].push_back(term);
}

void drop_anti_affinity(Json& pod_spec) {
    if (!find(pod_spec, {"affinity", "podAntiAffinity"})) return;
    Json& rules = pod_spec["affinity"]["podAntiAffinity"];
    bool dropped = false;
    for (const char* list : {injected::preferred_list, injected::required_list}) {
        if (!rules.contains(list) || !rules[list].is_array()) continue;
        Json kept = Json::array();
        for (const auto& term : rules[list])
            if (!injected::rule_of(term)) kept.push_back(term);
        dropped = dropped || kept.size() != rules[list].size();
        if (kept.empty())
            rules.erase(list);
        else
            rules[list] = std::move(kept);
    }
    if (dropped && rules.empty()) pod_spec["affinity"].erase("podAntiAffinity");
    if (dropped && pod_spec["affinity"].empty()) pod_spec.erase("affinity");
}

std::string anti_affinity_hash(const Json& pod_spec) {
    for (const char* list : {injected::preferred_list, injected::required_list}) {
        const Json* terms = find(pod_spec, {"affinity", "podAntiAffinity", list});
        if (!terms || !terms->is_array()) continue;
        for (const auto& term : *terms) {
            const Json* rule = injected::rule_of(term);
            const Json* values = rule ? find(*rule, {"values"}) : nullptr;
            if (values && values->is_array() && !values->empty() && values->front().is_string())
                return values->front().get<std::string>();
        }
    }
    return {};
}

Json declared_template(const Json& replica_set) {
    const Json* found = find(replica_set, {"spec", "template"});
    if (!found) return Json::object();
    Json declared = *found;
    const auto before = read_pod_metadata(
        text_at(replica_set, {"metadata", "annotations", ephemeral_metadata_annotation}));
    if (find(declared, {"metadata"})) {
        apply_merge_patch(declared["metadata"], metadata_patch(declared["metadata"], before, {}));
        for (const char* kind : {"labels", "annotations"}) {
            if (!find(declared, {"metadata", kind})) continue;
            Json& map = declared["metadata"][kind];
            map.erase(injected::hash_label);
            if (map.empty()) declared["metadata"].erase(kind);
        }
    }
    if (find(declared, {"spec"})) drop_anti_affinity(declared["spec"]);
    return declared;
}

}  // namespace sluice::crds
