// SPDX-License-Identifier: Apache-2.0
// The kinds whose manifests are read in full before they are applied.
#pragma once

#include <vector>

#include "controller/policy/source/manifest.hpp"

namespace sluice::shell {

// Rollout, AnalysisTemplate, ClusterAnalysisTemplate.
std::vector<policy::source::ManifestDecoder> manifest_decoders();

}  // namespace sluice::shell
