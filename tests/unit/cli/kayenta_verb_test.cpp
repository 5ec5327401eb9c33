// SPDX-License-Identifier: Apache-2.0
// `sluice judge` with mode: kayenta: Kayenta's own vectors as a user would play them, from a canary
// config as Kayenta stores it and samples in a file. Vectors lie in SLUICE_CONFORMANCE (default
// ../shared/conformance).
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json.hpp"
#include "base/text.hpp"
#include "controller/cli/cli.hpp"
#include "tests/support/conformance.hpp"

namespace sluice::cli {
namespace kayenta_verb_test {

using Numbers = std::vector<double>;

std::optional<Json> vectors() {
    std::ifstream file(test::conformance_folder() / "kayenta-vectors.json");
    std::ostringstream text;
    if (!file || !(text << file.rdbuf())) return std::nullopt;
    const auto json = parse_json(text.str());
    return json.ok() ? std::optional(*json) : std::nullopt;
}

struct MetricData {
    Json canary = Json::object();  // analysisConfigurations.canary
    Json groups = Json::array({"g"});
    Numbers experiment, control;
};

class KayentaVerb : public testing::Test {
protected:
    KayentaVerb() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "sluice-kayenta-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~KayentaVerb() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string written(const std::string& name, const std::string& text) {
        const auto path = (folder_ / name).string();
        std::ofstream(path) << text;
        return path;
    }

    // The exit code; the last look is in look_, all of them in out_.
    int judge(const std::vector<MetricData>& metrics, Json settings = Json::object(),
              const Json& weights = Json::object()) {
        Json config = *parse_json(R"({"name": "c", "configVersion": "1", "applications": ["shop"],
            "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
            "templates": {}})");
        config["classifier"]["groupWeights"] = weights;
        std::string samples;
        size_t longest = 0;
        for (const auto& metric : metrics)
            longest = std::max({longest, metric.experiment.size(), metric.control.size()});
        for (size_t i = 0; i < metrics.size(); ++i)
            config["metrics"].push_back(
                {{"name", concat("m", i)},
                 {"groups", metrics[i].groups},
                 {"scopeName", "default"},
                 {"query", {{"type", "prometheus"}, {"metricName", "m"}}},
                 {"analysisConfigurations", {{"canary", metrics[i].canary}}}});
        for (size_t k = 0; k < longest; ++k)
            for (size_t i = 0; i < metrics.size(); ++i)
                for (const auto& [arm, values] : {std::pair("canary", &metrics[i].experiment),
                                                  std::pair("baseline", &metrics[i].control)})
                    if (k < values->size())
                        samples += to_text(Json{{"t", 60 * (k + 1)},
                                                {"arm", arm},
                                                {"metric", concat("m", i)},
                                                {"value", (*values)[k]}}) +
                                   "\n";
        written("canary-config.json", to_text(config));
        settings["mode"] = "kayenta";
        settings["canaryConfig"] = "canary-config.json";
        return type_in(to_text(settings), samples);
    }
    int type_in(const std::string& config, const std::string& samples) {
        std::vector<std::string> words{"sluice",   "judge",
                                       "--config", written("JUDGE.yaml", config),
                                       "--input",  written("samples.jsonl", samples)};
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = run(static_cast<int>(arguments.size()), arguments.data());
        out_ = testing::internal::GetCapturedStdout();
        err_ = testing::internal::GetCapturedStderr();
        for (const auto& line : split(out_, '\n'))
            if (!line.empty()) look_ = *parse_json(line);
        return code;
    }

    std::filesystem::path folder_;
    std::string out_, err_;
    Json look_;
};

// "(0.8, 1.2)" after `key` in the classifier's constructor.
void read_thresholds(const std::string& text, const std::string& key, const char* what,
                     Json& effect) {
    const auto at = text.find(key);
    if (at == std::string::npos) return;
    const auto open = text.find('(', at), comma = text.find(',', open),
               close = text.find(')', comma);
    effect[concat(what, "Decrease")] = *parse_number(trim(text.substr(open + 1, comma - open - 1)));
    effect[concat(what, "Increase")] =
        *parse_number(trim(text.substr(comma + 1, close - comma - 1)));
}

double number_after(const std::string& text, const std::string& key) {
    return std::strtod(text.c_str() + text.find(key) + key.size(), nullptr);
}

