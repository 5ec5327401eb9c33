// SPDX-License-Identifier: Apache-2.0
// A real Prometheus, scraping itself, asked through the real curl_multi loop.
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "analysis/arguments.hpp"
#include "analysis/conditions/condition.hpp"
#include "analysis/providers/provider.hpp"
#include "base/text.hpp"
#include "platform/clock.hpp"
#include "platform/http/multi_loop.hpp"
#include "tests/support/prometheus.hpp"
#include "tests/support/shipped_templates.hpp"

namespace sluice {
namespace {

class PrometheusTest : public testing::Test {
protected:
    void SetUp() override {
        const auto program = test::prometheus_path();
        if (program.empty()) GTEST_SKIP() << "no prometheus in $SLUICE_TOOLS/usr/bin or /usr/bin";
        prometheus_ = std::make_unique<test::RealPrometheus>(program);
    }

    Result<analysis::Reading> measure(const std::string& query, Json more = Json::object()) {
        Json config = {{"address", prometheus_->url()}, {"query", query}, {"timeout", 5}};
        config.update(more);
        const crds::Metric metric{.name = "m", .providers = {{"prometheus", to_text(config)}}};
        const auto asked = TRY(analysis::build_query(metric, {}, clock_.now()));
        std::promise<Result<HttpResponse>> promise;
        loop_.submit({asked.request, asked.insecure},
                     [&](Result<HttpResponse> answer) { promise.set_value(std::move(answer)); });
        const auto response = TRY(promise.get_future().get());
        return analysis::parse_reading(metric, response);
    }

    // Asks until Prometheus serves and has scraped; a deadline, not a sleep, ends the wait.
    Result<analysis::Reading> measure_until(const std::string& query,
                                            const std::string& condition) {
        const auto deadline = clock_.now() + std::chrono::seconds{30};
        while (true) {
            auto reading = measure(query);
            const bool good = reading.ok() && analysis::evaluate(condition, reading->result).ok() &&
                              *analysis::evaluate(condition, reading->result);
            if (good || clock_.now() > deadline) return reading;
        }
    }

    SystemClock clock_;
    http::MultiLoop loop_;
    std::unique_ptr<test::RealPrometheus> prometheus_;
};

TEST_F(PrometheusTest, AnswersWhatConditionsCanJudge) {
    const auto up = measure_until("up{job='self'}", "len(result) == 1 && result[0] == 1");
    ASSERT_TRUE(up.ok()) << up.error().message;
    EXPECT_EQ(up->text, "[1]");
    EXPECT_EQ(*analysis::assess(up->result, "result[0] >= 1", ""), crds::AnalysisPhase::Successful);
    EXPECT_EQ(*analysis::assess(up->result, "", "result[0] >= 1"), crds::AnalysisPhase::Failed);

    EXPECT_EQ(measure("scalar(vector(0.25))")->text, "0.25");
    EXPECT_EQ(measure("vector(0) / 0")->text, "[NaN]");
    EXPECT_EQ(measure("nothing_has_this_name")->text, "[]");
    EXPECT_EQ(measure("sum(").error().message.substr(0, 9), "bad_data:");

    const auto range = measure(
        "up{job='self'}",
        {{"rangeQuery", {{"start", "now() - duration('10s')"}, {"end", "now()"}, {"step", "1s"}}}});
    ASSERT_TRUE(range.ok()) << range.error().message;
    EXPECT_EQ(*analysis::evaluate("len(result) >= 1 && any(result, # == 1)", range->result), true);
}

// A query that is no PromQL would be an error of this server.
TEST_F(PrometheusTest, UnderstandsEveryTemplateThatShips) {
    ASSERT_TRUE(measure_until("up{job='self'}", "len(result) == 1").ok());
    int asked = 0;
    for (const auto& document : test::shipped_template_documents()) {
        const auto shipped = crds::analysis_template_of(document);
        auto args = shipped.args;
        for (auto& arg : args)
            if (!arg.value) arg.value = "given";
        for (const auto& metric_document : shipped.metrics) {
            const auto metric = analysis::resolve_metric(metric_document, args, {});
            ASSERT_TRUE(metric.ok()) << metric.error().message;
            const Json config = *parse_json(metric->providers.at(0).config);
            const auto reading = measure(text_at(config, {"query"}), {{"timeout", 30}});
            ASSERT_TRUE(reading.ok()) << shipped.metadata.name << ": " << reading.error().message;
            const bool volume = metric->name == "request-volume";
            EXPECT_EQ(reading->text, volume ? "[0]" : "[]") << shipped.metadata.name;
            ++asked;
        }
    }
    EXPECT_EQ(asked, 11);
}

std::string replaced(std::string text, std::string_view old, std::string_view fresh) {
    for (auto at = text.find(old); at != std::string::npos; at = text.find(old, at + fresh.size()))
        text.replace(at, old.size(), fresh);
    return text;
}

// Of this Prometheus' own requests, with what they all answer (200) taken for errors: where nothing
// is good, the series of the good ones is not there, and that must not read as "no traffic".
TEST_F(PrometheusTest, AVersionThatOnlyFailsHasASuccessRateOfNothing) {
    for (const auto& document : test::shipped_template_documents()) {
        if (text_at(document, {"metadata", "name"}) != "request-success-rate-pods") continue;
        const auto& metric = document["spec"]["metrics"][0];
        std::string query = text_at(metric, {"provider", "prometheus", "query"});
        query = replaced(query, "http_requests_total", "prometheus_http_requests_total");
        query = replaced(query, "namespace=\"{{args.namespace}}\"", "job=\"self\"");
        query = replaced(query, ",rollouts_pod_template_hash=\"{{args.canary-hash}}\"", "");
        // Short, so that refusals from before it was ready are soon forgotten.
        query = replaced(query, "{{args.interval}}", "5s");
        const auto healthy = measure_until(query, "len(result) == 1 && result[0] == 100");
        ASSERT_TRUE(healthy.ok()) << healthy.error().message;
        EXPECT_EQ(healthy->text, "[100]");
        const auto broken =
            measure_until(replaced(query, "5..", "2.."), "len(result) == 1 && result[0] == 0");
        ASSERT_TRUE(broken.ok()) << broken.error().message;
        EXPECT_EQ(broken->text, "[0]");
        return;
    }
    FAIL() << "the template is not there";
}

}  // namespace
}  // namespace sluice
