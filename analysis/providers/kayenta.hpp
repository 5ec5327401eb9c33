// SPDX-License-Identifier: Apache-2.0
// A Kayenta that runs elsewhere (https://spinnaker.io/docs/guides/user/canary/,
// argo-rollouts.md 1.6): an execution is started, and asked after until it is complete. Three
// requests: the configuration's id by its name, the start, and then, in each later measurement, how
// far it is. The judge inside Sluice that computes as Kayenta does is analysis/kayenta.
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// Where `earlier` holds canaryExecutionId, that execution is asked after.
Result<Query> build_kayenta_query(const Json& config, const crds::TextMap& earlier);
// After the list of configurations: the start of an execution. Invalid: it is not in the list.
Result<std::optional<Query>> next_kayenta_query(const Json& config, const crds::TextMap& earlier,
                                                const HttpResponse& response, int step);
// Running with canaryExecutionId in the metadata; then the score against `threshold`: pass and
// above Successful, marginal and above Inconclusive, else Failed.
Result<Reading> parse_kayenta_response(const Json& config, const HttpResponse& response);

}  // namespace sluice::analysis
