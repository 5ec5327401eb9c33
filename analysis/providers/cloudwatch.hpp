// SPDX-License-Identifier: Apache-2.0
// Amazon CloudWatch: GetMetricData
// (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html) in its
// JSON form. Keys and region are the controller's own, as the AWS SDKs name them.
#pragma once

#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

// The last `interval` (5m) up to now.
Result<Query> build_cloudwatch_query(const Json& config, const Credentials& credentials,
                                     TimePoint now);
Result<std::optional<Query>> next_cloudwatch_query(const Json& config,
                                                   const Credentials& credentials, TimePoint now,
                                                   const HttpResponse& response, int step);
// The results as the API has them: conditions read result[0].Values.
Result<Reading> parse_cloudwatch_response(const HttpResponse& response);

}  // namespace sluice::analysis
