// SPDX-License-Identifier: Apache-2.0
// PATCH with application/apply-patch+yaml: server-side apply.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "standalone/apiserver/apply/managed_fields.hpp"
#include "standalone/apiserver/apply/typed_value.hpp"
#include "standalone/apiserver/call.hpp"

namespace sluice::standalone::apiserver {
namespace {

// JSON is YAML too, and what kubectl sends.
ApiResult<Json> read_applied(const std::string& text) {
    auto document = parse_json(text);
    if (!document.ok()) {
        const auto documents = parse_yaml(text, "body");
        if (!documents.ok() || documents->size() != 1)
            return status::bad_request(
                concat("error decoding YAML: ",
                       documents.ok() ? "the body must be one object" : documents.error().message));
        document = parse_json(documents->front().text);
    }
    if (!document.ok()) return status::bad_request(document.error().message);
    if (!document->is_object()) return status::bad_request("the body must be one object");
    return std::move(document).value();
}

// "apps/v1, Kind=Deployment", and "/v1, Kind=Pod" in the core group.
std::string group_version_kind(const Json& object) {
    const std::string version = text_at(object, {"apiVersion"});
    return concat(version.find('/') == std::string::npos ? "/" : "", version,
                  ", Kind=", text_at(object, {"kind"}));
}

ApiResult<void> check_applied(const Json& applied, const std::string& name) {
    if (text_at(applied, {"apiVersion"}).empty() || text_at(applied, {"kind"}).empty()) {
        StatusError refused =
            status::bad_request(concat("invalid object type: ", group_version_kind(applied)));
        refused.bare_details = true;
        return refused;
    }
    if (find(applied, {"metadata", "managedFields"}))
        return status::bad_request("metadata.managedFields must be nil");
    if (const std::string given = text_at(applied, {"metadata", "name"});
        !given.empty() && given != name)
        return status::bad_request(concat("the name of the object (", given,
                                          ") does not match the name on the URL (", name, ")"));
    return {};
}

}  // namespace

Writer Handler::writer_of(const Call& call, const std::string& manager) const {
    const std::string agent = call.header_text("User-Agent");
    std::string name = manager.empty() ? agent.substr(0, agent.find('/')) : manager;
    if (name.empty()) name = "unknown";
    return {std::move(name), call.resource->type_at(call.path.version).api_version(),
            call.path.subresource, call.resource->status, clock_.now()};
}

ApiResult<Answer> Handler::apply(const Call& call) {
    const WriteOptions options = TRY(read_write_options(call.query, "PatchOptions", true));
    Json applied = TRY(read_applied(call.request.body));
    TRY(check_applied(applied, call.path.name));
    const SchemaPtr schema = call.resource->schema_at(call.resource->type.version);
    if (const std::string problem = typed_problem(schema.get(), applied); !problem.empty())
        return StatusError{.code = 500,
                           .message = concat("failed to create typed patch object (",
                                             text_at(applied, {"metadata", "namespace"}), "/",
                                             text_at(applied, {"metadata", "name"}), "; ",
                                             group_version_kind(applied), "): ", problem)};
    TRY(check_type(*call.resource, call.path.version, applied));
    const Writer writer = writer_of(call, options.manager);
    const store::Key key{call.resource->store_type(), call.path.ns, call.path.name};
    const bool makes = call.part() == Part::Main && !store_.get(key);
    if (makes) {
        Json object =
            TRY(apply_fields(schema.get(), Json::object(), applied, writer, options.force));
        object["metadata"]["name"] = call.path.name;
        object["metadata"].erase("resourceVersion");
        const auto made =
            objects_.create(*call.resource, call.path.ns, std::move(object), options.dry_run);
        if (made.ok())
            return json_answer(201, call.rendering().object(*made.value(), clock_.now()));
        if (made.error().reason != "AlreadyExists") return made.error();
    }
    const auto wanted = [&](const Json& live) {
        return apply_fields(schema.get(), live, applied, writer, options.force);
    };
    const auto record = TRY(objects_.update(*call.resource, call.part(), call.path.ns,
                                            call.path.name, wanted, options.dry_run));
    return json_answer(200, call.rendering().object(*record, clock_.now()));
}

}  // namespace sluice::standalone::apiserver
