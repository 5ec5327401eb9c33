// SPDX-License-Identifier: Apache-2.0
// `provider.plugin: {"sluice/google-cloud-monitoring": {project, promQL | query, secretRef}}`:
// Google Cloud Monitoring by PromQL
// (https://cloud.google.com/monitoring/api/ref_v3/rest, v1 projects.location.prometheus.api.v1) or
// by MQL (https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/query).
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

inline constexpr std::string_view google_monitoring_provider =
    "plugin sluice/google-cloud-monitoring";

// secretRef: project and serviceAccountKey, as with Flagger. Without one the machine's own service
// account asks (Workload Identity).
std::optional<CredentialsRef> google_monitoring_credentials(const Json& config);
// A token first: with the key (RFC 7523), or from the metadata server.
Result<Query> build_google_monitoring_query(const Json& config, const Credentials& credentials,
                                            TimePoint now);
Result<std::optional<Query>> next_google_monitoring_query(const Json& config,
                                                          const Credentials& credentials,
                                                          TimePoint now,
                                                          const HttpResponse& response, int step);
// PromQL as a Prometheus metric; MQL: the newest value of each series, a float for one, else a
// list.
Result<Reading> parse_google_monitoring_response(const Json& config, const HttpResponse& response);

}  // namespace sluice::analysis
