// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/garbage_collector.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

// No uid looks like this.
const std::string sweep_key = "*sweep";
constexpr Duration sweep_period = std::chrono::seconds{30};

}  // namespace

GarbageCollector::GarbageCollector(const kube::Client& client, const Clock& clock, Log& log)
    : client_(client),
      log_(log),
      reconciler_(
          {.name = "garbage", .workers = 1},
          [this](const std::string& key) { return reconcile(key); }, clock, log) {}

kube::InformerSink GarbageCollector::sink(const ResourceType& type) {
    auto cache = std::make_unique<OwnedCache>(
        [type](const Json& object) { return decode_owned(type, object); });
    cache->listen([this](const std::string&, const OwnedObject* old, const OwnedObject* fresh) {
        on_change(old, fresh);
    });
    caches_.push_back(std::move(cache));
    auto sink = caches_.back()->sink();
    sink.on_list_end = [this, type, on_list_end = sink.on_list_end] {
        on_list_end();
        const std::lock_guard lock(mutex_);
        listed_.insert(type);
    };
    return sink;
}

void GarbageCollector::start() {
    reconciler_.add(sweep_key);
    reconciler_.start();
}

void GarbageCollector::on_change(const OwnedObject* old, const OwnedObject* fresh) {
    std::vector<std::string> suspects;
    {
        const std::lock_guard lock(mutex_);
        if (old && (!fresh || fresh->uid != old->uid)) {
            graph_.erase(old->uid);
            suspects = graph_.dependents(old->uid);
            for (const auto& owner : old->owners)
                if (graph_.waiting(owner.uid)) suspects.push_back(owner.uid);
        }
        if (fresh) {
            graph_.put(*fresh);
            if (fresh->foreground) suspects.push_back(fresh->uid);
            for (const auto& owner : fresh->owners)
                if (!graph_.has(owner.uid)) suspects.push_back(fresh->uid);
        }
    }
    for (const auto& uid : suspects) reconciler_.add(uid);
}

Result<std::optional<Duration>> GarbageCollector::sweep() {
    std::vector<std::string> suspects;
    {
        const std::lock_guard lock(mutex_);
        suspects = graph_.suspects();
        for (auto& uid : graph_.all_waiting()) suspects.push_back(std::move(uid));
    }
    for (const auto& uid : suspects) reconciler_.add(uid);
    return std::optional(sweep_period);
}

Result<OwnerState> GarbageCollector::state_of(const OwnedObject& object,
                                              const OwnerReference& owner) const {
    const auto* type = type_of(owner);
    if (!type) return OwnerState::Unknown;
    {
        // While the kind itself is not served (its CRD is missing), every get says "not found".
        const std::lock_guard lock(mutex_);
        if (!listed_.contains(*type)) return OwnerState::Unknown;
    }
    const auto live = client_.get({*type, type->namespaced ? object.ns : "", owner.name});
    if (live.failed_with(ErrorKind::NotFound)) return OwnerState::Absent;
    if (!live.ok()) return live.error();
    return text_at(*live, {"metadata", "uid"}) == owner.uid ? OwnerState::Present
                                                            : OwnerState::Absent;
}

Result<bool> GarbageCollector::lost_its_owners(const OwnedObject& object) const {
    std::vector<OwnerState> owners;
    for (const auto& owner : object.owners) owners.push_back(TRY(state_of(object, owner)));
    return is_garbage(object, owners);
}

Result<void> GarbageCollector::release(const OwnedObject& owner) {
    const ObjectRef ref{owner.type, owner.ns, owner.name};
    auto live = client_.get(ref);
    if (live.failed_with(ErrorKind::NotFound)) return {};
    if (!live.ok()) return live.error();
    if (text_at(*live, {"metadata", "uid"}) != owner.uid ||
        !has_finalizer(*live, foreground_finalizer))
        return {};
    Json left = Json::array();
    for (const auto& name : live->at("metadata").at("finalizers"))
        if (name != Json(foreground_finalizer)) left.push_back(name);
    (*live)["metadata"]["finalizers"] = std::move(left);
    const auto written = client_.replace(owner.type, *live);
    if (!written.ok() && !written.failed_with(ErrorKind::NotFound)) return written.error();
    return {};
}

Result<void> GarbageCollector::finish_foreground(const OwnedObject& owner,
                                                 const std::vector<OwnedObject>& dependents) {
    for (const auto& dependent : dependents) {
        if (dependent.deleting) continue;
        const auto gone = client_.remove({dependent.type, dependent.ns, dependent.name},
                                         {.uid = dependent.uid, .propagation = "Foreground"});
        if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound) &&
            !gone.failed_with(ErrorKind::Conflict))
            return gone.error();
    }
    return dependents.empty() ? release(owner) : Result<void>{};
}

Result<std::optional<Duration>> GarbageCollector::reconcile(const std::string& key) {
    if (key == sweep_key) return sweep();
    OwnedObject object;
    std::optional<OwnedObject> waiting;
    std::vector<OwnedObject> dependents;
    {
        const std::lock_guard lock(mutex_);
        if (const auto* found = graph_.waiting(key)) {
            waiting = *found;
            for (const auto& uid : graph_.dependents(key)) dependents.push_back(*graph_.owned(uid));
        }
    }
    if (waiting) {
        TRY(finish_foreground(*waiting, dependents));
        return std::optional<Duration>{};
    }
    {
        const std::lock_guard lock(mutex_);
        const auto* found = graph_.owned(key);
        if (!found) return std::optional<Duration>{};
        object = *found;
    }
    if (!TRY(lost_its_owners(object))) return std::optional<Duration>{};
    // What the watch told may be older than the end of the owner: an orphan has lost it in between.
    const ObjectRef ref{object.type, object.ns, object.name};
    const auto live = client_.get(ref);
    if (live.failed_with(ErrorKind::NotFound)) return std::optional<Duration>{};
    if (!live.ok()) return live.error();
    const auto now = decode_owned(object.type, *live);
    if (now.uid != object.uid || !TRY(lost_its_owners(now))) return std::optional<Duration>{};
    const auto gone =
        client_.remove(ref, {.uid = object.uid,
                             .resource_version = text_at(*live, {"metadata", "resourceVersion"}),
                             .propagation = "Background"});
    if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound) &&
        !gone.failed_with(ErrorKind::Conflict))
        return gone.error();
    if (gone.ok()) log_.info("deleted garbage", {{"object", to_text(ref)}});
    return std::optional<Duration>{};
}

}  // namespace sluice::standalone::workloads
