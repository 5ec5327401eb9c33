// SPDX-License-Identifier: Apache-2.0
// `provider.plugin: {"sluice/dynatrace": {address, query, interval, secretRef}}`: Dynatrace's
// Metrics API v2
// (https://docs.dynatrace.com/docs/dynatrace-api/environment-api/metric-v2/get-data-points).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

inline constexpr std::string_view dynatrace_provider = "plugin sluice/dynatrace";

// secretRef, or the Secret "dynatrace" of the controller's namespace: dynatrace_token, as with
// Flagger.
std::optional<CredentialsRef> dynatrace_credentials(const Json& config);
// A metric selector over the last `interval` (5m).
Result<Query> build_dynatrace_query(const Json& config, const Credentials& credentials,
                                    TimePoint now);
// The newest value of each series: a float for one, else a list.
Result<Reading> parse_dynatrace_response(const HttpResponse& response);

}  // namespace sluice::analysis
