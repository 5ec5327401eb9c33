// SPDX-License-Identifier: Apache-2.0
// `authentication.oauth2` of a metric: client credentials (RFC 6749 4.4), a token for each
// measurement.
#pragma once

#include <string>

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// The block, or null where the metric has none.
const Json* oauth2_of(const Json& config);
// Invalid: id or secret is missing.
Result<Query> oauth2_token_query(const Json& oauth2, bool insecure);
// The token of the answer. Unavailable: it gives none; a refusal's error and description are told.
Result<std::string> oauth2_token(const HttpResponse& response);

// With the token as bearer.
Query with_bearer(Query query, const std::string& token);

}  // namespace sluice::analysis
