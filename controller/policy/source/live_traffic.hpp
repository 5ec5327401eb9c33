// SPDX-License-Identifier: Apache-2.0
// The fields that belong to whoever moves traffic (DESIGN D12): route weights, canary annotations,
// and the pod-template hash in selectors. Applying from Git takes them over from the live object,
// whatever Git says. Pure.
#pragma once

#include "base/json.hpp"

namespace sluice::policy::source {

// `declared` with those fields as they are in `live`: present with its value, or absent as there.
// Routes and destinations that the live object lacks keep what Git says.
Json with_live_traffic(Json declared, const Json& live);

}  // namespace sluice::policy::source
