// SPDX-License-Identifier: Apache-2.0
// The kinds of metrics, each to a verdict without its name and deadline.
#pragma once

#include "analysis/judge/judge.hpp"

namespace sluice::judge {

MetricVerdict judge_ratio(const Settings& settings, const Evidence& evidence, Detail detail);
// Quantiles and gauges.
MetricVerdict judge_level(const Settings& settings, const Evidence& evidence, Detail detail);

}  // namespace sluice::judge
