// SPDX-License-Identifier: Apache-2.0
#include "analysis/template.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "analysis/arguments.hpp"

namespace sluice::analysis {
namespace {

TemplatePointer template_of(const char* text) {
    const Json document = *parse_json(text);
    return std::make_shared<const crds::AnalysisTemplate>(crds::analysis_template_of(document));
}

const TemplatePointer rate =
    template_of(R"({"kind": "AnalysisTemplate", "metadata": {"name": "rate"},
    "spec": {"args": [{"name": "service"}, {"name": "least", "value": "0.95"}],
    "metrics": [{"name": "rate", "interval": "5m", "count": "{{args.count}}",
    "successCondition": "result >= {{ args.least }}", "unknown": 1,
    "provider": {"prometheus": {"query": "up{a=\"{{args.service}}\"}"}}}],
    "dryRun": [{"metricName": "x"}]}})");
const TemplatePointer endless =
    template_of(R"({"kind": "AnalysisTemplate", "metadata": {"name": "endless"},
    "spec": {"metrics": [{"name": "m", "interval": "1m", "provider": {"web": {"url": "x"}}}]}})");
const TemplatePointer both =
    template_of(R"({"kind": "ClusterAnalysisTemplate", "metadata": {"name": "both"},
    "spec": {"metrics": [], "args": [{"name": "least", "value": "0.5"}],
    "templates": [{"templateName": "endless"}, {"templateName": "both", "clusterScope": true}]}})");

TemplatePointer find_it(const crds::AnalysisTemplateRef& ref) {
    for (const auto& entry : {rate, endless, both})
        if (entry->metadata.name == ref.template_name && entry->cluster_scope == ref.cluster_scope)
            return entry;
    return nullptr;
}

TEST(Templates, AreGatheredOnceWithWhatTheyNest) {
    const auto gathered =
        gather_templates({{"both", true}, {"endless", false}, {"rate", false}}, find_it);
    ASSERT_TRUE(gathered.ok());
    EXPECT_EQ(*gathered, (std::vector<TemplatePointer>{endless, rate, both}));
    EXPECT_EQ(gather_templates({{"x", false}}, find_it).error().message,
              "AnalysisTemplate 'x' not found");
    EXPECT_EQ(gather_templates({{"x", true}}, find_it).error().message,
              "ClusterAnalysisTemplate 'x' not found");
}

TEST(Templates, MergeIntoTheSpecOfARun) {
    const auto spec = build_run_spec(
        {.templates = {rate},
         .args = {{.name = "service", .value = "shop"}, {.name = "stranger", .value = "1"}},
         .dry_run = {"y"},
         .measurement_retention = {{"rate", 3}}});
    ASSERT_TRUE(spec.ok()) << spec.error().message;
    EXPECT_EQ(sluice::to_text((*spec)["args"]),
              R"([{"name":"service","value":"shop"},{"name":"least","value":"0.95"}])");
    EXPECT_EQ(sluice::to_text((*spec)["dryRun"]), R"([{"metricName":"y"},{"metricName":"x"}])");
    EXPECT_EQ((*spec)["metrics"][0]["unknown"], 1);
    EXPECT_EQ((*spec)["measurementRetention"][0]["limit"], 3);
}

TEST(Templates, RefuseWhatContradictsItself) {
    EXPECT_EQ(build_run_spec({.templates = {rate}}).error().message,
              "args.service was not resolved");
    EXPECT_EQ(
        build_run_spec({.templates = {rate, rate}, .args = {{.name = "service", .value = "s"}}})
            .error()
            .message,
        "two metrics have the same name 'rate'");
    EXPECT_EQ(build_run_spec({.templates = {rate, both}}).error().message,
              "Argument `least` specified multiple times with different values: '0.95', '0.5'");
    EXPECT_EQ(
        build_run_spec(
            {.templates = {rate}, .args = {{.name = "service", .value = "s"}}, .dry_run = {"x"}})
            .error()
            .message,
        "two Dry-Run metric rules have the same name 'x'");
}

