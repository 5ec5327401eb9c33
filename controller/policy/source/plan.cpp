// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/source/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "controller/policy/source/live_traffic.hpp"
#include "controller/policy/source/three_way.hpp"

namespace sluice::policy::source {
namespace plan_detail {
namespace {

using Identity = std::tuple<std::string, std::string, std::string, std::string>;

Identity identity_of(const crds::InventoryEntry& entry) {
    return {entry.group, entry.kind, entry.ns, entry.name};
}

Identity identity_of(const ObjectRef& ref) {
    return {ref.type.group, ref.type.kind, ref.ns, ref.name};
}

std::string annotation(const Json& object, std::string_view name) {
    return text_at(object, {"metadata", "annotations", name});
}

// What was declared last time; null where the annotation is absent or unreadable.
Json last_applied(const Json& live) {
    auto parsed = parse_json(annotation(live, last_applied_annotation));
    return parsed.ok() ? std::move(parsed).value() : Json();
}

// Whether a broken file's manifests, as far as they can be told apart, declare the object.
bool may_declare(const FileReading& file, const crds::InventoryEntry& entry) {
    return std::any_of(file.manifests.begin(), file.manifests.end(), [&](const Manifest& manifest) {
        return manifest.group == entry.group && manifest.kind == entry.kind &&
               manifest.name == entry.name && (manifest.ns.empty() || manifest.ns == entry.ns);
    });
}

}  // namespace
}  // namespace plan_detail

using namespace plan_detail;

int wave(std::string_view group, std::string_view kind) {
    if (kind == "Namespace" || kind == "CustomResourceDefinition") return 0;
    if (group == "argoproj.io" && kind == "Rollout") return 3;
    if (kind == "Ingress" || kind == "VirtualService" || kind == "DestinationRule" ||
        kind == "HTTPRoute")
        return 2;
    return 1;
}

Json to_apply(const Desired& desired, std::string_view owner) {
    Json document = *desired.document;
    document.erase("status");
    Json& metadata = document["metadata"];
    for (const char* server_side : {"uid", "resourceVersion", "generation", "creationTimestamp",
                                    "managedFields", "selfLink", "deletionTimestamp"})
        metadata.erase(server_side);
    if (desired.ref.ns.empty())
        metadata.erase("namespace");
    else
        metadata["namespace"] = desired.ref.ns;
    if (!metadata.contains("annotations") || !metadata["annotations"].is_object())
        metadata["annotations"] = Json::object();
    metadata["annotations"].erase(std::string(last_applied_annotation));
    metadata["annotations"][std::string(source_annotation)] = owner;
    // kubectl ends the text with a line feed.
    metadata["annotations"][std::string(last_applied_annotation)] = to_text(document) + "\n";
    return document;
}

ObjectChange plan_object(const Desired& desired, const Json* live, std::string_view owner) {
    Json declared = to_apply(desired, owner);
    if (!live) return CreateObject{std::make_shared<const Json>(std::move(declared))};
    if (live->contains("metadata") && (*live)["metadata"].contains("deletionTimestamp"))
        return RefuseObject{"it is being deleted; it is made again when it is gone"};
    const std::string other = annotation(*live, source_annotation);
    if (!other.empty() && other != owner)
        return RefuseObject{concat("git source ", other,
                                   " applies it already; to hand it over, "
                                   "remove its annotation ",
                                   source_annotation)};
    const Json merged =
        three_way(last_applied(*live), with_live_traffic(std::move(declared), *live), *live);
    Json patch = diff_merge_patch(*live, merged);
    if (patch.empty()) return LeaveObject{};
    patch["metadata"]["resourceVersion"] = text_at(*live, {"metadata", "resourceVersion"});
    return PatchObject{std::make_shared<const Json>(std::move(patch))};
}

PrunePlan plan_prune(const std::vector<crds::InventoryEntry>& inventory,
                     const std::vector<Desired>& desired, const std::vector<FileReading>& files) {
    std::set<Identity> wanted;
    for (const auto& item : desired) wanted.insert(identity_of(item.ref));
    std::set<std::string> broken;
    std::string unnamed;
    for (const auto& file : files) {
        if (file.good()) continue;
        broken.insert(file.path);
        if (!file.identities_known && unnamed.empty()) unnamed = file.path;
    }
    PrunePlan plan;
    for (const auto& entry : inventory) {
        if (wanted.contains(identity_of(entry))) continue;
        const bool still_declared =
            broken.contains(entry.path) ||
            std::any_of(files.begin(), files.end(), [&](const FileReading& file) {
                return !file.good() && may_declare(file, entry);
            });
        if (still_declared) {
            plan.keep.push_back(entry);
        } else if (!unnamed.empty()) {
            plan.keep.push_back(entry);
            plan.held_because = concat("nothing is pruned while ", unnamed,
                                       " cannot be read: it may declare what seems to be gone");
        } else {
            plan.prune.push_back(entry);
        }
    }
    std::stable_sort(plan.prune.begin(), plan.prune.end(), [](const auto& a, const auto& b) {
        return wave(a.group, a.kind) > wave(b.group, b.kind);
    });
    return plan;
}

bool may_prune(const Json& live, std::string_view owner) {
    return annotation(live, source_annotation) == owner &&
           annotation(live, prune_annotation) != "disabled";
}

std::optional<Quarantine> find_quarantine(const std::vector<Json>& deliveries,
                                          std::string_view rollout, std::string_view digest) {
    for (const auto& delivery : deliveries) {
        if (text_at(delivery, {"spec", "rollout", "name"}) != rollout) continue;
        const Json* quarantine = find(delivery, {"status", "quarantine"});
        if (!quarantine || text_at(*quarantine, {"digest"}) != digest) continue;
        if (bool_at(*quarantine, {"lifted"})) continue;
        return Quarantine{.delivery = text_at(delivery, {"metadata", "name"}),
                          .digest = std::string(digest),
                          .reason = text_at(*quarantine, {"reason"})};
    }
    return std::nullopt;
}

}  // namespace sluice::policy::source
