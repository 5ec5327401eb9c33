// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/patch.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {

namespace {

// Upstream's library lets `replace` add a member that is not there.
Json with_adds(const Json& live, Json patch) {
    for (auto& operation : patch) {
        if (text_at(operation, {"op"}) != "replace") continue;
        const std::string path = text_at(operation, {"path"});
        const auto slash = path.rfind('/');
        if (slash == std::string::npos || slash == 0) continue;
        try {
            const Json::json_pointer parent(path.substr(0, slash));
            if (live.contains(parent) && live.at(parent).is_object() &&
                !live.contains(Json::json_pointer(path)))
                operation["op"] = "add";
        } catch (const Json::exception&) {
            continue;  // a bad pointer: the patch itself fails
        }
    }
    return patch;
}

}  // namespace

ApiResult<PatchForm> patch_form(const Resource& resource, std::string_view content_type) {
    const std::string type(trim(content_type.substr(0, content_type.find(';'))));
    if (type == "application/json-patch+json") return PatchForm::Json;
    if (type == "application/merge-patch+json") return PatchForm::Merge;
    if (type == "application/strategic-merge-patch+json" && !resource.custom)
        return PatchForm::StrategicMerge;
    if (type == "application/strategic-merge-patch+json")
        return status::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, "
            "application/apply-patch+yaml");
    StatusError refused = status::unsupported_media_type("415: Unsupported Media Type");
    refused.bare_details = true;
    return refused;
}

bool is_apply(std::string_view content_type) {
    return trim(content_type.substr(0, content_type.find(';'))) == "application/apply-patch+yaml";
}

ApiResult<Json> apply_patch(PatchForm form, const Schema* schema, const Json& live,
                            const Json& patch) {
    if (form == PatchForm::Json) {
        if (!patch.is_array())
            return status::bad_request(
                "error decoding patch: json: cannot unmarshal object into Go value of type "
                "[]handlers.jsonPatchOp");
        auto patched = apply_json_patch(live, with_adds(live, patch));
        if (patched.ok()) return std::move(patched).value();
        // Upstream does not say which operation it was.
        return StatusError{
            .code = 422,
            .reason = "Invalid",
            .message = "the server rejected our request due to an error in our request",
            .bare_details = true};
    }
    if (!patch.is_object())
        return status::bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}");
    Json patched = live;
    if (form == PatchForm::Merge)
        apply_merge_patch(patched, patch);
    else
        TRY(apply_strategic_merge(schema, patched, patch));
    return patched;
}

}  // namespace sluice::standalone::apiserver
