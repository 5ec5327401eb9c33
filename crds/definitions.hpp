// SPDX-License-Identifier: Apache-2.0
// The custom resource definitions of the kinds that Sluice brings, as documents. Their schemas are
// what the decoders ask for (DESIGN D11), so that none can forget a field of the other; names,
// columns and subresources of the native kinds are upstream's.
#pragma once

#include <vector>

#include "base/json.hpp"

namespace sluice::crds {

// apiextensions.k8s.io/v1, in the order in which they are to be applied.
std::vector<Json> custom_resource_definitions();

}  // namespace sluice::crds
