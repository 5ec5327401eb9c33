// SPDX-License-Identifier: Apache-2.0
// What the shop answers: an order book over two routes, without any network in it.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace shop {

struct Settings {
    std::string version = "v1";
    double error_rate = 0;  // 0..1: the share of business requests that end in 500
    std::string pod;        // named in answers, so that a person sees who served
};

struct Answer {
    int status = 200;
    std::string body;      // JSON
    bool business = true;  // counted in the metrics; health checks and scrapes are not
};

// One thread.
class Service {
public:
    explicit Service(Settings settings) : settings_(std::move(settings)) {}

    // GET / tells what there is; POST /order with {"item": "tea", "quantity": 2} takes an order.
    Answer answer(std::string_view method, std::string_view path, std::string_view body);
    [[nodiscard]] const std::string& version() const { return settings_.version; }

private:
    Answer take_order(std::string_view body);

    Settings settings_;
    std::uint64_t orders_ = 0;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace shop
