// SPDX-License-Identifier: Apache-2.0
// Datadog: v1 timeseries queries and v2 scalar queries
// (https://docs.datadoghq.com/api/latest/metrics/). Error texts are upstream's.
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// secretRef, or the Secret "datadog" of the controller's namespace: api-key, app-key, address.
std::optional<CredentialsRef> datadog_credentials(const Json& config);
Result<Query> build_datadog_query(const Json& config, const Credentials& credentials,
                                  TimePoint now);
// v1: the last point of the first series, nil where there is none. v2: a float, or a list of them
// for a query that groups; the groups' names stand in the metadata.
Result<Reading> parse_datadog_response(const Json& config, const HttpResponse& response);

}  // namespace sluice::analysis
