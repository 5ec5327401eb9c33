// SPDX-License-Identifier: Apache-2.0
// What kubectl before 1.24 wants to know of a server: which kinds it may ask to change without
// changing them (`diff`, `--dry-run=server`). It says so only in OpenAPI v2, and only in protobuf.
// Kinds have no definitions there, and such a kubectl checks nothing of a kind without one. Pure.
// https://github.com/google/gnostic-models/blob/main/openapiv2/OpenAPIv2.proto
#pragma once

#include <string>
#include <vector>

#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

std::string openapi_v2(const std::vector<ResourcePtr>& resources);

}  // namespace sluice::standalone::apiserver
