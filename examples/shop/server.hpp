// SPDX-License-Identifier: Apache-2.0
// Serves a Service over HTTP/1.1 with keep-alive, on one thread, and stops as a web service behind
// a load balancer should: it goes on serving while the balancer turns away, then ends when idle.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "examples/shop/service.hpp"

namespace shop {

struct ServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 8080;
    std::chrono::milliseconds latency{0};  // what each business request takes
};

// Runs until SIGTERM or SIGINT, then drains. Throws std::exception where it cannot listen.
void serve(const ServerOptions& options, Service& service);

}  // namespace shop
