// SPDX-License-Identifier: Apache-2.0
// What the process serves over plain HTTP, to Prometheus and to whoever asks whether it is well.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "platform/http/server.hpp"

namespace sluice::server {

struct Endpoints {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<bool()> ready;
    // What is wrong although everything has started, for /readyz; may be empty.
    std::function<Result<void>()> well;
    // For Prometheus' http_sd_configs, as JSON; may be empty. An error is answered 503, upon which
    // Prometheus keeps the targets that it has.
    std::function<Result<std::string>()> targets;
};

// GET /metrics, /healthz (the process answers), /readyz (503 until `ready`, and while not `well`),
// /targets.
Result<std::unique_ptr<http::Server>> serve_endpoints(const std::string& listen,
                                                      Endpoints endpoints);

// POST to any path goes to `handle`; everything else is 404.
Result<std::unique_ptr<http::Server>> serve_webhooks(const std::string& listen,
                                                     http::Handler handle);

}  // namespace sluice::server
