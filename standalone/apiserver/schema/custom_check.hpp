// SPDX-License-Identifier: Apache-2.0
// Holds a custom object against the schema of its definition, with upstream's words. Pure.
#pragma once

#include <vector>

#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/schema/schema.hpp"

namespace sluice::standalone::apiserver {

// Every problem with its path. `before` is the object as it was, null for a new one. Rules of
// x-kubernetes-validations other than `self == oldSelf` are not evaluated.
std::vector<StatusCause> custom_problems(const Schema& schema, const Json& object,
                                         const Json* before);

// Nulls go where the schema does not want them.
void drop_nulls(const Schema& schema, Json& object);

}  // namespace sluice::standalone::apiserver
