// SPDX-License-Identifier: Apache-2.0
// docs/analysis.md: every metric shown there decodes without a problem and is asked; every
// condition shown is one.
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "base/yaml.hpp"
#include "tests/unit/analysis/provider_asked.hpp"

namespace sluice::analysis::provider_test {
namespace {

std::string page() {
    std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/analysis.md");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// What stands between ```yaml and ```.
std::vector<Json> examples() {
    std::vector<Json> documents;
    const std::string text = page();
    const std::string_view open = "```yaml\n";
    for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
        at += open.size();
        const auto parsed = parse_yaml(std::string_view(text).substr(at, text.find("```", at) - at),
                                       "docs/analysis.md");
        EXPECT_TRUE(parsed.ok()) << parsed.error().message;
        if (parsed.ok()) documents.push_back(*parse_json(parsed->at(0).text));
    }
    return documents;
}

// Of every provider, what its Secret or environment would hold.
const Credentials all_credentials{{"api-key", "a"},
                                  {"app-key", "b"},
                                  {"personal-api-key", "k"},
                                  {"account-id", "1"},
                                  {"access-key-id", "AK"},
                                  {"secret-access-key", "s"},
                                  {"region", "r"},
                                  {"example.wavefront.com", "t"},
                                  {"authToken", "t"},
                                  {"dynatrace_token", "t"},
                                  {"org", "o"},
                                  {"address", "http://i"},
                                  {"sf_token_key", "t"}};

TEST(AnalysisPage, ShowsMetricsThatAreAsked) {
    std::set<std::string> providers;
    for (const auto& document : examples()) {
        if (!document.contains("provider")) continue;
        std::vector<Problem> problems;
        const auto metric = crds::decode_metric(Field(document, problems, ""));
        for (const auto& problem : problems) ADD_FAILURE() << sluice::to_text(problem);
        const auto query = build_query(metric, {}, noon, all_credentials);
        EXPECT_TRUE(query.ok()) << metric.name << ": " << query.error().message;
        for (const auto* condition : {&metric.success_condition, &metric.failure_condition}) {
            if (condition->empty()) continue;
            const auto outcome = evaluate_expression(*condition, {Value{}, noon});
            // What it is about is not there; but it is a condition.
            EXPECT_TRUE(outcome.ok() ||
                        outcome.error().message.find("unexpected") == std::string::npos)
                << *condition << ": " << outcome.error().message;
        }
        providers.insert(metric.providers.at(0).name);
    }
    EXPECT_EQ(providers,
              (std::set<std::string>{
                  "cloudWatch", "datadog", "graphite", "influxdb", "kayenta", "newRelic",
                  "plugin sluice/dynatrace", "plugin sluice/google-cloud-monitoring",
                  "plugin sluice/splunk", "prometheus", "skywalking", "wavefront", "web"}));
}

TEST(AnalysisPage, ShowsConditionsThatHold) {
    const Value checks =
        value_of(Json::parse(R"({"ok": true, "checks": [{"state": "up"}, {"state": "idle"}]})"));
    const std::string text = page();
    const std::vector<std::pair<const char*, Value>> conditions{
        {"len(result) > 0 && result[0] >= 0.95", floats({0.97})},
        {"all(filter(result, !isNaN(#)), # < 0.5)", floats({0.1, std::nan("")})},
        {R"(result.ok && all(result.checks, .state in ["up", "idle"]))", checks},
        {"default(result, 0) < 0.05", Value{}}};
    for (const auto& [condition, result] : conditions) {
        EXPECT_NE(text.find(condition), std::string::npos) << condition;
        const auto outcome = evaluate(condition, result);
        EXPECT_TRUE(outcome.ok() && *outcome) << condition;
    }
}

}  // namespace
}  // namespace sluice::analysis::provider_test
