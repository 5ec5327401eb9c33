// SPDX-License-Identifier: Apache-2.0
// Deletion: preconditions, finalizers, the grace of pods, and what goes with an object. Dependents
// are the garbage collector's; namespaces and definitions are emptied here.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/objects.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr int max_removal_tries = 50;
constexpr Duration event_life = std::chrono::hours{1};
constexpr Duration event_expiry_interval = std::chrono::minutes{5};
constexpr const char* orphan_finalizer = "orphan";

// When it was last told; one that tells of long ago lives as long as any other.
std::optional<TimePoint> event_time(const Json& event) {
    std::optional<TimePoint> latest;
    for (const auto& text : {text_at(event, {"lastTimestamp"}), text_at(event, {"eventTime"}),
                             text_at(event, {"metadata", "creationTimestamp"})})
        if (const auto when = parse_rfc3339(text); when.ok())
            latest = latest ? std::max(*latest, *when) : *when;
    return latest;
}

ApiResult<void> check_preconditions(const Resource& resource, const store::Record& record,
                                    const Json& live, const Deletion& deletion) {
    const std::string uid = text_at(live, {"metadata", "uid"});
    // Upstream names the kind here, without its group.
    const auto refused = [&](const std::string& why) {
        const ResourceType named{"", "", resource.type.kind, resource.type.kind};
        return status::conflict(named, record.key.name, why);
    };
    if (!deletion.uid.empty() && deletion.uid != uid)
        return refused(concat("the UID in the precondition (", deletion.uid,
                              ") does not match the UID in record (", uid,
                              "). The object might have been deleted and then recreated"));
    if (!deletion.resource_version.empty() &&
        deletion.resource_version != std::to_string(record.version))
        return refused(concat("the ResourceVersion in the precondition (",
                              deletion.resource_version,
                              ") does not match the ResourceVersion in record (", record.version,
                              "). The object might have been modified"));
    return {};
}

