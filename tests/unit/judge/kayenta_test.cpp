// SPDX-License-Identifier: Apache-2.0
// Kayenta's own vectors: Mann–Whitney and classifier from SLUICE_CONFORMANCE (default
// ../shared/conformance, as facts about the repository's neighbours lie there), scores in place.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/judge/special.hpp"
#include "analysis/kayenta/judge.hpp"
#include "analysis/kayenta/mann_whitney.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "tests/support/conformance.hpp"

namespace {

using namespace sluice;
using namespace sluice::kayenta;

constexpr double exact = 1e-6;

std::optional<Json> vectors() {
    std::ifstream file(test::conformance_folder() / "kayenta-vectors.json");
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) return std::nullopt;
    const auto json = parse_json(text.str());
    return json.ok() ? std::optional(*json) : std::nullopt;
}

#define NEEDS_VECTORS(name)      \
    const auto name = vectors(); \
    if (!name) GTEST_SKIP() << "kayenta-vectors.json is not there: set SLUICE_CONFORMANCE"

const Json& vector_named(const Json& list, const std::string& name) {
    for (const auto& item : list)
        if (item["name"] == name) return item;
    ADD_FAILURE() << "no vector " << name;
    return list.front();
}

using Numbers = std::vector<double>;

TEST(Kayenta, MannWhitneyVectors) {
    NEEDS_VECTORS(all);
    const auto& mw = (*all)["mw"];
    const auto arm = [&](const std::string& name, const char* key) {
        return vector_named(mw, name)["arr"][key].get<Numbers>();
    };
    const auto x = arm("Wilcoxon Diff Function", "x"), y = arm("Wilcoxon Diff Function", "y");
    EXPECT_NEAR(wilcoxon_difference(0, 0, x, y), -1.229416, exact);
    EXPECT_NEAR(wilcoxon_difference(5, 0, x, y), -35.80606, exact * 10);
    EXPECT_NEAR(-judge::normal_upper(0.01), -2.326348, exact);
    const auto tiny = mann_whitney(Numbers{10, 20, 30, 40}, Numbers{1, 2, 3, 4}, 0.95);
    EXPECT_NEAR(tiny.low, 6, exact);
    EXPECT_NEAR(tiny.high, 39, exact);
    EXPECT_NEAR(tiny.estimate, 22.5, exact);
    const std::string prefix = "Mann-Whitney Confidence Interval & Estimate: ";
    const auto tested = [&](const std::string& name, double confidence) {
        return mann_whitney(arm(prefix + name, "experiment"), arm(prefix + name, "control"),
                            confidence);
    };
    const auto problem = tested("Problem Case", 0.98);
    EXPECT_NEAR(problem.low, -1.4808028936386108e-5, exact);
    EXPECT_NEAR(problem.high, 1.808255910873413e-5, exact);
    EXPECT_NEAR(problem.estimate, 1.808255910873413e-5, exact);
    const auto tie = tested("Tie out with R Version", 0.95);
    EXPECT_NEAR(tie.low, -0.500002521696696, exact);
    EXPECT_NEAR(tie.high, -3.486287505871302e-5, exact);
    EXPECT_NEAR(tie.estimate, -0.49994, 1e-4);
    const auto large = tested("Tie out with R Version (Large)", 0.98);
    EXPECT_NEAR(large.low, -0.4999173250549087, exact);
    EXPECT_NEAR(large.high, -6.912685789769486e-6, exact);
    EXPECT_NEAR(large.estimate, -3.45e-5, 1e-4);
}

