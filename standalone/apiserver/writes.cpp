// SPDX-License-Identifier: Apache-2.0
// POST, PUT, PATCH, DELETE.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/call.hpp"
#include "standalone/apiserver/patch.hpp"
#include "standalone/apiserver/write_options.hpp"

namespace sluice::standalone::apiserver {
namespace {

ApiResult<void> check_propagation(const Json& options, const std::string& policy) {
    const ResourceType type{"meta.k8s.io", "v1", "DeleteOptions", "DeleteOptions", false};
    if (!policy.empty() && policy != "Orphan" && policy != "Background" && policy != "Foreground")
        return status::invalid(
            type, "",
            {{"propagationPolicy", "FieldValueNotSupported",
              concat("Unsupported value: \"", policy,
                     "\": supported values: \"Foreground\", \"Background\", \"Orphan\", "
                     "\"nil\"")}});
    if (!policy.empty() && find(options, {"orphanDependents"}))
        return status::invalid(
            type, "",
            {{"propagationPolicy", "FieldValueInvalid",
              concat("Invalid value: \"", policy,
                     "\": orphanDependents and deletionPropagation cannot be both set")}});
    return {};
}

ApiResult<Deletion> deletion_of(const Json& options, const Query& query) {
    if (!options.is_object()) return status::bad_request("DeleteOptions must be an object");
    Deletion deletion{.uid = text_at(options, {"preconditions", "uid"}),
                      .resource_version = text_at(options, {"preconditions", "resourceVersion"})};
    if (find(options, {"gracePeriodSeconds"}))
        deletion.grace_period_seconds = integer_at(options, {"gracePeriodSeconds"});
    else
        deletion.grace_period_seconds = query.integer("gracePeriodSeconds");
    const std::string policy =
        text_at(options, {"propagationPolicy"}, query.get("propagationPolicy"));
    if (const std::string kind = text_at(options, {"kind"}, "DeleteOptions");
        kind != "DeleteOptions")
        return status::bad_request(concat("no kind \"", kind, "\" is registered for version \"",
                                          text_at(options, {"apiVersion"}),
                                          "\" in scheme \"pkg/runtime/scheme.go:111\""));
    TRY(check_propagation(options, policy));
    deletion.foreground = policy == "Foreground";
    deletion.orphan = policy == "Orphan" || bool_at(options, {"orphanDependents"});
    const Json* dry = find(options, {"dryRun"});
    deletion.dry_run = query.get("dryRun") == "All" || (dry && dry->is_array() && !dry->empty());
    return deletion;
}

ApiResult<Deletion> read_deletion(const HttpRequest& request, const Query& query) {
    Json options = Json::object();
    if (!request.body.empty()) options = TRY(read_body(request));
    return deletion_of(options, query);
}

std::string deletion_status(const Resource& resource, const store::Record& record) {
    const auto document = parse_json(record.text);
    Json details = {{"name", record.key.name}, {"kind", resource.type.plural}};
    if (document.ok()) details["uid"] = text_at(*document, {"metadata", "uid"});
    if (!resource.type.group.empty()) details["group"] = resource.type.group;
    return to_text(Json{{"kind", "Status"},
                        {"apiVersion", "v1"},
                        {"metadata", Json::object()},
                        {"status", "Success"},
                        {"details", details}});
}

// RFC 7234, 5.5; 299 is what every client shows.
Answer with_warnings(Answer answer, const std::vector<std::string>& warnings) {
    for (const auto& warning : warnings)
        answer.response.headers.push_back({"Warning", concat("299 - ", to_text(Json(warning)))});
    return answer;
}

}  // namespace

ApiResult<Answer> Handler::create(const Call& call) {
    const WriteOptions options = TRY(read_write_options(call.query, "CreateOptions"));
    Json body = TRY(read_body(call.request));
    TRY(check_type(*call.resource, call.path.version, body));
    const auto warnings = TRY(fit_body(*call.resource, call.path.version, options.validation, body,
                                       call.duplicates_in(options.validation)));
    body["metadata"].erase("managedFields");
    const auto record =
        TRY(objects_.create(*call.resource, call.path.ns, std::move(body), options.dry_run));
    return with_warnings(json_answer(201, call.rendering().object(*record, clock_.now())),
                         warnings);
}

ApiResult<Answer> Handler::replace(const Call& call) {
    const WriteOptions options = TRY(read_write_options(call.query, "UpdateOptions"));
    Json body = TRY(read_body(call.request));
    TRY(check_type(*call.resource, call.path.version, body));
    const auto warnings = TRY(fit_body(*call.resource, call.path.version, options.validation, body,
                                       call.duplicates_in(options.validation)));
    if (const std::string name = text_at(body, {"metadata", "name"}); name != call.path.name)
        return status::bad_request(concat("the name of the object (", name,
                                          ") does not match the name on the URL (", call.path.name,
                                          ")"));
    if (const std::string ns = text_at(body, {"metadata", "namespace"});
        !ns.empty() && ns != call.path.ns)
        return status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the "
            "request");
    const bool versioned = !text_at(body, {"metadata", "resourceVersion"}).empty();
    if (call.resource->custom && !versioned &&
        store_.get({call.resource->store_type(), call.path.ns, call.path.name}))
        return status::invalid(call.resource->type, call.path.name,
                               {{"metadata.resourceVersion", "FieldValueInvalid",
                                 "Invalid value: 0x0: must be specified for an update"}});
    const auto wanted = [&](const Json&) -> ApiResult<Json> { return body; };
    const Writer writer = writer_of(call, options.manager);
    const auto record = TRY(objects_.update(*call.resource, call.part(), call.path.ns,
                                            call.path.name, wanted, options.dry_run, &writer));
    return with_warnings(json_answer(200, call.rendering().object(*record, clock_.now())),
                         warnings);
}

