// SPDX-License-Identifier: Apache-2.0
// Debian's Prometheus is built without kubernetes_sd_configs, so it finds pods through its
// http_sd_configs: the same targets with the same __meta_kubernetes_* labels, so that relabeling
// rules are those of a cluster.
// https://prometheus.io/docs/prometheus/latest/http_sd/
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "platform/http/server.hpp"
#include "platform/kube/client.hpp"

namespace story {

// One target for each container port of each pod that has an address.
std::string targets_text(const std::vector<sluice::Json>& pods);

// Serves them at GET / on a loopback port; the client must outlive it.
sluice::Result<std::unique_ptr<sluice::http::Server>> serve_targets(
    const sluice::kube::Client& client);

}  // namespace story
