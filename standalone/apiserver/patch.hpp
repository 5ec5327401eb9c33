// SPDX-License-Identifier: Apache-2.0
// PATCH bodies: JSON patch, merge patch, strategic merge patch.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

enum class PatchForm { Json, Merge, StrategicMerge };

// 415 on a form that the kind does not take.
ApiResult<PatchForm> patch_form(const Resource& resource, std::string_view content_type);
// A failed `test` or a missing path is 422 Invalid; a body of another shape 400.
ApiResult<Json> apply_patch(PatchForm form, const Json& live, const Json& patch);

// kubernetes/community, contributors/devel/sig-api-machinery/strategic-merge-patch.md.
void apply_strategic_merge(Json& target, const Json& patch);

}  // namespace sluice::standalone::apiserver