TEST_F(KayentaVerb, GivesTheLabelsOfTheClassifierVectors) {
    const auto all = vectors();
    if (!all) GTEST_SKIP() << "kayenta-vectors.json is not there: set SLUICE_CONFORMANCE";
    int played = 0;
    for (const auto& item : (*all)["cl"]) {
        if (!item.contains("ctor")) continue;  // another classifier's
        const auto text = item["ctor"].get<std::string>();
        const auto call = item["classify"].get<std::string>();
        const auto has = [&](const char* word) { return call.find(word) != std::string::npos; };
        MetricData metric;
        if (has("Direction.Increase")) metric.canary["direction"] = "increase";
        if (has("Direction.Decrease")) metric.canary["direction"] = "decrease";
        if (has("NaNStrategy.Replace")) metric.canary["nanStrategy"] = "replace";
        metric.canary["critical"] = has("isCriticalMetric = true");
        Json effect = Json::object();
        if (text.find("cles") != std::string::npos) effect["measure"] = "cles";
        read_thresholds(text, "effectSizeThresholds", "allowed", effect);
        read_thresholds(text, "criticalThresholds", "critical", effect);
        metric.canary["effectSize"] = effect;
        metric.experiment = item["arr"]["experimentData"].get<Numbers>();
        metric.control = item["arr"]["controlData"].get<Numbers>();
        judge({metric}, {{"tolerance", number_after(text, "tolerance = ")},
                         {"confidence", number_after(text, "confLevel = ")}});
        const auto name = item["name"].get<std::string>();
        ASSERT_EQ(err_, "") << name;
        const Json& found = look_["metrics"][0];
        ++played;
        for (const auto& claim : item["asserts"]) {
            const auto says = claim.get<std::string>();
            const std::string label = "result.classification == ";
            if (says.starts_with(label))
                EXPECT_EQ(found["classification"], says.substr(label.size())) << name;
            else if (says == "result.critical" || says == "!result.critical")
                EXPECT_EQ(found["critical"], says.front() != '!') << name;
            else if (says == "result.deviation.isNaN")
                EXPECT_TRUE(found["estimate"].is_null()) << name;
            else if (says == "result.deviation == 1.0")
                EXPECT_EQ(found["estimate"], 1.0) << name;
            else
                ADD_FAILURE() << name << " claims " << says;
        }
    }
    EXPECT_EQ(played, 34);
}

TEST_F(KayentaVerb, GivesTheIntervalsOfTheMannWhitneyVectors) {
    const auto all = vectors();
    if (!all) GTEST_SKIP() << "kayenta-vectors.json is not there: set SLUICE_CONFORMANCE";
    struct Expected {
        const char* name;
        double confidence, low, high;
    };
    for (const auto& [name, confidence, low, high] :
         {Expected{"Problem Case", 0.98, -1.4808028936386108e-5, 1.808255910873413e-5},
          Expected{"Tie out with R Version", 0.95, -0.500002521696696, -3.486287505871302e-5},
          Expected{"Tie out with R Version (Large)", 0.98, -0.4999173250549087,
                   -6.912685789769486e-6}})
        for (const auto& item : (*all)["mw"]) {
            if (item["name"] != concat("Mann-Whitney Confidence Interval & Estimate: ", name))
                continue;
            judge({{.experiment = item["arr"]["experiment"].get<Numbers>(),
                    .control = item["arr"]["control"].get<Numbers>()}},
                  {{"confidence", confidence}});
            EXPECT_NEAR(look_["metrics"][0]["low"].get<double>(), low, 1e-6) << name;
            EXPECT_NEAR(look_["metrics"][0]["high"].get<double>(), high, 1e-6) << name;
        }
    judge({{.experiment = {10, 20, 30, 40}, .control = {1, 2, 3, 4}}}, {{"confidence", 0.95}});
    EXPECT_NEAR(look_["metrics"][0]["low"].get<double>(), 6, 1e-6);
    EXPECT_NEAR(look_["metrics"][0]["high"].get<double>(), 39, 1e-6);
}

// What the score vectors take for given, as data.
MetricData passes(Json groups = Json::array({"g"})) {
    return {.groups = std::move(groups), .experiment = {1, 2, 3}, .control = {1, 2, 3}};
}
MetricData high(Json groups = Json::array({"g"})) {
    return {.groups = std::move(groups),
            .experiment = {10, 10, 10, 10, 10},
            .control = {1, 1, 1, 1, 1}};
}
MetricData low(Json groups = Json::array({"g"})) {
    auto metric = high(std::move(groups));
    std::swap(metric.experiment, metric.control);
    return metric;
}
MetricData nodata(Json groups = Json::array({"g"})) {
    return {.groups = std::move(groups)};
}
MetricData critical(MetricData metric) {
    metric.canary["critical"] = true;
    return metric;
}

