// SPDX-License-Identifier: Apache-2.0
// What the API server itself does to a document before it is stored: system metadata, generation,
// which half of the object a write may touch, defaults, and the checks every kind has. Pure.
// kubernetes/community, contributors/devel/sig-architecture/api-conventions.md, "Metadata".
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/time.hpp"
#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

// Which half of an object a request writes.
enum class Part { Main, Status };

struct NewObject {
    std::string uid;
    std::string name_suffix;  // five characters, for generateName
    TimePoint now;
};

// The document as it will be stored. BadRequest and Invalid.
ApiResult<Json> admit_create(const Resource& resource, std::string_view ns, Json body,
                             const NewObject& fresh);

// The same for a change of `live`. A resourceVersion in `wanted` that is not live's is a Conflict.
ApiResult<Json> admit_update(const Resource& resource, Part part, const Json& live, Json wanted);

// apiVersion and kind of a body against what the URL names; an absent one is filled in.
ApiResult<void> check_type(const Resource& resource, std::string_view version, Json& body);

// True where nothing holds a deleted object any more: it is to be removed.
bool ready_to_vanish(const Json& object);
bool being_deleted(const Json& object);

// Values that upstream fills in and that our controllers and kubectl read. Safe to repeat.
void apply_defaults(const Resource& resource, Json& object);

// What upstream's strategies put into the status of a new object.
void initialise_status(const Resource& resource, Json& object, TimePoint now);

}  // namespace sluice::standalone::apiserver