// How long the kubelet gets; 0 for everything but a pod that runs.
// https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
long grace_of(const Resource& resource, const Json& live, const Deletion& deletion) {
    if (resource.type != resources::pods) return 0;
    const std::string phase = text_at(live, {"status", "phase"});
    if (text_at(live, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed")
        return 0;
    const long asked = deletion.grace_period_seconds.value_or(
        integer_at(live, {"spec", "terminationGracePeriodSeconds"}, 30));
    return asked < 0 ? 1 : asked;
}

// Marks the object as being deleted; false where it says so already and nothing is sooner.
bool mark_deleted(Json& object, long grace, TimePoint now) {
    Json& metadata = object["metadata"];
    if (being_deleted(object)) {
        if (grace >= integer_at(metadata, {"deletionGracePeriodSeconds"})) return false;
    } else if (metadata.contains("generation")) {
        metadata["generation"] = integer_at(metadata, {"generation"}) + 1;
    }
    metadata["deletionTimestamp"] = format_rfc3339(now + std::chrono::seconds(grace));
    metadata["deletionGracePeriodSeconds"] = grace;
    return true;
}

}  // namespace

ApiResult<Deleted> Objects::remove(const Resource& resource, const std::string& ns,
                                   const std::string& name, const Deletion& deletion) {
    const store::Key key{resource.store_type(), resource.type.namespaced ? ns : "", name};
    for (int i = 0; i < max_removal_tries; ++i) {
        const store::RecordPtr record = store_.get(key);
        if (!record) return status::not_found(resource.type, name);
        auto live = parse_json(record->text);
        if (!live.ok()) return status::internal(live.error().message);
        TRY(check_preconditions(resource, *record, *live, deletion));
        auto outcome = TRY(try_remove(resource, record, std::move(*live), deletion));
        if (outcome) return std::move(*outcome);
    }
    return status::stale(resource.type, name);
}

// Nothing where another writer was faster.
ApiResult<std::optional<Deleted>> Objects::try_remove(const Resource& resource,
                                                      const store::RecordPtr& record, Json live,
                                                      const Deletion& deletion) {
    if (resource.type == resources::namespaces) {
        if (record->key.name == "default" || record->key.name == "kube-system")
            return status::forbidden(resource.type, record->key.name,
                                     "this namespace may not be deleted");
        live["status"]["phase"] = "Terminating";
    }
    if (deletion.foreground && resource.collected && !being_deleted(live))
        live["metadata"]["finalizers"].push_back("foregroundDeletion");
    if (deletion.orphan && !being_deleted(live))
        live["metadata"]["finalizers"].push_back(orphan_finalizer);
    const bool marked = mark_deleted(live, grace_of(resource, live, deletion), clock_.now());
    const bool is_namespace = resource.type == resources::namespaces;
    const bool vanishes = !is_namespace && ready_to_vanish(live);
    if (deletion.dry_run) return std::optional(Deleted{record, vanishes});
    if (!marked && !vanishes && !is_namespace) return std::optional(Deleted{record, false});
    const bool orphans = deletion.orphan && marked;
    Result<store::RecordPtr> stored = record;
    if (vanishes)
        stored = store_.remove(record->key, record->version);
    else if (marked)
        stored = store_.update(record->key, record->version, std::move(live));
    if (stored.failed_with(ErrorKind::Conflict)) return std::optional<Deleted>();
    if (!stored.ok()) return from_store(resource, record->key.name, stored.error());
    if (vanishes) after_removal(resource, *stored);
    // Marked first, so that no controller takes back what it has just lost.
    if (orphans) finish_orphaning(resource, record->key);
    if (is_namespace) {
        empty_namespace(record->key.name);
        finish_namespace(record->key.name);
    }
    return std::optional(Deleted{*stored, vanishes});
}

void Objects::after_removal(const Resource& resource, const store::RecordPtr& record) {
    if (resource.type == resources::custom_resource_definitions) {
        const auto definition = parse_json(record->text);
        if (definition.ok() && !registry_.is_builtin(record->key.name)) {
            remove_all_of(record->key.name);
            registry_.remove_custom(*definition);
        }
    }
    if (!record->key.ns.empty()) finish_namespace(record->key.ns);
}

void Objects::remove_all_of(const std::string& store_type) {
    const ResourcePtr resource = registry_.find_store_type(store_type);
    if (!resource) return;
    for (const auto& record : store_.list(store_type).records)
        static_cast<void>(store_.remove(record->key, record->version));
}

void Objects::empty_namespace(const std::string& ns) {
    for (const auto& type : store_.types()) {
        const ResourcePtr resource = registry_.find_store_type(type);
        if (!resource || !resource->type.namespaced) continue;
        for (const auto& record : store_.list(type, ns).records)
            static_cast<void>(remove(*resource, ns, record->key.name, {}));
    }
}

// Removes a namespace that is being deleted once it is empty.
void Objects::finish_namespace(const std::string& ns) {
    const store::RecordPtr record = store_.get({"namespaces", "", ns});
    if (!record) return;
    const auto phase = record->fields.find("status.phase");
    if (phase == record->fields.end() || phase->second != "Terminating") return;
    for (const auto& type : store_.types())
        if (type != "namespaces" && !store_.list(type, ns).records.empty()) return;
    // Lost against another writer: that one, or the next removal, comes here again.
    if (store_.remove(record->key, record->version).ok())
        log_.info("namespace removed", {{"namespace", ns}});
}

void Objects::expire_events() {
    const TimePoint now = clock_.now();
    const auto ticks = now.time_since_epoch().count();
    auto due = next_expiry_.load();
    const auto next = ticks + event_expiry_interval.count();
    if (ticks < due || !next_expiry_.compare_exchange_strong(due, next)) return;
    for (const auto& record : store_.list("events").records) {
        const auto event = parse_json(record->text);
        const auto seen = event.ok() ? event_time(*event) : std::nullopt;
        // One that was just seen again has another version by now, and stays.
        if (seen && *seen + event_life < now)
            static_cast<void>(store_.remove(record->key, record->version));
    }
}

// propagationPolicy=Orphan: the references to the owner go before the owner does.
void Objects::finish_orphaning(const Resource& resource, const store::Key& key) {
    const store::RecordPtr record = store_.get(key);
    if (!record) return;
    const auto owner = parse_json(record->text);
    if (!owner.ok() || !being_deleted(*owner)) return;
    orphan_dependents(text_at(*owner, {"metadata", "uid"}));
    const auto release = [](const Json& live) -> ApiResult<Json> {
        Json changed = live;
        Json left = Json::array();
        if (const Json* held = find(live, {"metadata", "finalizers"}); held && held->is_array())
            for (const auto& name : *held)
                if (name != Json(orphan_finalizer)) left.push_back(name);
        changed["metadata"]["finalizers"] = std::move(left);
        return changed;
    };
    static_cast<void>(update(resource, Part::Main, key.ns, key.name, release, false));
}

void Objects::finish_interrupted_orphaning() {
    for (const auto& type : store_.types()) {
        const ResourcePtr resource = registry_.find_store_type(type);
        if (!resource) continue;
        for (const auto& record : store_.list(type).records)
            if (record->text.find("\"deletionTimestamp\":") != std::string::npos &&
                record->text.find(concat("\"", orphan_finalizer, "\"")) != std::string::npos)
                finish_orphaning(*resource, record->key);
    }
}

void Objects::orphan_dependents(const std::string& uid) {
    for (const auto& type : store_.types()) {
        const ResourcePtr resource = registry_.find_store_type(type);
        if (!resource) continue;
        for (const auto& record : store_.list(type).records) {
            if (record->text.find(uid) == std::string::npos) continue;
            const auto drop_reference = [&](const Json& live) -> ApiResult<Json> {
                Json changed = live;
                const Json* owners = find(live, {"metadata", "ownerReferences"});
                if (!owners || !owners->is_array()) return changed;
                Json left = Json::array();
                for (const auto& owner : *owners)
                    if (text_at(owner, {"uid"}) != uid) left.push_back(owner);
                changed["metadata"]["ownerReferences"] = std::move(left);
                return changed;
            };
            static_cast<void>(update(*resource, Part::Main, record->key.ns, record->key.name,
                                     drop_reference, false));
        }
    }
}

}  // namespace sluice::standalone::apiserver
