// SPDX-License-Identifier: Apache-2.0
// Wavefront (now VMware Aria Operations for Applications): its query API
// (https://docs.wavefront.com/wavefront_api.html).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// The Secret "wavefront-api-tokens": a token for each address.
std::optional<CredentialsRef> wavefront_credentials(const Json& config);
Result<Query> build_wavefront_query(const Json& config, const Credentials& credentials,
                                    TimePoint now);
// The last value of each series: a float for one, else a list.
Result<Reading> parse_wavefront_response(const HttpResponse& response);

}  // namespace sluice::analysis
