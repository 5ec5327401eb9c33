// SPDX-License-Identifier: Apache-2.0
// What `kubectl get` prints: columns of a kind and the cells of an object. Pure.
#pragma once

#include "base/json.hpp"
#include "base/time.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

// columnDefinitions of a meta.k8s.io Table.
Json table_columns(const Resource& resource);
// One cell for each of those columns.
Json table_cells(const Resource& resource, const Json& object, TimePoint now);

// "45s", "3m", "2d4h": how kubectl writes an age.
std::string human_duration(Duration age);

}  // namespace sluice::standalone::apiserver
