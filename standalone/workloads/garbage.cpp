// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/garbage.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::standalone::workloads {

const std::vector<ResourceType>& collected_types() {
    static const std::vector<ResourceType> types = {
        resources::rollouts,      resources::deployments, resources::replica_sets,
        resources::pods,          resources::services,    resources::endpoint_slices,
        resources::analysis_runs, resources::experiments, resources::jobs,
        resources::ingresses,     resources::deliveries,
    };
    return types;
}

const ResourceType* type_of(const OwnerReference& owner) {
    const auto group = owner.api_version.substr(0, owner.api_version.rfind('/'));
    const bool core = owner.api_version.find('/') == std::string::npos;
    for (const auto& type : collected_types())
        if (type.kind == owner.kind && type.group == (core ? "" : group)) return &type;
    return nullptr;
}

OwnedObject decode_owned(const ResourceType& type, const Json& object) {
    return {type,
            text_at(object, {"metadata", "namespace"}),
            text_at(object, {"metadata", "name"}),
            text_at(object, {"metadata", "uid"}),
            decode_owners(object),
            find(object, {"metadata", "deletionTimestamp"}) != nullptr,
            find(object, {"metadata", "deletionTimestamp"}) != nullptr &&
                has_finalizer(object, foreground_finalizer)};
}

bool has_finalizer(const Json& object, std::string_view name) {
    const Json* list = find(object, {"metadata", "finalizers"});
    return list && list->is_array() && std::ranges::find(*list, Json(name)) != list->end();
}

void OwnershipGraph::unlink(const std::string& uid) {
    const auto found = owned_.find(uid);
    if (found == owned_.end()) return;
    for (const auto& owner : found->second.owners) {
        const auto entry = dependents_.find(owner.uid);
        if (entry == dependents_.end()) continue;
        entry->second.erase(uid);
        if (entry->second.empty()) dependents_.erase(entry);
    }
    owned_.erase(found);
}

void OwnershipGraph::put(const OwnedObject& object) {
    unlink(object.uid);
    present_.insert(object.uid);
    waiting_.erase(object.uid);
    if (object.foreground) waiting_[object.uid] = object;
    if (object.owners.empty()) return;
    owned_[object.uid] = object;
    for (const auto& owner : object.owners) dependents_[owner.uid].insert(object.uid);
}

void OwnershipGraph::erase(const std::string& uid) {
    unlink(uid);
    present_.erase(uid);
    waiting_.erase(uid);
}

const OwnedObject* OwnershipGraph::owned(const std::string& uid) const {
    const auto found = owned_.find(uid);
    return found == owned_.end() ? nullptr : &found->second;
}

const OwnedObject* OwnershipGraph::waiting(const std::string& uid) const {
    const auto found = waiting_.find(uid);
    return found == waiting_.end() ? nullptr : &found->second;
}

std::vector<std::string> OwnershipGraph::all_waiting() const {
    std::vector<std::string> uids;
    for (const auto& [uid, object] : waiting_) uids.push_back(uid);
    return uids;
}

std::vector<std::string> OwnershipGraph::dependents(const std::string& owner_uid) const {
    const auto found = dependents_.find(owner_uid);
    if (found == dependents_.end()) return {};
    return {found->second.begin(), found->second.end()};
}

std::vector<std::string> OwnershipGraph::suspects() const {
    std::vector<std::string> uids;
    for (const auto& [uid, object] : owned_)
        if (std::ranges::any_of(object.owners, [&](const auto& one) { return !has(one.uid); }))
            uids.push_back(uid);
    return uids;
}

bool is_garbage(const OwnedObject& object, const std::vector<OwnerState>& owners) {
    return !object.deleting && !owners.empty() && std::ranges::all_of(owners, [](OwnerState state) {
        return state == OwnerState::Absent;
    });
}

}  // namespace sluice::standalone::workloads