TEST(Kayenta, MannWhitneyIntermediateValues) {
    NEEDS_VECTORS(all);
    const auto& item = vector_named((*all)["mw"], "Mann-Whitney Intermediate Values / Variables");
    const auto x = item["arr"]["x"].get<Numbers>(), y = item["arr"]["y"].get<Numbers>();
    const auto bracket = bracket_of(x, y);
    EXPECT_NEAR(bracket.low, -3.125, exact);
    EXPECT_NEAR(bracket.high, 5.5556, 1e-4);
    const double z = judge::normal_upper(0.025);
    EXPECT_NEAR(z, 1.95996, 1e-5);
    EXPECT_NEAR(wilcoxon_difference(bracket.low, z, x, y), 17.090968923762254, exact);
    EXPECT_NEAR(wilcoxon_difference(bracket.high, z, x, y), -20.997687930433106, exact);
    EXPECT_NEAR(wilcoxon_difference(bracket.low, -z, x, y), 21.01089689284236, exact);
    EXPECT_NEAR(wilcoxon_difference(bracket.high, -z, x, y), -17.077759961353, exact);
    const auto found = mann_whitney(x, y, 0.95);
    EXPECT_NEAR(found.low, 3.5218e-5, 1e-8);
    EXPECT_NEAR(found.high, 2.0246e-5, 1e-8);
    EXPECT_NEAR(found.estimate, 2.6279e-5, 1e-8);
}

// "(0.8, 1.2)" after `key` in the classifier's constructor.
std::optional<Thresholds> thresholds_in(const std::string& text, const std::string& key) {
    const auto at = text.find(key);
    if (at == std::string::npos) return std::nullopt;
    const auto open = text.find('(', at), comma = text.find(',', open),
               close = text.find(')', comma);
    return Thresholds{*parse_number(trim(text.substr(open + 1, comma - open - 1))),
                      *parse_number(trim(text.substr(comma + 1, close - comma - 1)))};
}

double number_after(const std::string& text, const std::string& key) {
    return std::strtod(text.c_str() + text.find(key) + key.size(), nullptr);
}

TEST(Kayenta, MannWhitneyClassifierVectors) {
    NEEDS_VECTORS(all);
    int played = 0;
    for (const auto& item : (*all)["cl"]) {
        if (!item.contains("ctor")) continue;  // another classifier's
        const auto text = item["ctor"].get<std::string>();
        const auto call = item["classify"].get<std::string>();
        const auto has = [&](const char* word) { return call.find(word) != std::string::npos; };
        Metric metric{.name = "m"};
        if (has("Direction.Increase")) metric.direction = Direction::Increase;
        if (has("Direction.Decrease")) metric.direction = Direction::Decrease;
        if (has("NaNStrategy.Replace")) metric.nan_strategy = NanStrategy::Replace;
        metric.critical = has("isCriticalMetric = true");
        if (text.find("cles") != std::string::npos) {
            metric.measure = Measure::Cles;
            metric.allowed = metric.critical_effect = {0.5, 0.5};
        }
        if (const auto found = thresholds_in(text, "effectSizeThresholds")) metric.allowed = *found;
        if (const auto found = thresholds_in(text, "criticalThresholds"))
            metric.critical_effect = *found;
        const Precision precision{number_after(text, "tolerance = "),
                                  number_after(text, "confLevel = ")};
        const auto result = classify(metric,
                                     {item["arr"]["experimentData"].get<Numbers>(),
                                      item["arr"]["controlData"].get<Numbers>()},
                                     precision);
        const auto name = item["name"].get<std::string>();
        ++played;
        for (const auto& claim : item["asserts"]) {
            const auto says = claim.get<std::string>();
            const std::string label = "result.classification == ";
            if (says.starts_with(label))
                EXPECT_EQ(to_text(result.label), says.substr(label.size())) << name;
            else if (says == "result.critical" || says == "!result.critical")
                EXPECT_EQ(result.critical, says.front() != '!') << name;
            else if (says == "result.deviation.isNaN")
                EXPECT_TRUE(std::isnan(result.effect)) << name;
            else if (says == "result.deviation == 1.0")
                EXPECT_EQ(result.effect, 1) << name;
            else
                ADD_FAILURE() << name << " claims " << says;
        }
    }
    EXPECT_EQ(played, 34);
}

// One metric of the score vectors: its groups and what it was.
struct Given {
    std::vector<std::string> groups;
    Label label;
    bool critical = false;
};

