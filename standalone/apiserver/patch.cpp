// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/patch.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {

ApiResult<PatchForm> patch_form(const Resource& resource, std::string_view content_type) {
    const std::string type(trim(content_type.substr(0, content_type.find(';'))));
    if (type == "application/json-patch+json") return PatchForm::Json;
    if (type == "application/merge-patch+json") return PatchForm::Merge;
    if (type == "application/strategic-merge-patch+json" && !resource.custom)
        return PatchForm::StrategicMerge;
    if (type == "application/apply-patch+yaml")
        return status::unsupported_media_type(
            "server-side apply is not served yet: use kubectl apply without --server-side");
    return status::unsupported_media_type(
        concat("the body of the request was in an unknown format - accepted media types include: "
               "application/json-patch+json, application/merge-patch+json",
               resource.custom ? "" : ", application/strategic-merge-patch+json"));
}

ApiResult<Json> apply_patch(PatchForm form, const Json& live, const Json& patch) {
    if (form == PatchForm::Json) {
        if (!patch.is_array())
            return status::bad_request("a JSON patch must be a list of operations");
        auto patched = apply_json_patch(live, patch);
        if (patched.ok()) return std::move(patched).value();
        // Without the library's "[json.exception.…] " in front.
        std::string_view why = patched.error().message;
        if (const auto end = why.find("] "); why.starts_with('[') && end != std::string_view::npos)
            why.remove_prefix(end + 2);
        return StatusError{
            .code = 422,
            .reason = "Invalid",
            .message =
                concat("the server rejected our request due to an error in our request: ", why)};
    }
    if (!patch.is_object()) return status::bad_request("a merge patch must be an object");
    Json patched = live;
    if (form == PatchForm::Merge)
        apply_merge_patch(patched, patch);
    else
        apply_strategic_merge(patched, patch);
    return patched;
}

}  // namespace sluice::standalone::apiserver
