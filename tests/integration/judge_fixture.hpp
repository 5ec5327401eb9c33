// SPDX-License-Identifier: Apache-2.0
// A real Prometheus with a past that the test made up, and the judge's plugin asked about it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "analysis/judge/prometheus_source.hpp"
#include "analysis/providers/provider.hpp"
#include "base/text.hpp"
#include "platform/clock.hpp"
#include "platform/http/multi_loop.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/prometheus.hpp"

namespace sluice::judge_test {

// Minute 0 of every past: a whole minute, long ago.
inline constexpr double minute_zero = 1'700'000'040;

inline double minute(double number) {
    return minute_zero + 60 * number;
}
inline TimePoint at_minute(double number) {
    return TimePoint{Duration{static_cast<long>(minute(number) * 1000)}};
}

// A counter scraped twice a minute, `growth(k)` in minute k (1, 2, …), evenly.
struct CounterPast {
    std::string series;
    std::function<double(int)> growth;
    int from = 0, to = 30;                                        // minutes
    double start = 0;                                             // its value in the first
    std::function<bool(int)> resets = [](int) { return false; };  // to 0 as minute k begins
    std::function<bool(int)> scraped = [](int) { return true; };  // in minute k
};

inline void add(test::PrometheusPast& past, const CounterPast& counter, double zero = minute_zero) {
    double value = counter.start;
    past.add(counter.series, zero + 60 * counter.from, value);
    for (int k = counter.from + 1; k <= counter.to; ++k) {
        if (counter.resets(k)) value = 0;
        const double growth = counter.growth(k);
        if (counter.scraped(k)) {
            past.add(counter.series, zero + 60 * k - 30, value + std::floor(growth / 2));
            past.add(counter.series, zero + 60 * k, value + growth);
        }
        value += growth;
    }
}

class JudgeOnPrometheus : public ::testing::Test {
protected:
    void SetUp() override {
        if (test::promtool_path().empty())
            GTEST_SKIP() << "no prometheus with promtool in $SLUICE_TOOLS/usr/bin or /usr/bin";
    }

    // Serves what was added to past_.
    void start() {
        prometheus_ = std::make_unique<test::RealPrometheus>(test::prometheus_path(), past_.text());
        ASSERT_TRUE(prometheus_->past_written());
        ASSERT_TRUE(test::eventually(
            [&] {
                const auto answer = send({.url = prometheus_->url() + "/-/ready"});
                return answer.ok() && answer->status == 200;
            },
            std::chrono::seconds{30}));
    }

    Result<HttpResponse> send(HttpRequest request) {
        std::promise<Result<HttpResponse>> promise;
        loop_.submit({std::move(request), false},
                     [&](Result<HttpResponse> answer) { promise.set_value(std::move(answer)); });
        return promise.get_future().get();
    }

    // The plugin's block with `more` over the defaults of these tests.
    [[nodiscard]] Json block(const Json& more) const {
        Json made = {{"kind", "ratio"},       {"prometheus", {{"address", prometheus_->url()}}},
                     {"armLabel", "version"}, {"baseline", "old"},
                     {"canary", "new"},       {"window", "30m"}};
        made.merge_patch(more);
        return made;
    }
    [[nodiscard]] Json errors(const Json& more = Json::object()) const {
        Json made = {{"total", "requests_total"}, {"bad", "errors_total"}};
        made.merge_patch(more);
        return block(made);
    }

    // One measurement as the controller takes it: one request, whatever the arms are.
    analysis::Reading look(const Json& block, double minute) {
        const crds::Metric metric{.name = "m",
                                  .providers = {{"plugin sluice/judge", to_text(block)}}};
        const auto asked = analysis::build_query(metric, {}, at_minute(minute));
        EXPECT_TRUE(asked.ok()) << asked.error().message;
        if (!asked.ok()) return {};
        const auto answer = send(asked->request);
        EXPECT_TRUE(answer.ok()) << answer.error().message;
        if (!answer.ok()) return {};
        const auto reading = analysis::parse_reading(metric, *answer);
        EXPECT_TRUE(reading.ok()) << reading.error().message;
        return reading.ok() ? *reading : analysis::Reading{};
    }

    http::MultiLoop loop_;
    test::PrometheusPast past_;
    std::unique_ptr<test::RealPrometheus> prometheus_;
};

}  // namespace sluice::judge_test
