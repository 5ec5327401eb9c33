// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/object_metrics.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/caches.hpp"
#include "controller/shell/controller_metrics.hpp"

namespace sluice::shell {
namespace {

void fill(Caches& caches) {
    caches.rollouts.sink().on_list({Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {"replicas": 5, "strategy": {"canary": {"trafficRouting": {"nginx": {}}}}},
        "status": {"replicas": 6, "availableReplicas": 3, "updatedReplicas": 1,
                   "conditions": [{"type": "Progressing", "status": "False",
                                   "reason": "RolloutAborted"}]}})")});
    caches.analysis_runs.sink().on_list(
        {Json::parse(R"({"metadata": {"namespace": "shop", "name": "web-5d8-2-0"},
                         "status": {"phase": "Failed"}})"),
         Json::parse(R"({
             "metadata": {"namespace": "shop", "name": "web-5d8-2-1"},
             "spec": {"metrics": [
                 {"name": "errors", "provider": {"prometheus": {"query": "x"}}},
                 {"name": "mine", "provider": {"plugin": {"me/judge": {}}}}]},
             "status": {"phase": "Running", "metricResults": [
                 {"name": "errors", "phase": "Failed", "dryRun": true}]}})"),
         Json::parse(R"({"metadata": {"namespace": "shop", "name": "web-5d8-2-3"}})")});
    caches.deliveries.sink().on_list({Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "web-1"},
        "spec": {"rollout": {"name": "web"}, "source": {"gitSource": "shop/repo"}},
        "status": {"phase": "Promoted", "outbox": [
            {"opId": "1", "kind": "step", "createdAt": "2026-11-20T10:00:00Z"},
            {"opId": "2", "kind": "step", "createdAt": "2026-11-20T10:00:00Z"}]}})")});
}

std::string object_text() {
    Caches caches("");
    fill(caches);
    MetricText text;
    write_object_metrics(text, {caches.rollouts, caches.analysis_runs, caches.deliveries});
    return text.take();
}

bool has(const std::string& text, const std::string& line) {
    return text.find("\n" + line + "\n") != std::string::npos;
}

TEST(ObjectMetrics, AreUpstreamsNamesAndLabels) {
    const auto text = object_text();
    const std::string web = "{namespace=\"shop\",name=\"web\"";
    const std::string ended = "{namespace=\"shop\",name=\"web-5d8-2-0\"";
    const std::string run = "{namespace=\"shop\",name=\"web-5d8-2-1\"";
    const std::string fresh = "{namespace=\"shop\",name=\"web-5d8-2-3\"";
    for (const auto& line :
         {"rollout_info" + web + ",strategy=\"canary\",traffic_router=\"Nginx\",phase=\"Abort\"} 1",
          "rollout_info_replicas_desired" + web + "} 5",
          "rollout_info_replicas_available" + web + "} 3",
          "rollout_info_replicas_unavailable" + web + "} 3",
          "rollout_info_replicas_updated" + web + "} 1",
          "rollout_phase" + web + ",strategy=\"canary\",phase=\"Abort\"} 1",
          "rollout_phase" + web + ",strategy=\"canary\",phase=\"Completed\"} 0",
          "analysis_run_info" + run + ",phase=\"Running\"} 1",
          "analysis_run_phase" + run + ",phase=\"Running\"} 1",
          "analysis_run_phase" + run + ",phase=\"Error\"} 0",
          "analysis_run_info" + ended + ",phase=\"Failed\"} 1",
          "analysis_run_phase" + ended + ",phase=\"Failed\"} 1",
          "analysis_run_phase" + ended + ",phase=\"Running\"} 0",
          "analysis_run_info" + fresh + ",phase=\"\"} 1",
          "analysis_run_phase" + fresh + ",phase=\"Pending\"} 1",
          "analysis_run_metric_type" + run + ",metric=\"errors\",type=\"Prometheus\"} 1",
          "analysis_run_metric_type" + run + ",metric=\"mine\",type=\"me/judge\"} 1",
          "analysis_run_metric_phase" + run +
              ",metric=\"errors\",type=\"Prometheus\",dry_run=\"true\",phase=\"Failed\"} 1",
          "analysis_run_metric_phase" + run +
              ",metric=\"mine\",type=\"me/judge\",dry_run=\"false\",phase=\"Pending\"} 1",
          std::string("sluice_deliveries{namespace=\"shop\",rollout=\"web\",phase=\"Promoted\"} 1"),
          std::string("sluice_git_outbox_writes{namespace=\"shop\",gitsource=\"repo\"} 2")})
        EXPECT_TRUE(has(text, line)) << line << "\nis not in\n" << text;
}