TEST(Templates, EndlessMetricsAreForTheBackgroundOnly) {
    const std::vector<std::string> expected{
        "AnalysisTemplate endless has metric m which runs indefinitely. Invalid value for count: "
        "<nil>"};
    EXPECT_EQ(problems_of({.templates = {endless}}, AnalysisUse::Inline), expected);
    EXPECT_TRUE(problems_of({.templates = {endless}}, AnalysisUse::Background).empty());
}

TEST(Templates, AnIntervalThatOnlyARunKnowsIsNoProblem) {
    const auto later = template_of(R"({"kind": "AnalysisTemplate", "metadata": {"name": "later"},
        "spec": {"args": [{"name": "every"}], "metrics": [{"name": "m", "interval": "{{args.every}}",
        "count": 3, "provider": {"prometheus": {}}}]}})");
    EXPECT_EQ(problems_of({.templates = {later}, .args = {{.name = "every", .value = "later"}}},
                          AnalysisUse::Inline),
              std::vector<std::string>{});
    EXPECT_EQ(problems_of({.templates = {later}}, AnalysisUse::Inline),
              std::vector<std::string>{"args.every was not resolved"});
}

TEST(Arguments, ComeFromTheRollout) {
    const Json rollout = *parse_json(R"({"metadata": {"name": "shop", "labels": {"app.io/x": "y"}},
        "spec": {"replicas": 3}, "status": {"pauseConditions": [{"startTime": "t"}]}})");
    const std::vector<crds::AnalysisArgument> args{
        {.name = "a", .value = "1"},
        {.name = "b", .pod_template_hash_value = "Latest"},
        {.name = "c", .pod_template_hash_value = "Stable"},
        {.name = "d", .field_path = "metadata.labels['app.io/x']"},
        {.name = "e", .field_path = "status.pauseConditions[0].startTime"},
        {.name = "f", .field_path = "spec.replicas"}};
    const auto resolved = resolve_args(args, rollout, "old", "new");
    ASSERT_TRUE(resolved.ok()) << resolved.error().message;
    std::string values;
    for (const auto& arg : *resolved) values += arg.name + "=" + *arg.value + " ";
    EXPECT_EQ(values, "a=1 b=new c=old d=y e=t f=3 ");
    EXPECT_EQ(field_of_rollout(rollout, "spec.nothing").error().message,
              "invalid path spec.nothing in rollout");
    EXPECT_EQ(field_of_rollout(rollout, "status.pauseConditions[4]").error().message,
              "index 4 out of range");
    EXPECT_EQ(field_of_rollout(rollout, "spec").error().message,
              "path spec in rollout must terminate in a primitive value");
    EXPECT_EQ(field_of_rollout(rollout, "metadata.generation").error().message,
              "unsupported fieldPath: metadata.generation");
}

TEST(Arguments, ArePutIntoMetricsAsTextBetweenQuotes) {
    const std::vector<crds::Argument> args{{.name = "service", .value = "a\"b\\c\n"},
                                           {.name = "least", .value = "0.9"},
                                           {.name = "count", .value = "3"}};
    const auto metric = resolve_metric(rate->metrics[0], args, {});
    ASSERT_TRUE(metric.ok()) << metric.error().message;
    EXPECT_EQ(metric->success_condition, "result >= 0.9");
    EXPECT_EQ(metric->count->text, "3");
    const Json config = *parse_json(metric->providers[0].config);
    EXPECT_EQ(config["query"], "up{a=\"a\"b\\c\n\"}");
    EXPECT_EQ(resolve_metric(rate->metrics[0], {}, {}).error().message,
              "failed to resolve {{args.count}}");
    EXPECT_EQ(resolve_metric(rate->metrics[0], {{.name = "z"}}, {}).error().message,
              "argument \"z\" was not supplied");
}

TEST(Arguments, SecretsAreRedacted) {
    EXPECT_EQ(redact("token abc and abc", {{"t", "abc"}, {"empty", ""}}), "token ***** and *****");
}

}  // namespace
}  // namespace sluice::analysis
