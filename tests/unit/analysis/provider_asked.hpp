// SPDX-License-Identifier: Apache-2.0
// What the tests of metric providers share: a metric of one provider, asked and answered.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/conditions/condition.hpp"
#include "analysis/providers/provider.hpp"
#include "base/text.hpp"

namespace sluice::analysis::provider_test {

inline const TimePoint noon = *parse_rfc3339("2026-11-20T12:00:00Z");

inline crds::Metric metric_of(std::string_view provider, std::string_view config) {
    return {.name = "m", .providers = {{std::string(provider), std::string(config)}}};
}

inline Query asked(std::string_view provider, std::string_view config,
                   const Credentials& credentials = {}) {
    auto query = build_query(metric_of(provider, config), {}, noon, credentials);
    EXPECT_TRUE(query.ok()) << query.error().message;
    return query.ok() ? *query : Query{};
}

// Why it cannot be asked.
inline std::string refused(std::string_view provider, std::string_view config,
                           const Credentials& credentials = {}) {
    const auto query = build_query(metric_of(provider, config), {}, noon, credentials);
    return query.ok() ? "asked" : query.error().message;
}

// What measurement.value shows, or the error's text after "!".
inline std::string read(const crds::Metric& metric, const HttpResponse& response) {
    const auto reading = parse_reading(metric, response);
    return reading.ok() ? reading->text : "!" + reading.error().message;
}

inline std::string read(const crds::Metric& metric, std::string_view body) {
    return read(metric, HttpResponse{200, {}, std::string(body)});
}

inline std::string header_of(const Query& query, std::string_view name) {
    return header(query.request.headers, name).value_or("none");
}

// Whether a condition holds of what the reply says.
inline bool holds(const crds::Metric& metric, std::string_view body, std::string_view condition) {
    const auto reading = parse_reading(metric, {200, {}, std::string(body)});
    EXPECT_TRUE(reading.ok()) << reading.error().message;
    if (!reading.ok()) return false;
    const auto outcome = evaluate(condition, reading->result);
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
    return outcome.ok() && *outcome;
}

}  // namespace sluice::analysis::provider_test