// Something of everything.
std::string counted_text(ControllerMetrics& metrics) {
    metrics.done("rollout")("shop/web", std::chrono::milliseconds{20}, false);
    metrics.done("analysisrun")("shop/run", std::chrono::milliseconds{20}, true);
    metrics.done("delivery")("shop/web", std::chrono::milliseconds{20}, true);
    metrics.told({.object = {resources::rollouts, "shop", "web"},
                  .warning = true,
                  .reason = "RolloutAborted"});
    metrics.asked({.method = "PATCH", .url = "/api/v1/namespaces/shop/services/web"}, 409);
    metrics.asked({.url = "https://host/apis/argoproj.io/v1alpha1/rollouts?limit=500"}, 200);
    metrics.watch_ended({.url = "/api/v1/pods?watch=true"});
    metrics.git("push", 0.2, false);
    MetricText text;
    metrics.write(text);
    return text.take();
}

TEST(ControllerMetrics, AreUpstreamsNamesAndLabels) {
    ControllerMetrics metrics;
    const auto text = counted_text(metrics);
    for (
        const char* line :
        {R"(rollout_reconcile_bucket{namespace="shop",name="web",le="0.01"} 0)",
         R"(rollout_reconcile_bucket{namespace="shop",name="web",le="0.15"} 1)",
         R"(rollout_reconcile_error{namespace="shop",name="web"} 1)",
         R"(analysis_run_reconcile_count{namespace="shop",name="run"} 1)",
         R"(rollout_events_total{namespace="shop",name="web",type="Warning",reason="RolloutAborted"} 1)",
         R"(controller_clientset_k8s_request_total{kind="services",namespace="shop",name="N/A",verb="Patch",status_code="409"} 1)",
         R"(controller_clientset_k8s_request_total{kind="rollouts",namespace="",name="N/A",verb="List",status_code="200"} 1)",
         R"(sluice_watch_restarts_total{resource="pods"} 1)",
         R"(sluice_git_operation_duration_seconds_count{operation="push",outcome="failed"} 1)",
         R"(workqueue_work_duration_seconds_count{name="delivery"} 1)"})
        EXPECT_TRUE(has(text, line)) << line << "\nis not in\n" << text;
}

TEST(ControllerMetrics, DieWithTheirObject) {
    ControllerMetrics metrics;
    counted_text(metrics);
    metrics.forget_unless([](const std::string&) { return false; },
                          [](const std::string& key) { return key == "shop/run"; });
    MetricText text;
    metrics.write(text);
    const auto left = text.take();
    EXPECT_EQ(left.find("name=\"web\""), std::string::npos) << left;
    EXPECT_NE(left.find("name=\"run\""), std::string::npos) << left;
}

// Of upstream's names promtool says that counters should end in _total; of ours, nothing.
TEST(Metrics, SatisfyPromtool) {
    const char* tools = std::getenv("SLUICE_TOOLS");
    const std::string promtool = concat(tools ? tools : "", "/usr/bin/promtool");
    if (!tools || !std::filesystem::exists(promtool))
        GTEST_SKIP() << "no promtool below SLUICE_TOOLS";
    ControllerMetrics metrics;
    const auto path = std::filesystem::temp_directory_path() /
                      concat("sluice-metrics-", std::to_string(::getpid()));
    std::ofstream(path) << object_text() << counted_text(metrics);
    const auto command = concat(promtool, " check metrics < ", path.string(), " 2>&1");
    FILE* const pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::string said;
    for (char line[512]; std::fgets(line, sizeof line, pipe);) {
        const std::string text = line;
        if (text.find("_reconcile_error counter metrics should") == std::string::npos) said += text;
    }
    ::pclose(pipe);
    std::filesystem::remove(path);
    EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace sluice::shell