double scored(const std::vector<Given>& given, std::map<std::string, double> weights = {}) {
    Config config{.group_weights = std::move(weights)};
    std::vector<Classified> classified;
    for (const auto& one : given) {
        config.metrics.push_back({.name = "m", .groups = one.groups, .critical = one.critical});
        classified.push_back({.name = "m", .label = one.label, .critical = one.critical});
    }
    return score(config, classified).score;
}

TEST(Kayenta, ScorerVectors) {
    using enum Label;
    EXPECT_EQ(scored({{{"g"}, Pass}}), 100);
    EXPECT_EQ(scored({{{"g"}, High}}), 0);
    EXPECT_EQ(scored({{{"g"}, Nodata}}), 0);
    // One group passes, the other has no data: half of all metrics are without.
    EXPECT_EQ(scored({{{"a"}, Pass}, {{"b"}, Nodata}}), 0);
    EXPECT_EQ(scored({{{"g"}, Pass}, {{"g"}, High}}), 50);
    EXPECT_EQ(scored({{{"g"}, Pass}, {{"g"}, High}, {{"g"}, Low}}), 33.33);
    EXPECT_EQ(scored({{{"a"}, Pass}, {{"b"}, High}}, {{"a", 75}, {"b", 25}}), 75);
    EXPECT_EQ(scored({{{"a"}, Pass}, {{"a"}, High}, {{"b"}, High}}, {{"a", 50}, {"b", 50}}), 25);
    EXPECT_EQ(scored({{{"a"}, High}, {{"a"}, Low}, {{"b"}, Nodata}}, {{"a", 50}, {"b", 50}}), 50);
    EXPECT_EQ(scored({{{"a"}, Pass}, {{"b"}, High, true}}), 0);
    EXPECT_EQ(scored({{{"g"}, Pass, true}, {{"g"}, Low}}), 50);
    EXPECT_EQ(scored({{{"g"}, Pass}, {{"g"}, Pass}, {{"g"}, Nodata, true}}), 0);
    EXPECT_EQ(
        scored({{{"a"}, Pass}, {{"a"}, High}, {{"a"}, Low}, {{"b"}, High}}, {{"a", 15}, {"b", 85}}),
        5.0);
}

TEST(Kayenta, ReadsACanaryConfigAsItIs) {
    const auto document = parse_json(R"({
      "name": "shop", "configVersion": "1", "applications": ["shop"],
      "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
      "metrics": [{"name": "errors", "scopeName": "default", "groups": ["Errors"],
        "query": {"type": "prometheus", "metricName": "errors", "labelBindings": []},
        "analysisConfigurations": {"canary": {"direction": "increase", "nanStrategy": "replace",
          "critical": true, "outliers": {"strategy": "remove", "outlierFactor": 2.5},
          "effectSize": {"allowedIncrease": 1.1, "criticalIncrease": 1.5}}}},
        {"name": "cpu", "groups": ["Saturation"], "analysisConfigurations": {"canary":
          {"direction": "sideways", "effectSize": {"measure": "cles"}}}}],
      "templates": {}, "classifier": {"groupWeights": {"Errors": 70, "Saturation": 30}}})");
    ASSERT_TRUE(document.ok());
    std::vector<Problem> problems;
    const auto config = decode_config(Field(*document, problems));
    EXPECT_TRUE(problems.empty());
    ASSERT_EQ(config.metrics.size(), 2U);
    const Metric errors{.name = "errors",
                        .groups = {"Errors"},
                        .direction = Direction::Increase,
                        .nan_strategy = NanStrategy::Replace,
                        .remove_outliers = true,
                        .outlier_factor = 2.5,
                        .critical = true,
                        .allowed = {1, 1.1},
                        .critical_effect = {1, 1.5}};
    EXPECT_EQ(config.metrics[0], errors);
    EXPECT_EQ(config.metrics[1].direction, Direction::Either);
    EXPECT_EQ(config.metrics[1].allowed, (Thresholds{0.5, 0.5}));
    EXPECT_EQ(config.group_weights.at("Saturation"), 30);
}

}  // namespace
