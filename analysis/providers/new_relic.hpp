// SPDX-License-Identifier: Apache-2.0
// New Relic: NRQL through NerdGraph
// (https://docs.newrelic.com/docs/apis/nerdgraph/examples/nerdgraph-nrql-tutorial/).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// The Secret that `profile` names, or "newrelic": personal-api-key, account-id, region,
// base-url-nerdgraph.
std::optional<CredentialsRef> new_relic_credentials(const Json& config);
Result<Query> build_new_relic_query(const Json& config, const Credentials& credentials);
// One row is a map, several are a list of maps.
Result<Reading> parse_new_relic_response(const HttpResponse& response);

}  // namespace sluice::analysis
