// SPDX-License-Identifier: Apache-2.0
// The part of JSONPath that definitions' printer columns use:
// .a.b, .a\.b, ['a'], [0], [*], [?(@.type=="Ready")].
// https://kubernetes.io/docs/reference/kubectl/jsonpath/
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace sluice::standalone::apiserver {

// The first value there; null where nothing is, or where the path is none of these.
const Json* first_at(const Json& object, std::string_view path);

}  // namespace sluice::standalone::apiserver
