// SPDX-License-Identifier: Apache-2.0
// Every manifest of the quickstart means what Sluice reads in it: no unknown field, no problem.
#include "examples/story/manifests.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "crds/analysis.hpp"
#include "crds/git_source.hpp"
#include "crds/rollout.hpp"
#include "examples/story/settings.hpp"
#include "platform/file.hpp"
#include "standalone/prometheus_targets.hpp"

namespace story {
namespace {

using sluice::Json;
using sluice::Problem;

Options options_for(Router router, Pace pace) {
    Options options;
    options.source = SLUICE_SOURCE_DIR;
    options.router = router;
    options.pace = std::move(pace);
    return options;
}

Places some_places() {
    Places places;
    places.prometheus = "127.0.0.1:19090";
    places.git = "127.0.0.1:13000";
    return places;
}

std::vector<Json> documents_of(const std::string& text, const std::string& file) {
    std::vector<Json> documents;
    const auto parsed = sluice::parse_yaml(text, file);
    EXPECT_TRUE(parsed.ok()) << file << ": " << (parsed.ok() ? "" : parsed.error().message);
    if (parsed.ok())
        for (const auto& document : *parsed)
            documents.push_back(sluice::parse_json(document.text).value());
    return documents;
}

std::vector<Problem> problems_in(const Json& document) {
    const std::string kind = sluice::text_at(document, {"kind"});
    if (kind == "Rollout") return sluice::crds::decode_rollout(document).problems;
    std::vector<Problem> problems;
    if (kind == "GitSource") (void)sluice::crds::decode_git_source(document, problems);
    if (kind == "AnalysisTemplate") {
        const sluice::Field root(document, problems);
        (void)sluice::crds::decode_analysis_template(root);
        sluice::report_unknown(root);
    }
    return problems;
}

void expect_no_problem(const std::string& text, const std::string& file) {
    for (const auto& document : documents_of(text, file))
        for (const auto& problem : problems_in(document))
            ADD_FAILURE() << file << ": " << sluice::to_text(problem);
}

std::map<std::string, std::string> rendered(Router router, const Pace& pace) {
    auto files = render_manifests(options_for(router, pace), some_places());
    EXPECT_TRUE(files.ok()) << (files.ok() ? "" : files.error().message);
    return files.ok() ? *files : std::map<std::string, std::string>{};
}

TEST(Manifests, EveryFileDecodesAsItLies) {
    int files = 0;
    const std::filesystem::path folder{SLUICE_SOURCE_DIR "/examples/quickstart/manifests"};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".yaml") continue;
        ++files;
        expect_no_problem(sluice::read_file(entry.path().string()).value(), entry.path().string());
    }
    EXPECT_EQ(files, 8);
}

TEST(Manifests, EveryReplacementOfBothPacesFindsItsTextForBothRouters) {
    for (const auto router : {Router::Nginx, Router::Istio})
        for (const auto& pace : {normal_pace(), fast_pace()})
            for (const auto& [path, text] : rendered(router, pace)) expect_no_problem(text, path);
}

TEST(Manifests, TheFastPaceShortensPausesAndIntervals) {
    const auto files = rendered(Router::Nginx, fast_pace());
    EXPECT_NE(files.at("shop/rollout.yaml").find("duration: 3s"), std::string::npos);
    EXPECT_EQ(files.at("shop/rollout.yaml").find("duration: 10s"), std::string::npos);
    EXPECT_NE(files.at("shop/analysis.yaml").find("interval: 1s"), std::string::npos);
    EXPECT_NE(files.at("shop/analysis.yaml").find("http://127.0.0.1:19090"), std::string::npos);
}

TEST(Manifests, AReplacementThatFindsNothingIsAnError) {
    auto pace = fast_pace();
    pace.replacements.emplace_back("duration: 77s", "duration: 1s");
    const auto files = render_manifests(options_for(Router::Nginx, pace), some_places());
    ASSERT_FALSE(files.ok());
    EXPECT_EQ(files.error().message, "no manifest contains \"duration: 77s\"");
}

TEST(Manifests, WithoutItsGateARolloutKeepsWeightsAndPauses) {
    const auto text = rendered(Router::Nginx, normal_pace()).at("shop/rollout.yaml");
    const auto bare = without_gate(text);
    expect_no_problem(bare, "rollout.yaml");
    const Json before = documents_of(text, "before")[0]["spec"]["strategy"]["canary"]["steps"];
    const Json after = documents_of(bare, "after")[0]["spec"]["strategy"]["canary"]["steps"];
    EXPECT_EQ(before.size(), 12U);
    EXPECT_EQ(after.size(), 8U);
    for (const auto& step : after) EXPECT_FALSE(step.contains("analysis")) << step;
}

TEST(Manifests, TheGitSourcePointsAtTheRepositoryOfThisRun) {
    const auto text = render_git_source(options_for(Router::Nginx, normal_pace()), some_places());
    ASSERT_TRUE(text.ok());
    EXPECT_NE(text->find("url: http://127.0.0.1:13000/git/shop.git\n"), std::string::npos);
}

TEST(Targets, AreThePortsOfPodsThatHaveAnAddress) {
    const Json pod = documents_of(R"(
metadata:
  name: shop-abc-1
  namespace: shop
  uid: u1
  labels: {app: shop, rollouts-pod-template-hash: abc}
spec:
  containers:
    - name: shop
      ports:
        - {name: http, containerPort: 8080}
        - {name: debug, containerPort: 9000}
status: {podIP: 127.64.0.5, phase: Running}
)",
                                  "pod")[0];
    Json waiting = pod;
    waiting["status"].erase("podIP");
    const Json groups =
        sluice::parse_json(sluice::standalone::prometheus_targets({pod, waiting})).value();
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0]["targets"], Json({"127.64.0.5:8080"}));
    EXPECT_EQ(groups[1]["targets"], Json({"127.64.0.5:9000"}));
    const Json& labels = groups[0]["labels"];
    EXPECT_EQ(labels["__meta_kubernetes_namespace"], "shop");
    EXPECT_EQ(labels["__meta_kubernetes_pod_name"], "shop-abc-1");
    EXPECT_EQ(labels["__meta_kubernetes_pod_label_rollouts_pod_template_hash"], "abc");
    EXPECT_EQ(labels["__meta_kubernetes_pod_container_port_name"], "http");
    EXPECT_EQ(labels["__meta_kubernetes_pod_container_port_number"], "8080");
}

}  // namespace
}  // namespace story
