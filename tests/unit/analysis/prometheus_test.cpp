// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/prometheus.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/text.hpp"

namespace sluice::analysis {
namespace {

const TimePoint noon{std::chrono::milliseconds{1'700'000'000'750}};

crds::PrometheusMetric metric_of(std::string address = "http://prom:9090/") {
    return {.address = std::move(address), .query = "sum(rate(a[1m])) / 2"};
}

TEST(PrometheusQuery, AsksForTheValueNow) {
    auto metric = metric_of();
    metric.headers = {{"X-Scope-OrgID", "team"}};
    metric.timeout = 5;
    const auto query = build_prometheus_query(metric, {}, noon);
    ASSERT_TRUE(query.ok()) << query.error().message;
    EXPECT_EQ(query->request.method, "POST");
    EXPECT_EQ(query->request.url, "http://prom:9090/api/v1/query");
    EXPECT_EQ(query->request.body, "query=sum%28rate%28a%5B1m%5D%29%29%20%2F%202&time=1700000000");
    EXPECT_EQ(query->request.deadline, std::chrono::seconds{5});
    EXPECT_EQ(header(query->request.headers, "x-scope-orgid"), "team");
    EXPECT_FALSE(query->insecure);
}

TEST(PrometheusQuery, AsksForARange) {
    auto metric = metric_of();
    metric.range = crds::PrometheusRange{"now() - duration('1h')", "now()", "1m"};
    const auto query = build_prometheus_query(metric, {}, noon);
    ASSERT_TRUE(query.ok()) << query.error().message;
    EXPECT_EQ(query->request.url, "http://prom:9090/api/v1/query_range");
    EXPECT_TRUE(query->request.body.ends_with("&start=1699996400.75&end=1700000000.75&step=60"));
    metric.range->start = "5";
    EXPECT_EQ(build_prometheus_query(metric, {}, noon).error().message,
              "failed to parse rangeQuery.start as time: expected time.Time, but got int");
}

TEST(PrometheusQuery, TakesItsAddressFromTheControllerWhereTheMetricNamesNone) {
    const ProviderSettings settings{.prometheus_address = "https://prom/base"};
    EXPECT_EQ(build_prometheus_query(metric_of(""), settings, noon)->request.url,
              "https://prom/base/api/v1/query");
    EXPECT_EQ(build_prometheus_query(metric_of(""), {}, noon).error().message,
              "prometheus address is not configured");
    EXPECT_EQ(build_prometheus_query(metric_of("prom:9090"), {}, noon).error().message,
              "prometheus address is not is url format");
}

TEST(PrometheusQuery, RefusesWhatItCannotDo) {
    auto metric = metric_of();
    metric.timeout = -1;
    EXPECT_EQ(build_prometheus_query(metric, {}, noon).error().message,
              "prometheus timeout should not be negative");
    metric = metric_of();
    metric.basic_username = "me";
    EXPECT_EQ(build_prometheus_query(metric, {}, noon).error().message,
              "missing mandatory parameter in metric for basic auth setup: password");
    metric.basic_password = "secret";
    EXPECT_EQ(header(build_prometheus_query(metric, {}, noon)->request.headers, "Authorization"),
              "Basic bWU6c2VjcmV0");
    metric.oauth2 = true;
    EXPECT_EQ(build_prometheus_query(metric, {}, noon).error().message,
              "prometheus authentication oauth2 is not served yet");
    metric = metric_of();
    metric.headers = {{"X-Evil", "a\r\nHost: b"}};
    EXPECT_FALSE(build_prometheus_query(metric, {}, noon).ok());
}

struct Row {
    int status;
    const char* body;
    const char* expected;  // the value's text, or the error's after "!"
};

TEST(PrometheusAnswer, YieldsWhatUpstreamStores) {
    const Row rows[] = {
        {200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"0.98"]}})", "0.98"},
        {200, R"({"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}})", "NaN"},
        {200,
         R"({"status":"success","data":{"resultType":"vector","result":[
            {"metric":{},"value":[1,"0.98"]}, {"metric":{},"value":[1,"1e-7"]}]}})",
         "[0.98,0.0000001]"},
        {200, R"({"status":"success","data":{"resultType":"vector","result":[]}})", "[]"},
        {200,
         R"({"status":"success","data":{"resultType":"matrix","result":[
            {"values":[[1,"1"],[2,"2"]]}, {"values":[[1,"+Inf"]]}]}})",
         "[1,2,+Inf]"},
        {200, R"({"status":"success","data":{"resultType":"string","result":[1,"x"]}})",
         "!Prometheus metric type not supported"},
        {400, R"({"status":"error","errorType":"bad_data","error":"parse error"})",
         "!bad_data: parse error"},
        {422, R"({"status":"error","errorType":"execution","error":"too many"})",
         "!execution: too many"},
        {503, R"({"status":"error","errorType":"timeout","error":"query timed out"})",
         "!timeout: query timed out"},
        {404, "not here", "!client_error: client error: 404"},
        {401, R"({"status":"error","errorType":"x","error":"y"})",
         "!client_error: client error: 401"},
        {502, "<html>", "!server_error: server error: 502"},
        {200, "<html>", "!bad_response: not JSON at byte 1"},
        {200, R"({"status":"success","data":{"resultType":"vector","result":[{"va)",
         "!bad_response: not JSON at byte 65"},
        {200, R"({"status":"success"})", "!bad_response: no data in the answer"},
        {200, R"({"status":"success","data":{"resultType":"vector","result":[{"value":[1,2]}]}})",
         "!bad_response: a sample is not [time, \"value\"]"},
        {302, "", "!bad_response: bad response code 302"}};
    for (const auto& row : rows) {
        const auto reading = parse_prometheus_response({row.status, {}, row.body});
        EXPECT_EQ(reading.ok() ? reading->text : "!" + reading.error().message, row.expected)
            << row.body;
    }
}

TEST(PrometheusAnswer, KeepsWarnings) {
    const auto reading = parse_prometheus_response({200,
                                                    {},
                                                    R"({"status":"success","warnings":["a","b"],
             "data":{"resultType":"scalar","result":[1,"1"]}})"});
    ASSERT_TRUE(reading.ok());
    EXPECT_EQ(reading->metadata.at("warnings"), "\"a\", \"b\"");
}

}  // namespace
}  // namespace sluice::analysis
