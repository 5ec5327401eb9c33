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

// Server-side apply, which is no patch of what is there.
bool is_apply(std::string_view content_type);
// 415 on a form that the kind does not take.
ApiResult<PatchForm> patch_form(const Resource& resource, std::string_view content_type);
// A failed `test` or a missing path is 422 Invalid; a body of another shape 400.
// `schema` tells a strategic merge how lists merge; null: as ones.
ApiResult<Json> apply_patch(PatchForm form, const Schema* schema, const Json& live,
                            const Json& patch);

// kubernetes/community, contributors/devel/sig-api-machinery/strategic-merge-patch.md.
ApiResult<void> apply_strategic_merge(const Schema* schema, Json& target, const Json& patch);

}  // namespace sluice::standalone::apiserver
