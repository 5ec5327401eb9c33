// SPDX-License-Identifier: Apache-2.0
// What the server tells about itself: /version, /api, /apis, group versions, OpenAPI.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

// Nothing where the path is another's.
std::optional<HttpResponse> discovery_answer(const Registry& registry,
                                             const std::vector<std::string>& parts,
                                             std::string_view accept);

// Below /openapi.
std::optional<HttpResponse> openapi_answer(const Registry& registry,
                                           const std::vector<std::string>& parts);

}  // namespace sluice::standalone::apiserver
