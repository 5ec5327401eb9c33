// SPDX-License-Identifier: Apache-2.0
// The two series that every web service has: http_requests_total{code,method} and
// http_request_duration_seconds.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace shop {

class Metrics {
public:
    Metrics();
    ~Metrics();

    void count(std::string_view method, int status, std::chrono::nanoseconds took);
    // Prometheus text format 0.0.4.
    [[nodiscard]] std::string text() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace shop
