// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/objects.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// A writer that loses this often against others is told so.
constexpr int max_tries = 50;

store::Key store_key(const Resource& resource, const std::string& ns, const std::string& name) {
    return {resource.store_type(), resource.type.namespaced ? ns : "", name};
}

// What a dry run answers: the object as it would be, with its version unchanged.
store::RecordPtr unsaved(const store::Key& key, long version, Json document) {
    auto record = store::make_record(key, version, document);
    if (version != 0) return record;
    // One that is not there has none.
    auto bare = std::make_shared<store::Record>(*record);
    document["metadata"].erase("resourceVersion");
    bare->text = to_text(document);
    return bare;
}

}  // namespace

StatusError from_store(const Resource& resource, std::string_view name, const Error& error) {
    switch (error.kind) {
        case ErrorKind::NotFound: return status::not_found(resource.type, name);
        case ErrorKind::AlreadyExists: return status::already_exists(resource.type, name);
        case ErrorKind::Conflict: return status::stale(resource.type, name);
        case ErrorKind::Gone: return status::expired(error.message);
        case ErrorKind::Unavailable: return status::unavailable(error.message);
        case ErrorKind::NoSpace: return status::insufficient_storage(error.message);
        case ErrorKind::Invalid:
        case ErrorKind::Denied:
        case ErrorKind::Timeout:
        case ErrorKind::Internal: break;
    }
    return status::internal(error.message);
}

Objects::Objects(store::Store& store, Registry& registry, const Clock& clock, Identities identities,
                 Log& log)
    : store_(store),
      registry_(registry),
      clock_(clock),
      identities_(std::move(identities)),
      log_(log) {}

Result<void> Objects::prepare() {
    for (const auto& record : store_.list("customresourcedefinitions.apiextensions.k8s.io").records)
        registry_.add_custom(TRY(parse_json(record->text)));
    const ResourcePtr namespaces = registry_.find("", "v1", "namespaces");
    for (const char* name : {"default", "kube-system"}) {
        Json body = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
        const auto made = create(*namespaces, "", std::move(body), false);
        if (!made.ok() && made.error().reason != "AlreadyExists")
            return unavailable(concat("create namespace ", name, ": ", made.error().message));
    }
    finish_interrupted_orphaning();
    for (const auto& record : store_.list("namespaces").records)
        if (record->fields.contains("status.phase") &&
            record->fields.at("status.phase") == "Terminating") {
            empty_namespace(record->key.name);
            finish_namespace(record->key.name);
        }
    return {};
}

ApiResult<void> Objects::check_namespace(const Resource& resource, const std::string& ns,
                                         const std::string& name) const {
    if (!resource.type.namespaced) return {};
    const auto found = store_.get({"namespaces", "", ns});
    if (!found) return status::not_found(resources::namespaces, ns);
    if (found->fields.contains("status.phase") && found->fields.at("status.phase") == "Terminating")
        return status::forbidden(resource.type, name,
                                 concat("unable to create new content in namespace ", ns,
                                        " because it is being terminated"));
    return {};
}

ApiResult<store::RecordPtr> Objects::create(const Resource& resource, const std::string& ns,
                                            Json body, bool dry_run) {
    TRY(check_namespace(resource, ns, text_at(body, {"metadata", "name"})));
    const NewObject fresh{identities_.new_uid(), identities_.new_suffix(), clock_.now()};
    Json document = TRY(admit_create(resource, ns, std::move(body), fresh));
    const std::string name = text_at(document, {"metadata", "name"});
    const bool definition = resource.type == resources::custom_resource_definitions;
    if (definition) {
        const auto read = read_definition(document);
        if (!read.ok())
            return status::invalid(
                resource.type, name,
                {{"spec", "FieldValueInvalid", concat("Invalid value: ", read.error().message)}});
        if (read->store_type() != name)
            return status::invalid(resource.type, name,
                                   {{"metadata.name", "FieldValueInvalid",
                                     concat("Invalid value: \"", name,
                                            "\": must be spec.names.plural+\".\"+spec.group")}});
    }
    const store::Key key = store_key(resource, ns, name);
    if (dry_run) {
        if (store_.get(key)) return status::already_exists(resource.type, name);
        return unsaved(key, 0, std::move(document));
    }
    auto stored = store_.create(key, document);
    if (!stored.ok()) {
        StatusError error = from_store(resource, name, stored.error());
        const auto there = store_.get(key);
        if (there && there->text.find("\"deletionTimestamp\":") != std::string::npos)
            error.message = "object is being deleted: " + error.message;
        return error;
    }
    if (definition) registry_.add_custom(document);
    if (resource.type == resources::events) expire_events();
    return std::move(stored).value();
}

ApiResult<store::RecordPtr> Objects::update(const Resource& resource, Part part,
                                            const std::string& ns, const std::string& name,
                                            const Change& change, bool dry_run,
                                            const Writer* writer) {
    const store::Key key = store_key(resource, ns, name);
    for (int i = 0; i < max_tries; ++i) {
        const store::RecordPtr record = store_.get(key);
        if (!record) return status::not_found(resource.type, name);
        auto live = parse_json(record->text);
        if (!live.ok()) return status::internal(live.error().message);
        Json wanted = TRY(change(*live));
        wanted = TRY(admit_update(resource, part, *live, std::move(wanted)));
        if (wanted == *live) return record;
        if (writer && has_managed_fields(wanted))
            track_write(resource.schema_at(resource.type.version).get(), *live, wanted, *writer);
        if (dry_run) return unsaved(key, record->version, std::move(wanted));
        const bool vanishes = ready_to_vanish(wanted);
        auto stored = vanishes ? store_.remove(key, record->version)
                               : store_.update(key, record->version, wanted);
        if (stored.failed_with(ErrorKind::Conflict)) continue;
        if (!stored.ok()) return from_store(resource, name, stored.error());
        if (vanishes)
            after_removal(resource, *stored);
        else if (resource.type == resources::custom_resource_definitions)
            registry_.add_custom(wanted);
        return std::move(stored).value();
    }
    return status::stale(resource.type, name);
}

}  // namespace sluice::standalone::apiserver
