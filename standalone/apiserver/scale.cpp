// SPDX-License-Identifier: Apache-2.0
// The scale subresource: an autoscaling/v1 Scale as a view of an object.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/call.hpp"
#include "standalone/apiserver/patch.hpp"
#include "standalone/apiserver/workload_cells.hpp"

namespace sluice::standalone::apiserver {
namespace {

const Json* at_path(const Json& object, const std::string& path) {
    const Json* at = &object;
    for (const auto& key : split(path, '.')) {
        if (!at->is_object() || !at->contains(key)) return nullptr;
        at = &at->at(key);
    }
    return at;
}

// A LabelSelector as text, or the text it is already.
std::string selector_text(const Json* selector) {
    if (!selector) return {};
    if (selector->is_string()) return selector->get<std::string>();
    return label_selector_text(*selector);
}

Json scale_of(const Resource& resource, const Json& object) {
    const ScalePaths& paths = *resource.scale;
    const auto number = [&](const std::string& path) {
        const Json* value = at_path(object, path);
        return value && value->is_number_integer() ? value->get<long>() : 0L;
    };
    Json metadata = Json::object();
    for (const char* field : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"})
        if (const Json* value = find(object, {"metadata", field})) metadata[field] = *value;
    return {{"kind", "Scale"},
            {"apiVersion", "autoscaling/v1"},
            {"metadata", metadata},
            {"spec", {{"replicas", number(paths.spec_replicas)}}},
            {"status",
             {{"replicas", number(paths.status_replicas)},
              {"selector", selector_text(at_path(object, paths.label_selector))}}}};
}

ApiResult<Json> with_scale(const Resource& resource, const Json& live, const Json& scale) {
    const Json* replicas = find(scale, {"spec", "replicas"});
    const long wanted = replicas && replicas->is_number_integer() ? replicas->get<long>() : 0;
    if (wanted < 0 || (replicas && !replicas->is_number_integer()))
        return status::invalid(resource.type, text_at(live, {"metadata", "name"}),
                               {{"spec.replicas", "FieldValueInvalid",
                                 concat("Invalid value: ", to_text(*replicas),
                                        ": must be greater than or equal to 0")}});
    Json changed = live;
    Json* at = &changed;
    for (const auto& key : split(resource.scale->spec_replicas, '.')) at = &(*at)[key];
    *at = wanted;
    if (const std::string version = text_at(scale, {"metadata", "resourceVersion"});
        !version.empty())
        changed["metadata"]["resourceVersion"] = version;
    return changed;
}

}  // namespace

ApiResult<Answer> Handler::scale(const Call& call) {
    const Resource& resource = *call.resource;
    const std::string& method = call.request.method;
    const auto answer = [&](const store::Record& record) -> ApiResult<Answer> {
        const auto document = parse_json(record.text);
        if (!document.ok()) return status::internal(document.error().message);
        return json_answer(200, to_text(scale_of(resource, *document)));
    };
    if (method == "GET") {
        const auto record = store_.get({resource.store_type(), call.path.ns, call.path.name});
        if (!record) return status::not_found(resource.type, call.path.name);
        return answer(*record);
    }
    if (method != "PUT" && method != "PATCH") return status::method_not_allowed();
    const PatchForm form = method == "PUT"
                               ? PatchForm::Merge
                               : TRY(patch_form(resource, call.header_text("Content-Type")));
    const Json body = TRY(read_body(call.request));
    const Writer writer = writer_of(call, call.query.get("fieldManager"));
    const auto wanted = [&](const Json& live) -> ApiResult<Json> {
        if (method == "PUT") return with_scale(resource, live, body);
        return with_scale(resource, live,
                          TRY(apply_patch(form, nullptr, scale_of(resource, live), body)));
    };
    const auto record = TRY(objects_.update(resource, Part::Main, call.path.ns, call.path.name,
                                            wanted, call.dry_run(), &writer));
    return answer(*record);
}

}  // namespace sluice::standalone::apiserver