ApiResult<Answer> Handler::patch(const Call& call) {
    if (is_apply(call.header_text("Content-Type"))) return apply(call);
    const WriteOptions options = TRY(read_write_options(call.query, "PatchOptions"));
    const PatchForm form = TRY(patch_form(*call.resource, call.header_text("Content-Type")));
    const auto body = parse_json(call.request.body);
    if (!body.ok())
        return status::bad_request(concat("the body of the request is ", body.error().message));
    const Writer writer = writer_of(call, options.manager);
    const SchemaPtr schema = call.resource->schema_at(call.resource->type.version);
    std::vector<std::string> warnings;
    const auto wanted = [&](const Json& live) -> ApiResult<Json> {
        Json object = TRY(apply_patch(form, schema.get(), live, *body));
        warnings = TRY(fit_patched(*call.resource, call.resource->type.version, options.validation,
                                   object, *body));
        return object;
    };
    const auto record = TRY(objects_.update(*call.resource, call.part(), call.path.ns,
                                            call.path.name, wanted, options.dry_run, &writer));
    return with_warnings(json_answer(200, call.rendering().object(*record, clock_.now())),
                         warnings);
}

ApiResult<Answer> Handler::remove(const Call& call) {
    const Deletion deletion = TRY(read_deletion(call.request, call.query));
    const Deleted deleted =
        TRY(objects_.remove(*call.resource, call.path.ns, call.path.name, deletion));
    // Upstream answers with the pod or Service itself, also when it is gone.
    const bool as_object = !deleted.gone || call.resource->type == resources::pods ||
                           call.resource->type == resources::services;
    return json_answer(200, as_object ? call.rendering().object(*deleted.record, clock_.now())
                                      : deletion_status(*call.resource, *deleted.record));
}

// A removal that a PodDisruptionBudget may forbid; here is none.
// https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
ApiResult<Answer> Handler::evict(const Call& call) {
    const Json body = TRY(read_body(call.request));
    if (text_at(body, {"kind"}) != "Eviction")
        return status::bad_request(
            concat("expected an Eviction, found \"", text_at(body, {"kind"}), "\""));
    const Json* options = find(body, {"deleteOptions"});
    const Deletion deletion = TRY(deletion_of(options ? *options : Json::object(), call.query));
    TRY(objects_.remove(*call.resource, call.path.ns, call.path.name, deletion));
    return json_answer(201, to_text(Json{{"kind", "Status"},
                                         {"apiVersion", "v1"},
                                         {"metadata", Json::object()},
                                         {"status", "Success"},
                                         {"code", 201}}));
}

ApiResult<Answer> Handler::remove_collection(const Call& call) {
    const Deletion deletion = TRY(read_deletion(call.request, call.query));
    const Selector selector = TRY(call.selector());
    const auto snapshot = store_.list(call.resource->store_type(), call.path.ns);
    std::vector<store::RecordPtr> removed;
    for (const auto& record : snapshot.records) {
        if (!selector.matches(*record)) continue;
        const auto deleted =
            objects_.remove(*call.resource, record->key.ns, record->key.name, deletion);
        if (deleted.ok())
            removed.push_back(deleted.value().record);
        else if (deleted.error().code != 404)
            return deleted.error();
    }
    return json_answer(200,
                       call.rendering().list(removed, {.version = store_.version()}, clock_.now()));
}

}  // namespace sluice::standalone::apiserver