TEST_F(KayentaVerb, GivesTheScoresOfTheScorerVectors) {
    const Json a{"a"}, b{"b"};
    const auto scored = [&](const std::vector<MetricData>& metrics,
                            const Json& weights = Json::object()) {
        const int code = judge(metrics, Json::object(), weights);
        EXPECT_EQ(err_, "");
        const double score = look_["score"].get<double>();
        EXPECT_EQ(code, score >= 95 ? 0 : score >= 75 ? 2 : 1) << out_;
        return score;
    };
    EXPECT_EQ(scored({passes()}), 100);
    EXPECT_EQ(scored({high()}), 0);
    EXPECT_EQ(scored({nodata()}), 0);
    EXPECT_EQ(scored({passes(a), nodata(b)}), 0);
    EXPECT_EQ(scored({passes(), high()}), 50);
    EXPECT_EQ(scored({passes(), high(), low()}), 33.33);
    EXPECT_EQ(scored({passes(a), high(b)}, {{"a", 75}, {"b", 25}}), 75);
    EXPECT_EQ(scored({passes(a), high(a), high(b)}, {{"a", 50}, {"b", 50}}), 25);
    EXPECT_EQ(scored({high(a), low(a), nodata(b)}, {{"a", 50}, {"b", 50}}), 50);
    EXPECT_EQ(scored({passes(a), critical(high(b))}), 0);
    EXPECT_EQ(scored({critical(passes()), low()}), 50);
    EXPECT_EQ(scored({passes(), passes(), critical(nodata())}), 0);
    EXPECT_EQ(scored({passes(a), high(a), low(a), high(b)}, {{"a", 15}, {"b", 85}}), 5.0);
}

TEST_F(KayentaVerb, LooksAtIntervalsAndTheFirstFailOrTheLastWordDecides) {
    MetricData metric;
    for (int k = 0; k < 60; ++k) {
        metric.control.push_back(100 + k * 7 % 5);
        metric.experiment.push_back((k < 20 ? 100 : 200) + k * 3 % 5);
    }
    EXPECT_EQ(judge({metric}), 1);
    EXPECT_EQ(split(out_, '\n').size(), 2U);  // one look, at the end
    EXPECT_EQ(judge({metric}, {{"interval", "20m"}}), 1) << out_;
    const auto lines = split(out_, '\n');
    ASSERT_EQ(lines.size(), 4U) << out_;
    EXPECT_EQ((*parse_json(lines[0]))["verdict"], "pass");
    EXPECT_EQ((*parse_json(lines[0]))["t"], 1200);
    EXPECT_EQ((*parse_json(lines[2]))["verdict"], "fail");
}

TEST_F(KayentaVerb, WhatItCannotReadIs64WithItsPlace) {
    const auto path = (folder_ / "JUDGE.yaml").string();
    EXPECT_EQ(type_in("mode: kayenta\nmarginal: 101\nmetrics: []\n", ""), 64);
    EXPECT_EQ(err_, concat("sluice: ", path,
                           ":2:1: marginal: expected a number between 0 and 100, found 101\n"
                           "sluice: ",
                           path,
                           ":1:1: canaryConfig: required: a Kayenta canary config, or the name of "
                           "its file\nsluice: ",
                           path, ":3:1: metrics: unknown field\n"));
    EXPECT_EQ(type_in("mode: kayenta\ncanaryConfig: nowhere.json\n", ""), 64);
    EXPECT_EQ(err_,
              concat("sluice: read ", (folder_ / "nowhere.json").string(), ": cannot be opened\n"));
    written("broken.json", "{\"metrics\": [{\"groups\": []}]}");
    EXPECT_EQ(type_in("mode: kayenta\ncanaryConfig: broken.json\n", ""), 64);
    EXPECT_NE(err_.find("metrics[0].name: is required"), std::string::npos) << err_;
    EXPECT_EQ(type_in("mode: keyenta\nmetrics: [{name: a, kind: gauge}]\n", ""), 64);
    EXPECT_EQ(err_, concat("sluice: ", path,
                           ":1:1: mode: expected judge or kayenta, found \"keyenta\"\n"));
    EXPECT_EQ(type_in("mode: kayenta\ncanaryConfig: {metrics: [{name: m, groups: [g]}]}\n",
                      "{\"t\": 1, \"arm\": \"both\", \"metric\": \"m\", \"value\": 1}\n"
                      "{\"t\": 1, \"arm\": \"canary\", \"metric\": \"m\", \"value\": \"x\"}\n"),
              64);
    EXPECT_NE(err_.find("samples.jsonl:1: \"arm\" is neither"), std::string::npos) << err_;
    EXPECT_NE(err_.find("samples.jsonl:2: \"value\" is neither a number nor null"),
              std::string::npos)
        << err_;
}

}  // namespace kayenta_verb_test
}  // namespace sluice::cli
