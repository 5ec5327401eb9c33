// SPDX-License-Identifier: Apache-2.0
// What upstream checks beyond shape: names of finalizers and owners of every kind, and the content
// of ConfigMaps and Secrets. Workloads and what surrounds them: workload_checks.hpp. Pure.
#pragma once

#include <vector>

#include "standalone/apiserver/api_result.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

// `before` is the object as it was; null for a new one.
std::vector<StatusCause> builtin_problems(const Resource& resource, const Json& object,
                                          const Json* before);

}  // namespace sluice::standalone::apiserver
