// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/prometheus_source.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace {

using namespace sluice;
using namespace sluice::judge;

JudgedMetric metric_of(std::string_view text) {
    const auto document = parse_json(text);
    std::vector<Problem> problems;
    const Field root(*document, problems);
    auto metric = decode_judged_metric(root);
    report_unknown(root);
    for (const auto& problem : problems) ADD_FAILURE() << to_text(problem);
    return metric;
}

JudgedMetric errors() {
    return metric_of(R"({"kind": "ratio", "baseline": "old", "canary": "new",
        "total": "requests_total", "bad": "requests_total{code=~\"5..\"}", "window": "5m",
        "weight": "weight", "prometheus": {"address": "http://prometheus:9090"}})");
}

// Counters of a series at 0, 60, … seconds; a negative one was not scraped.
Json series(const char* part, const char* arm, const char* pod, std::vector<double> values) {
    Json samples = Json::array();
    for (size_t k = 0; k < values.size(); ++k)
        if (values[k] >= 0)
            samples.push_back({60.0 * static_cast<double>(k), format_number(values[k])});
    return {{"metric", {{"sluice_part", part}, {"rollouts_pod_template_hash", arm}, {"pod", pod}}},
            {"values", samples}};
}

ArmsSeen read(const Json& result) {
    const auto seen =
        read_matrix(errors(), {{"resultType", "matrix"}, {"result", result}}, {0, 300, 60});
    EXPECT_TRUE(seen.ok());
    return seen.ok() ? *seen : ArmsSeen{};
}

Counts counts_at(const std::vector<ArmBucket>& buckets, double end) {
    for (const auto& bucket : buckets)
        if (bucket.end == end) return std::get<Counts>(bucket.sample);
    return {-1, -1};
}

TEST(Source, AsksForBothArmsInOneQuery) {
    const auto metric = errors();
    EXPECT_EQ(
        expression_of(metric),
        "label_replace(requests_total, \"sluice_part\", \"total\", \"\", \"\") or "
        "label_replace(timestamp(requests_total), \"sluice_part\", \"total-scraped\", \"\", "
        "\"\") or "
        "label_replace(requests_total{code=~\"5..\"}, \"sluice_part\", \"bad\", \"\", \"\") or "
        "label_replace(timestamp(requests_total{code=~\"5..\"}), \"sluice_part\", "
        "\"bad-scraped\", \"\", \"\") or label_replace(weight, \"sluice_part\", \"weight\", "
        "\"\", \"\")");
    const TimePoint now{std::chrono::seconds{1'000'030}};
    EXPECT_EQ(range_of(metric.source, now), (Range{999'120, 1'000'020, 60}));
    EXPECT_TRUE(form_of(metric, range_of(metric.source, now))
                    .ends_with("&start=999120&end=1000020&step=60"));
}

TEST(Source, ArmsMayBeSelectedByAnyLabels) {
    auto metric = metric_of(R"({"kind": "gauge", "baseline": "baseline", "canary": "canary",
        "value": "cpu{app=\"shop\"}", "armLabel": "sluice_arm"})");
    metric.source.baseline_matchers = "version=\"1\"";
    metric.source.canary_matchers = "version=\"2\"";
    const std::string canary = "label_replace(label_replace(cpu{app=\"shop\",version=\"2\"}, "
                               "\"sluice_part\", \"value\", \"\", \"\"), "
                               "\"sluice_arm\", \"canary\", \"\", \"\")";
    EXPECT_NE(expression_of(metric).find(canary), std::string::npos) << expression_of(metric);
    for (const auto& [selector, narrowed] :
         {std::pair("cpu", "cpu{version=\"2\"}"), std::pair("cpu{}", "cpu{version=\"2\"}"),
          std::pair("cpu{a=\"}\",}", "cpu{a=\"}\",version=\"2\"}")}) {
        metric.source.value = selector;
        EXPECT_NE(expression_of(metric).find(concat("timestamp(", narrowed, ")")),
                  std::string::npos)
            << expression_of(metric);
    }
}

TEST(Source, SumsPodsAndSeesThroughResets) {
    const auto seen = read(Json::array({series("total", "old", "a", {100, 160, 220, 20, 80, 140}),
                                        series("total", "old", "b", {0, 60, 120, 180, 240, 300}),
                                        series("bad", "old", "a", {1, 1, 3, 1, 1, 1}),
                                        series("total", "new", "c", {-1, -1, 50, 110, 170, 230})}));
    EXPECT_EQ(counts_at(seen.baseline, 60), (Counts{120, 0}));
    EXPECT_EQ(counts_at(seen.baseline, 120), (Counts{120, 2}));
    EXPECT_EQ(counts_at(seen.baseline, 180), (Counts{80, 1}));  // 20 since pod a began anew
    EXPECT_EQ(seen.canary.front().end, 120);
    EXPECT_EQ(counts_at(seen.canary, 120), (Counts{50, 0}));
    EXPECT_EQ(counts_at(seen.canary, 180), (Counts{60, 0}));
}

TEST(Source, LeavesOutWhatWasNotScraped) {
    const auto seen =
        read(Json::array({series("total", "old", "a", {0, 60, -1, 180, 240, 300}),
                          series("total", "new", "c", {0, 60, 60, 180, 240, 300}),
                          series("total-scraped", "new", "c", {-1, 55, 55, 175, 235, 295})}));
    // A gap, and a value that Prometheus repeats: two buckets each are in the dark.
    for (const auto* arm : {&seen.baseline, &seen.canary}) {
        ASSERT_EQ(arm->size(), 3U);
        EXPECT_EQ((*arm)[0].end, 60);
        EXPECT_EQ((*arm)[1].end, 240);
    }
}

TEST(Source, AChangeOfWeightPartsEpochs) {
    const auto seen = read(Json::array({series("weight", "", "", {5, 5, 20, 20, 20, 50})}));
    EXPECT_EQ(seen.weight_changes, (std::vector<double>{90, 270}));
}

TEST(Source, ReadsHistogramsByBound) {
    const auto metric = metric_of(R"({"kind": "quantile", "quantile": 0.9, "baseline": "old",
        "canary": "new", "histogram": "latency_bucket", "window": "5m"})");
    auto low = series("histogram", "old", "a", {0, 50, 100});
    auto all = series("histogram", "old", "a", {0, 60, 125});
    low["metric"]["le"] = "0.1";
    all["metric"]["le"] = "+Inf";
    const auto seen =
        read_matrix(metric, {{"resultType", "matrix"}, {"result", {all, low}}}, {0, 120, 60});
    ASSERT_TRUE(seen.ok());
    ASSERT_EQ(seen->baseline.size(), 2U);
    EXPECT_EQ(std::get<Histogram>(seen->baseline[1].sample),
              (Histogram{{0.1, 50}, {HUGE_VAL, 65}}));
    EXPECT_FALSE(read_matrix(metric, {{"resultType", "vector"}}, {0, 120, 60}).ok());
}

}  // namespace
