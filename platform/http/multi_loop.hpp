// SPDX-License-Identifier: Apache-2.0
// One thread around one curl_multi: many requests at once, connections reused, a bound per server
// so that one that hangs takes nothing from the others, and identical requests that wait or are
// under way sent once.
#pragma once

#include <memory>

#include "platform/http/async_http.hpp"

namespace sluice::http {

struct MultiLoopOptions {
    size_t in_flight_per_server = 16;
    size_t waiting_per_server = 10'000;  // more are refused at once
    size_t largest_body = 16U << 20;
    Duration connect_deadline = std::chrono::seconds{5};
    std::string user_agent = "sluice";
};

class MultiLoop final : public AsyncHttp {
public:
    // Starts its thread.
    explicit MultiLoop(MultiLoopOptions options = {});
    // Answers what is still open with Unavailable, then joins.
    ~MultiLoop() override;
    MultiLoop(const MultiLoop&) = delete;
    MultiLoop& operator=(const MultiLoop&) = delete;

    void submit(AsyncRequest request, OnAnswer on_answer) override;

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace sluice::http
