// SPDX-License-Identifier: Apache-2.0
// Debian's Prometheus is built without kubernetes_sd_configs; its http_sd_configs find pods here
// instead: the same targets with the same __meta_kubernetes_* labels, so that relabeling rules are
// those of a cluster.
// https://prometheus.io/docs/prometheus/latest/http_sd/
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace sluice::standalone {

// One target for each container port of each pod that has an address.
std::string prometheus_targets(const std::vector<Json>& pods);

}  // namespace sluice::standalone
