// SPDX-License-Identifier: Apache-2.0
// A user's AnalysisTemplate with provider.plugin sluice/judge gates a step of a Rollout: the whole
// controller, the embedded cluster with simulated pods, and a real Prometheus with counters of both
// versions. The controller's clock runs ten times as fast, so that a look every ten seconds comes
// every second; the past goes on into what that clock takes for now.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/app.hpp"
#include "crds/pod_template.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/cluster.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/prometheus.hpp"

namespace sluice::shell {
namespace judge_gate_test {

using test::eventually;

class QuickClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override {
        return begin_ + std::chrono::duration_cast<Duration>(10 * (system_.now() - begin_));
    }

private:
    SystemClock system_;
    TimePoint begin_ = system_.now();
};

constexpr auto patience = std::chrono::seconds{60};

class JudgeGate : public testing::Test {
protected:
    void SetUp() override {
        if (test::promtool_path().empty())
            GTEST_SKIP() << "no prometheus with promtool in $SLUICE_TOOLS/usr/bin or /usr/bin";
        std::filesystem::create_directories(folder_.path() + "/images");
        auto cluster = standalone::start_cluster({.data_dir = folder_.path() + "/data",
                                                  .images_dir = folder_.path() + "/images",
                                                  .listen = "127.0.0.1:0",
                                                  .simulated_pods = true},
                                                 log_, system_clock_);
        ASSERT_TRUE(cluster.ok()) << cluster.error().message;
        cluster_ = std::move(*cluster);
        client_ = std::make_unique<kube::Client>(cluster_->transport(), "test");
        app_ = start_app({.data_dir = folder_.path() + "/app", .git_program = "git"},
                         {cluster_->transport(), cluster_->transport()}, quick_clock_, log_);
        create(resources::namespaces, {{"metadata", {{"name", "shop"}}}});
    }
    void TearDown() override {
        if (app_) app_->stop();
        if (cluster_) cluster_->stop();
    }

    void create(const ResourceType& type, Json object) {
        object["apiVersion"] = type.api_version();
        object["kind"] = type.kind;
        if (type.kind != resources::namespaces.kind) object["metadata"]["namespace"] = "shop";
        const auto made = client_->create(type, object);
        ASSERT_TRUE(made.ok()) << made.error().message;
    }

    static Json pod_template(const std::string& image) {
        return {{"metadata", {{"labels", {{"app", "shop"}}}}},
                {"spec", {{"containers", {{{"name", "shop"}, {"image", image}}}}}}};
    }
    static std::string hash_of(const std::string& image) {
        return crds::pod_template_hash(pod_template(image), std::nullopt);
    }

    // Requests and errors in ten seconds of each version, for half an hour before now and what the
    // quick clock makes of the test's time.
    void begin_prometheus(double requests, double stable_errors, double canary_errors) {
        test::PrometheusPast past;
        const double now =
            std::floor(static_cast<double>(system_clock_.now().time_since_epoch().count()) / 1e4) *
            10;
        const auto add = [&](const std::string& image, double errors) {
            const auto labels =
                concat("{app=\"shop\",rollouts_pod_template_hash=\"", hash_of(image), "\",code=\"");
            for (int k = -180; k <= 720; ++k) {
                const double at = now + 10 * k, n = k + 180;
                past.add(concat("http_requests_total", labels, "200\"}"), at, n * requests);
                past.add(concat("http_requests_total", labels, "503\"}"), at,
                         std::floor(n * errors));
            }
        };
        add("shop:v1", stable_errors);
        add("shop:v2", canary_errors);
        prometheus_ = std::make_unique<test::RealPrometheus>(test::prometheus_path(), past.text());
        ASSERT_TRUE(prometheus_->past_written());
    }

    // v1 is Healthy, and v2 is at its gate: setWeight 25, analysis, setWeight 50, pause.
    void begin_update() {
        create(resources::analysis_templates, *parse_json(concat(R"({"metadata": {"name": "gate"},
            "spec": {"args": [{"name": "stable-hash"}, {"name": "latest-hash"}],
              "metrics": [{"name": "errors", "provider": {"plugin": {"sluice/judge": {
                "kind": "ratio", "bucket": "10s", "window": "20m",
                "prometheus": {"address": ")",
                                                                 prometheus_->url(), R"("},
                "baseline": "{{args.stable-hash}}", "canary": "{{args.latest-hash}}",
                "total": "http_requests_total{app=\"shop\"}",
                "bad": "http_requests_total{app=\"shop\",code=~\"5..\"}"}}}}]}})")));
        const Json gate = *parse_json(R"({"templates": [{"templateName": "gate"}], "args": [
            {"name": "stable-hash", "valueFrom": {"podTemplateHashValue": "Stable"}},
            {"name": "latest-hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]})");
        Json rollout = *parse_json(R"({"metadata": {"name": "shop"}, "spec": {"replicas": 2,
            "selector": {"matchLabels": {"app": "shop"}}}})");
        rollout["spec"]["strategy"]["canary"]["steps"] = Json::array({{{"setWeight", 25}},
                                                                      {{"analysis", gate}},
                                                                      {{"setWeight", 50}},
                                                                      {{"pause", Json::object()}},
                                                                      {{"analysis", gate}}});
        rollout["spec"]["template"] = pod_template("shop:v1");
        create(resources::rollouts, rollout);
        ASSERT_TRUE(eventually([&] { return phase() == "Healthy"; }, patience)) << told();
        const auto pushed =
            client_->patch(shop_, kube::PatchType::Json,
                           Json::array({{{"op", "replace"},
                                         {"path", "/spec/template/spec/containers/0/image"},
                                         {"value", "shop:v2"}}}));
        ASSERT_TRUE(pushed.ok()) << pushed.error().message;
        ASSERT_TRUE(eventually([&] { return !measurement().is_null(); }, patience)) << told();
        ASSERT_EQ(text_at(rollout_now(), {"status", "stableRS"}), hash_of("shop:v1"));
    }

