// SPDX-License-Identifier: Apache-2.0
// JSONPath as kubectl and upstream's web metrics have it
// (https://kubernetes.io/docs/reference/kubectl/jsonpath/): one expression in braces. range, text
// around the braces and functions are not served. Pure; work is bounded by the document's size.
#pragma once

#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace sluice::analysis {

// What the path selects, in the document's order; the pointers live as long as the document.
// Invalid: the path is none ("jsonPath {$.a[}: … at 6"), or "x is not found",
// "array index out of bounds: index 3, length 1".
Result<std::vector<const Json*>> find_json_path(std::string_view path, const Json& document);

}  // namespace sluice::analysis
