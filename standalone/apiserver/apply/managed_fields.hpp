// SPDX-License-Identifier: Apache-2.0
// Who set which field of an object, and what follows for the next who applies. Tracking begins with
// an object's first server-side apply; what is there before belongs to "before-first-apply". Pure.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"
#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {

// Who writes: of managers that differ in any of these each owns its fields.
struct Writer {
    std::string manager;
    std::string api_version;
    std::string subresource;  // "", status, scale
    bool has_status = false;  // the kind has a status subresource: the main path does not own it
    TimePoint now;
};

// `live` with what `applied` sets, without what this manager set before and no longer does; who
// owns what in metadata.managedFields. `live` is an empty object where there is none. Conflict,
// unless `force`.
ApiResult<Json> apply_fields(const Schema* schema, const Json& live, const Json& applied,
                             const Writer& writer, bool force);

// Any other write of an object that has managed fields: what it changed is the writer's now.
void track_write(const Schema* schema, const Json& before, Json& after, const Writer& writer);

// True for an object with managed fields; they go where a client clears them ([] or [{}]).
bool has_managed_fields(const Json& object);
void drop_cleared_managed_fields(Json& object);

}  // namespace sluice::standalone::apiserver
