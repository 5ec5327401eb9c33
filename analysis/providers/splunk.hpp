// SPDX-License-Identifier: Apache-2.0
// `provider.plugin: {"sluice/splunk": {address, query, interval, secretRef}}`: Splunk Observability
// Cloud, a SignalFlow program over HTTP
// (https://dev.splunk.com/observability/docs/signalflow/messages/).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

inline constexpr std::string_view splunk_provider = "plugin sluice/splunk";

// secretRef, or the Secret "splunk" of the controller's namespace: sf_token_key, as with Flagger.
std::optional<CredentialsRef> splunk_credentials(const Json& config);
// The program over the last `interval` (5m). `address` may be the API's or the stream's.
Result<Query> build_splunk_query(const Json& config, const Credentials& credentials, TimePoint now);
// The newest value of each series: a float for one, else a list. Unavailable: the computation
// failed or its stream broke off.
Result<Reading> parse_splunk_response(const HttpResponse& response);

}  // namespace sluice::analysis
