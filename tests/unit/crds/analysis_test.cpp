// SPDX-License-Identifier: Apache-2.0
#include "crds/analysis.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json.hpp"
#include "base/yaml.hpp"
#include "tests/support/conformance.hpp"

namespace sluice::crds {
namespace {

TEST(AnalysisTemplateDecode, CollectsEveryProblemWithItsPath) {
    const Json document = *parse_json(R"({"kind": "AnalysisTemplate", "metadata": {"name": "x"},
        "spec": {"metrics": [{"name": "a", "interval": "5 minutes", "count": true,
        "sucessCondition": "x",
        "provider": {"prometheus": {"timeout": "long"}}}, {"provider": {}}],
        "args": [{"value": 5}]}})");
    std::vector<Problem> problems;
    const Field root(document, problems);
    (void)decode_analysis_template(root);
    report_unknown(root);
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(sluice::to_text(problem));
    const std::vector<std::string> expected{
        "spec.metrics[0].interval: expected a duration such as 90s or 1h30m, found \"5 minutes\"",
        "spec.metrics[0].count: expected a whole number or a text, found true",
        "spec.metrics[0].provider.prometheus.timeout: expected a whole number, found \"long\"",
        "spec.metrics[1].name: is required",
        "spec.args[0].name: is required",
        "spec.args[0].value: expected a text, found 5",
        "spec.metrics[0].sucessCondition: unknown field"};
    EXPECT_EQ(texts, expected);
}

TEST(AnalysisRunStatus, ReadsBackWhatItWrote) {
    AnalysisRunStatus status{.phase = AnalysisPhase::Failed,
                             .message = "m",
                             .started = TimePoint{std::chrono::seconds{100}},
                             .completed = TimePoint{std::chrono::seconds{160}},
                             .summary = {.count = 2, .failed = 1},
                             .dry_run_summary = RunSummary{}};
    status.metric_results.push_back(
        {.name = "rate",
         .phase = AnalysisPhase::Failed,
         .measurements = {{.phase = AnalysisPhase::Failed,
                           .started = TimePoint{std::chrono::seconds{1}},
                           .finished = TimePoint{std::chrono::seconds{2}},
                           .value = "[0.5]"}},
         .count = 1,
         .failed = 1,
         .metadata = {{"ResolvedPrometheusQuery", "up"}}});
    const Json run = {{"metadata", {{"name", "r"}}},
                      {"spec", {{"metrics", Json::array()}}},
                      {"status", encode_analysis_run_status(status)}};
    std::vector<Problem> problems;
    EXPECT_EQ(decode_analysis_run(Field(run, problems)).status, status);
    EXPECT_TRUE(problems.empty());
    EXPECT_EQ(sluice::to_text(run["status"]["metricResults"][0]["measurements"][0]),
              R"({"finishedAt":"1970-01-01T00:00:02Z","phase":"Failed",)"
              R"("startedAt":"1970-01-01T00:00:01Z","value":"[0.5]"})");
}

TEST(AnalysisRunCache, AFinishedRunIsSmall) {
    const Json run = *parse_json(R"({"metadata": {"name": "r"}, "spec": {"metrics": [{"name": "m",
        "provider": {"web": {}}}], "ttlStrategy": {"secondsAfterCompletion": 5}},
        "status": {"phase": "Successful", "message": "ok",
        "metricResults": [{"name": "m", "phase": "Successful"}]}})");
    const AnalysisRun kept = analysis_run_of(run);
    EXPECT_TRUE(kept.spec.metrics.empty());
    EXPECT_TRUE(kept.status.metric_results.empty());
    EXPECT_EQ(kept.spec.ttl->after_completion, 5);
    EXPECT_EQ(kept.status.message, "ok");
}

std::string content_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

TEST(AnalysisConformance, EveryTemplateOfTheFieldDecodes) {
    const auto folder = test::conformance_folder() / "argo-rollouts";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
    int seen = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".yaml") continue;
        const auto documents =
            parse_yaml(content_of(entry.path()), entry.path().filename().string());
        if (!documents.ok()) continue;
        for (const auto& document : *documents) {
            const Json json = *parse_json(document.text);
            const std::string kind = text_at(json, {"kind"});
            const bool is_run = kind == "AnalysisRun";
            if (kind != "AnalysisTemplate" && kind != "ClusterAnalysisTemplate" && !is_run)
                continue;
            ++seen;
            std::vector<Problem> problems;
            const Field root(json, problems);
            if (is_run)
                (void)decode_analysis_run(root);
            else
                (void)decode_analysis_template(root);
            report_unknown(root);
            for (const auto& problem : problems)
                ADD_FAILURE() << to_text(problem, entry.path().string(), document.places);
        }
    }
    EXPECT_GE(seen, 26);
}

}  // namespace
}  // namespace sluice::crds
