// SPDX-License-Identifier: Apache-2.0
// Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// An instant query at `now` cut to whole seconds, so that the same query of one tick is the same
// request; or a range query. Texts of errors are upstream's.
Result<Query> build_prometheus_query(const crds::PrometheusMetric& metric,
                                     const ProviderSettings& settings, TimePoint now);

// scalar → float, vector → list of floats, matrix → all its floats in one list. Errors read
// "type: message" as client_golang words them.
Result<Reading> parse_prometheus_response(const HttpResponse& response);

}  // namespace sluice::analysis
