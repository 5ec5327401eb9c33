// SPDX-License-Identifier: Apache-2.0
#include "examples/shop/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace shop {

struct Metrics::State {
    prometheus::Registry registry;
    prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                            .Name("http_requests_total")
                                                            .Help("Requests served.")
                                                            .Register(registry);
    prometheus::Histogram& durations =
        prometheus::BuildHistogram()
            .Name("http_request_duration_seconds")
            .Help("From the request's last byte to the answer.")
            .Register(registry)
            .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025,
                                                             0.05, 0.1, 0.25, 0.5, 1, 2.5});
    std::map<std::pair<std::string, int>, prometheus::Counter*, std::less<>> counters;

    prometheus::Counter& counter(std::string_view method, int status) {
        auto& counter = counters[{std::string(method), status}];
        if (!counter)
            counter =
                &requests.Add({{"method", std::string(method)}, {"code", std::to_string(status)}});
        return *counter;
    }
};

// Series that exist from the first scrape have a rate from the second one on: an error that happens
// between the first two scrapes is not lost to rate().
Metrics::Metrics() : state_(std::make_unique<State>()) {
    for (const auto* method : {"GET", "POST"})
        for (const int status : {200, 500}) state_->counter(method, status);
}

Metrics::~Metrics() = default;

void Metrics::count(std::string_view method, int status, std::chrono::nanoseconds took) {
    state_->counter(method, status).Increment();
    state_->durations.Observe(std::chrono::duration<double>(took).count());
}

std::string Metrics::text() const {
    return prometheus::TextSerializer{}.Serialize(state_->registry.Collect());
}

}  // namespace shop
