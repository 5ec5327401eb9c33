// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/deliveries.hpp"

#include <gtest/gtest.h>

#include "tests/unit/shell/delivery_life.hpp"

namespace sluice::shell::testing {
namespace {

using namespace std::chrono_literals;

class CountingTransport final : public HttpTransport {
public:
    explicit CountingTransport(HttpTransport& inner) : inner_(inner) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
        writes += request.method != "GET";
        return inner_.send(request);
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& chunk,
                                std::stop_token stop) override {
        return inner_.stream(request, chunk, std::move(stop));
    }
    int writes = 0;

private:
    HttpTransport& inner_;
};

// Another controller has made the Delivery; the watch that would tell of it is away.
TEST(Deliveries, WhatOthersWroteUnseenIsTriedMoreAndMoreSeldom) {
    Outside outside;
    Shop shop(outside);
    shop.push(1);
    auto& clock = outside.server.clock;
    CountingTransport transport(outside.transport);
    const kube::Client client(transport, "sluice");
    const auto controller = [&](Caches& caches) {
        auto made = std::make_unique<Deliveries>(
            Deliveries::Options{.cluster_id = "c", .writers = {.stepped_by = &clock}}, caches,
            client,
            [](const std::string&) -> Result<std::unique_ptr<git::Repository>> {
                return unavailable("git is away");
            },
            [](const std::string&) {}, clock, outside.server.log);
        for (const auto& watch : caches.watches())
            if (watch.type.kind != resources::deliveries.kind)
                watch.sink.on_list(outside.user.list(watch.type).value().items);
        made->begin();
        return made;
    };
    while (shop.deliveries().empty()) {
        Caches first{""};
        ASSERT_TRUE(controller(first)->step());
    }
    transport.writes = 0;
    Caches caches{""};
    const auto late = controller(caches);
    const TimePoint end = clock.now() + 60s;
    while (clock.now() < end) {
        if (late->step()) continue;
        clock.advance(std::max(Duration{1}, late->next().value_or(end) - clock.now()));
    }
    EXPECT_EQ(shop.deliveries().size(), 1u);
    EXPECT_GT(transport.writes, 1);
    EXPECT_LT(transport.writes, 20);
}

}  // namespace
}  // namespace sluice::shell::testing
