// SPDX-License-Identifier: Apache-2.0
// deploy/analysis: every ClusterAnalysisTemplate that ships with Sluice decodes without a problem,
// gives a question once it has its arguments, and judges answers as its name promises.
#include <algorithm>
#include <cmath>

#include "analysis/arguments.hpp"
#include "analysis/template.hpp"
#include "tests/support/shipped_templates.hpp"
#include "tests/unit/analysis/provider_asked.hpp"

namespace sluice::analysis::provider_test {
namespace {

using crds::AnalysisPhase;

const std::vector<crds::AnalysisTemplate>& shipped() {
    static const auto all = [] {
        std::vector<crds::AnalysisTemplate> templates;
        for (const auto& document : test::shipped_template_documents()) {
            std::vector<Problem> problems;
            templates.push_back(crds::decode_analysis_template(Field(document, problems, "")));
            for (const auto& problem : problems) ADD_FAILURE() << sluice::to_text(problem);
        }
        return templates;
    }();
    return all;
}

// The template's metrics with its own defaults, and with a word for each argument without one.
std::vector<crds::Metric> metrics_of(const crds::AnalysisTemplate& one) {
    auto args = one.args;
    for (auto& arg : args)
        if (!arg.value) arg.value = arg.name + "-given";
    std::vector<crds::Metric> metrics;
    for (const auto& document : one.metrics) {
        auto metric = resolve_metric(document, args, {});
        EXPECT_TRUE(metric.ok()) << one.metadata.name << ": " << metric.error().message;
        if (metric.ok()) metrics.push_back(*metric);
    }
    return metrics;
}

AnalysisPhase verdict(const crds::Metric& metric, std::vector<double> values) {
    const auto phase = assess(floats(values), metric.success_condition, metric.failure_condition);
    EXPECT_TRUE(phase.ok()) << metric.name << ": " << phase.error().message;
    return phase.ok() ? *phase : AnalysisPhase::None;
}

TEST(ShippedTemplates, AreThoseThatTheDocumentationNames) {
    std::vector<std::string> names;
    for (const auto& one : shipped()) {
        EXPECT_TRUE(one.cluster_scope) << one.metadata.name;
        names.push_back(one.metadata.name);
    }
    std::ranges::sort(names);
    EXPECT_EQ(
        names,
        (std::vector<std::string>{
            "request-duration-istio", "request-duration-nginx", "request-duration-pods",
            "request-success-rate-istio", "request-success-rate-nginx", "request-success-rate-pods",
            "request-volume-istio", "request-volume-nginx", "request-volume-pods", "saturation"}));
}

TEST(ShippedTemplates, AskTheControllersPrometheusUnlessTold) {
    for (const auto& one : shipped())
        for (const auto& metric : metrics_of(one)) {
            const auto query = build_query(metric, {.prometheus_address = "http://own"}, noon);
            ASSERT_TRUE(query.ok()) << one.metadata.name << ": " << query.error().message;
            EXPECT_EQ(query->request.url, "http://own/api/v1/query");
            const auto asked = percent_decode(query->request.body).value_or("");
            EXPECT_EQ(asked.find("{{"), std::string::npos) << asked;
            // Every argument without a default narrows what is asked.
            for (const auto& arg : one.args) {
                if (!arg.value) {
                    EXPECT_NE(asked.find(arg.name + "-given"), std::string::npos) << asked;
                }
            }
        }
}

TEST(ShippedTemplates, JudgeByTheirThreshold) {
    for (const auto& one : shipped())
        for (const auto& metric : metrics_of(one)) {
            const testing::ScopedTrace trace(one.metadata.name.c_str(), 1, metric.name);
            if (metric.name == "request-success-rate") {
                EXPECT_EQ(verdict(metric, {99}), AnalysisPhase::Successful);
                EXPECT_EQ(verdict(metric, {98.9}), AnalysisPhase::Failed);
            } else if (metric.name == "request-volume") {
                EXPECT_EQ(verdict(metric, {60}), AnalysisPhase::Successful);
                EXPECT_EQ(verdict(metric, {59}), AnalysisPhase::Inconclusive);
            } else {
                const double most = metric.name == "request-duration" ? 500 : 90;
                EXPECT_EQ(verdict(metric, {most}), AnalysisPhase::Successful);
                EXPECT_EQ(verdict(metric, {most + 1}), AnalysisPhase::Failed);
            }
            // No traffic shows neither harm nor safety.
            EXPECT_EQ(verdict(metric, {}), AnalysisPhase::Inconclusive);
            EXPECT_EQ(verdict(metric, {std::nan("")}), AnalysisPhase::Inconclusive);
        }
}

TEST(ShippedTemplates, GoTogetherInOneRun) {
    for (const std::string mesh : {"istio", "nginx", "pods"}) {
        RunRequest request;
        for (const auto& one : shipped())
            if (one.metadata.name.ends_with(mesh) || one.metadata.name == "saturation")
                request.templates.push_back(std::make_shared<const crds::AnalysisTemplate>(one));
        for (const char* name : {"service", "ingress", "namespace", "canary-hash", "rollout"})
            request.args.push_back({.name = name, .value = "x"});
        EXPECT_EQ(request.templates.size(), 4U);
        EXPECT_EQ(problems_of(request, AnalysisUse::Inline), std::vector<std::string>{}) << mesh;
    }
}

}  // namespace
}  // namespace sluice::analysis::provider_test