    [[nodiscard]] Json rollout_now() const { return *client_->get(shop_); }
    [[nodiscard]] std::string phase() const { return text_at(rollout_now(), {"status", "phase"}); }
    [[nodiscard]] long step() const {
        return integer_at(rollout_now(), {"status", "currentStepIndex"});
    }
    [[nodiscard]] Json run() const {
        const auto runs = client_->list(resources::analysis_runs, {.ns = "shop"});
        return runs.ok() && !runs->items.empty() ? runs->items[0] : Json();
    }
    // The only one of the only metric; null before it.
    [[nodiscard]] Json measurement() const {
        const Json now = run();
        const Json* results = find(now, {"status", "metricResults"});
        const Json* list =
            results && !results->empty() ? find(results->at(0), {"measurements"}) : nullptr;
        return list && list->size() == 1 ? list->at(0) : Json();
    }
    [[nodiscard]] std::string told() const {
        return concat(to_text(rollout_now()), "\n", to_text(run()));
    }

    test::TestLog log_;
    SystemClock system_clock_;
    QuickClock quick_clock_;
    test::ClusterFolder folder_;
    std::unique_ptr<test::RealPrometheus> prometheus_;
    std::unique_ptr<standalone::Cluster> cluster_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<App> app_;
    const ObjectRef shop_{resources::rollouts, "shop", "shop"};
};

TEST_F(JudgeGate, AnEqualCanaryGoesOnOnceItsPrometheusIsThereToSaySo) {
    begin_prometheus(600, 3.1, 3.1);
    prometheus_->stop();
    begin_update();
    ASSERT_TRUE(eventually(
        [&] { return text_at(measurement(), {"message"}).starts_with("not judged: "); }, patience))
        << told();
    EXPECT_EQ(text_at(measurement(), {"phase"}), "Running");
    EXPECT_EQ(step(), 1);
    prometheus_->start();
    ASSERT_TRUE(eventually([&] { return step() == 3 && phase() == "Paused"; }, patience)) << told();
    EXPECT_EQ(text_at(measurement(), {"phase"}), "Successful");
    EXPECT_NE(text_at(measurement(), {"value"}).find("\"verdict\":\"pass\""), std::string::npos)
        << told();
    EXPECT_EQ(text_at(run(), {"status", "phase"}), "Successful");
    // One of two judged metrics of the attempt: the other gate stands at 50 %.
    EXPECT_EQ(text_at(measurement(), {"metadata", "falseAlarm"}), "0.5 %") << told();
}

TEST_F(JudgeGate, ABadCanaryIsTakenBack) {
    begin_prometheus(600, 3.1, 20);
    begin_update();
    ASSERT_TRUE(eventually([&] { return phase() == "Degraded"; }, patience)) << told();
    EXPECT_EQ(integer_at(rollout_now(), {"status", "canary", "weights", "canary", "weight"}), 0);
    EXPECT_EQ(text_at(measurement(), {"phase"}), "Failed") << told();
    EXPECT_NE(text_at(measurement(), {"message"}).find("is harm"), std::string::npos) << told();
    EXPECT_NE(text_at(rollout_now(), {"status", "message"}).find("Metric \"errors\""),
              std::string::npos)
        << told();
}

TEST_F(JudgeGate, LittleTrafficIsLookedAtAgainAndNothingMoves) {
    begin_prometheus(0.2, 0, 0);
    begin_update();
    ASSERT_TRUE(eventually([&] { return !text_at(measurement(), {"value"}).empty(); }, patience))
        << told();
    const auto first = text_at(measurement(), {"resumeAt"});
    ASSERT_TRUE(eventually([&] { return text_at(measurement(), {"resumeAt"}) != first; }, patience))
        << told();
    EXPECT_EQ(text_at(measurement(), {"phase"}), "Running");
    EXPECT_NE(text_at(measurement(), {"value"}).find("inconclusive"), std::string::npos) << told();
    EXPECT_EQ(step(), 1);
    EXPECT_EQ(phase(), "Progressing");
}

}  // namespace judge_gate_test
}  // namespace sluice::shell
