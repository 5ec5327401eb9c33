// SPDX-License-Identifier: Apache-2.0
// Graphite's render API (https://graphite.readthedocs.io/en/stable/render_api.html).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// `query` holds render parameters: "target=…&from=-5min"; blanks in it are left out, as upstream
// does.
Result<Query> build_graphite_query(const Json& config);
// The values of the first series that are there, as a list of floats.
Result<Reading> parse_graphite_response(const HttpResponse& response);

}  // namespace sluice::analysis
