// SPDX-License-Identifier: Apache-2.0
// The web provider: any HTTP endpoint whose JSON, or text, is the result (argo-rollouts.md 1.6).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// Texts of errors are upstream's where it has some. Invalid: authentication that is not served.
Result<Query> build_web_query(const Json& config);
// What jsonPath ({$} where absent) selects first; the whole body as text where it is no JSON.
Result<Reading> parse_web_response(const Json& config, const HttpResponse& response);

}  // namespace sluice::analysis
