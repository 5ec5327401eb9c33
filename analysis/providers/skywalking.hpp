// SPDX-License-Identifier: Apache-2.0
// Apache SkyWalking's GraphQL API
// (https://skywalking.apache.org/docs/main/latest/en/api/query-protocol/).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// The query may use $duration: the last `interval` (5m) up to now, by the minute.
Result<Query> build_skywalking_query(const Json& config, TimePoint now);
// The answer's data as it is.
Result<Reading> parse_skywalking_response(const HttpResponse& response);

}  // namespace sluice::analysis
