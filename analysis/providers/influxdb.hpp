// SPDX-License-Identifier: Apache-2.0
// InfluxDB 2: Flux queries (https://docs.influxdata.com/influxdb/v2/api/#operation/PostQuery);
// answers are annotated CSV.
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// The Secret that `profile` names, or "influxdb": authToken, org, address.
std::optional<CredentialsRef> influxdb_credentials(const Json& config);
Result<Query> build_influxdb_query(const Json& config, const Credentials& credentials);
// Every record's _value as a list, typed as the annotation says.
Result<Reading> parse_influxdb_response(const HttpResponse& response);

}  // namespace sluice::analysis
