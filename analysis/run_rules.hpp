// SPDX-License-Identifier: Apache-2.0
// Which metrics a run accepts at all.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "crds/analysis.hpp"

namespace sluice::analysis {

// Invalid with upstream's text for the first rule broken: "metrics[0]: no provider specified".
Result<void> validate_metrics(const std::vector<crds::Metric>& metrics);

}  // namespace sluice::analysis
