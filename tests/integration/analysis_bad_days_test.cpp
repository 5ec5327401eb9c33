// SPDX-License-Identifier: Apache-2.0
// Prometheus down, slow, empty, NaN and confused, under a Rollout in the middle of its steps: the
// whole controller, the embedded cluster with simulated pods, a real Prometheus, and the verbs as a
// user types them. The controller's clock runs ten times as fast, so that upstream's 10 s between
// errors pass in one.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/cli/cli.hpp"
#include "controller/shell/app.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/cluster.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/prometheus.hpp"

namespace sluice::shell {
namespace bad_days_test {

using test::eventually;
using test::RealPrometheus;

class FastClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override {
        return begin_ + std::chrono::duration_cast<Duration>(10 * (system_.now() - begin_));
    }

private:
    SystemClock system_;
    TimePoint begin_ = system_.now();
};

constexpr const char* at_least_half = "result[0] >= 0.5";

class BadDay : public testing::Test {
protected:
    void SetUp() override {
        const auto program = test::prometheus_path();
        if (program.empty()) GTEST_SKIP() << "no prometheus in $SLUICE_TOOLS/usr/bin or /usr/bin";
        prometheus_ = std::make_unique<RealPrometheus>(program);
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
                         {cluster_->transport(), cluster_->transport()}, fast_clock_, log_);
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

    [[nodiscard]] Json metric(const std::string& query, Json more = Json::object()) const {
        Json made = {{"name", "success-rate"},
                     {"interval", "100ms"},
                     {"count", 30},
                     {"successCondition", at_least_half},
                     {"provider",
                      {{"prometheus",
                        {{"address", prometheus_->url()}, {"query", query}, {"timeout", 1}}}}}};
        made.merge_patch(more);
        return made;
    }

    // v1 is Healthy, and v2 is at its first gate: setWeight 25, analysis, setWeight 50, pause.
    void begin_update(const Json& gate) {
        create(resources::analysis_templates,
               {{"metadata", {{"name", "gate"}}}, {"spec", {{"metrics", {gate}}}}});
        create(resources::rollouts, *parse_json(R"({"metadata": {"name": "shop"}, "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "shop"}},
            "template": {"metadata": {"labels": {"app": "shop"}},
                         "spec": {"containers": [{"name": "shop", "image": "shop:v1"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 25},
                {"analysis": {"templates": [{"templateName": "gate"}]}},
                {"setWeight": 50}, {"pause": {}}]}}}})"));
        ASSERT_TRUE(eventually([&] { return phase() == "Healthy"; })) << to_text(rollout());
        const auto pushed =
            client_->patch(shop_, kube::PatchType::Json,
                           Json::array({{{"op", "replace"},
                                         {"path", "/spec/template/spec/containers/0/image"},
                                         {"value", "shop:v2"}}}));
        ASSERT_TRUE(pushed.ok()) << pushed.error().message;
        ASSERT_TRUE(eventually([&] { return !run_name().empty(); })) << to_text(rollout());
        run_name_ = run_name();
    }

    [[nodiscard]] Json rollout() const { return *client_->get(shop_); }
    [[nodiscard]] std::string phase() const { return text_at(rollout(), {"status", "phase"}); }
    [[nodiscard]] long step() const {
        return integer_at(rollout(), {"status", "currentStepIndex"});
    }
    [[nodiscard]] std::string run_name() const {
        // Not from the Rollout's status: a run that ends at once is gone from there.
        const auto runs = client_->list(resources::analysis_runs, {.ns = "shop"});
        return runs.ok() && !runs->items.empty() ? text_at(runs->items[0], {"metadata", "name"})
                                                 : "";
    }
    [[nodiscard]] Json run(const std::string& name) const {
        const auto found = client_->get({resources::analysis_runs, "shop", name});
        return found.ok() ? *found : Json::object();
    }
    [[nodiscard]] Json run() const { return run(run_name_); }
    // Of the run's only metric; null before its first measurement.
    [[nodiscard]] Json result() const {
        const Json now = run();
        const Json* found = find(now, {"status", "metricResults"});
        return found && !found->empty() ? found->at(0) : Json();
    }
    // The condition AnalysisTrouble; null where it is not said.
    [[nodiscard]] Json trouble() const {
        const Json now = rollout();
        const Json* conditions = find(now, {"status", "conditions"});
        if (!conditions) return {};
        for (const auto& condition : *conditions)
            if (text_at(condition, {"type"}) == "AnalysisTrouble") return condition;
        return {};
    }
    bool in_trouble(std::string_view reason) {
        return eventually([&] { return text_at(trouble(), {"reason"}) == reason; },
                          std::chrono::seconds{30});
    }
    [[nodiscard]] std::string message() const { return text_at(trouble(), {"message"}); }

    // Runs a command line of ours and returns what it prints.
    std::string type_in(std::string_view line) {
        auto words = split(line, ' ');
        words.insert(words.end(), {"--kubeconfig", cluster_->kubeconfig_path()});
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        testing::internal::CaptureStdout();
        EXPECT_EQ(cli::run(static_cast<int>(arguments.size()), arguments.data()), 0) << line;
        return testing::internal::GetCapturedStdout();
    }
    // The command that the condition names behind these words, up to the next ";".
    [[nodiscard]] std::string command_after(std::string_view words) const {
        const std::string text = message();
        const auto from = text.find(words);
        if (from == std::string::npos) return {};
        const auto rest = text.substr(from + words.size());
        return rest.substr(0, rest.find(';'));
    }

    // What every trouble says: who, since when (that of the first measurement in a row), how on.
    void expect_told(std::string_view found) {
        EXPECT_NE(
            message().find(concat("metric success-rate of analysis run ", run_name_, ": ", found)),
            std::string::npos)
            << message();
        const auto since = text_at(trouble(), {"lastTransitionTime"});
        EXPECT_NE(message().find(concat(", since ", since)), std::string::npos) << message();
    }

    test::TestLog log_;
    SystemClock system_clock_;
    FastClock fast_clock_;
    test::ClusterFolder folder_;
    std::unique_ptr<RealPrometheus> prometheus_;
    std::unique_ptr<standalone::Cluster> cluster_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<App> app_;
    const ObjectRef shop_{resources::rollouts, "shop", "shop"};
    std::string run_name_;
};

TEST_F(BadDay, APrometheusThatDiesIsSaidThenEndsTheRunAndARetryGoesOn) {
    begin_update(metric("vector(0.9)"));
    ASSERT_TRUE(eventually([&] { return integer_at(result(), {"successful"}) >= 2; }))
        << to_text(run());
    prometheus_->stop();
    ASSERT_TRUE(in_trouble("MeasurementError")) << to_text(rollout());
    expect_told(concat("POST ", prometheus_->url(), "/api/v1/query: connection refused"));
    EXPECT_EQ(text_at(run(), {"status", "phase"}), "Running");
    EXPECT_EQ(phase(), "Progressing");

    // Four errors in a row are borne, ten seconds apart; the fifth ends it.
    ASSERT_TRUE(in_trouble("AnalysisRunError")) << to_text(rollout());
    EXPECT_EQ(integer_at(result(), {"consecutiveError"}), 5);
    EXPECT_EQ(text_at(run(), {"status", "phase"}), "Error");
    EXPECT_EQ(phase(), "Degraded");
    EXPECT_NE(text_at(rollout(), {"status", "message"})
                  .find("consecutiveErrors (5) > consecutiveErrorLimit (4)"),
              std::string::npos);
    expect_told(concat("POST ", prometheus_->url(), "/api/v1/query: connection refused"));

    prometheus_->start();
    const auto command = command_after("to try it again: ");
    EXPECT_EQ(command, "sluice retry shop -n shop");
    type_in(command);
    ASSERT_TRUE(
        eventually([&] { return step() == 3 && phase() == "Paused"; }, std::chrono::seconds{30}))
        << to_text(rollout());
    EXPECT_TRUE(trouble().is_null());
}

TEST_F(BadDay, APrometheusThatIsAwayForAMomentCostsNothing) {
    begin_update(metric("vector(0.9)", {{"count", 10}}));
    ASSERT_TRUE(eventually([&] { return integer_at(result(), {"successful"}) >= 1; }));
    prometheus_->stop();
    ASSERT_TRUE(in_trouble("MeasurementError")) << to_text(rollout());
    EXPECT_EQ(step(), 1);
    prometheus_->start();
    ASSERT_TRUE(eventually([&] { return step() == 3; }, std::chrono::seconds{30}))
        << to_text(run());
    EXPECT_TRUE(trouble().is_null());
    EXPECT_EQ(text_at(run(), {"status", "phase"}), "Successful");
    EXPECT_GE(integer_at(result(), {"error"}), 1);
    EXPECT_EQ(integer_at(result(), {"successful"}), 10);
}

TEST_F(BadDay, TheCommandThatTheConditionNamesGoesOnWithoutAVerdict) {
    prometheus_->stop();
    begin_update(metric("vector(0.9)"));
    ASSERT_TRUE(in_trouble("MeasurementError")) << to_text(rollout());
    const std::string shown = type_in("sluice get rollout shop -n shop");
    EXPECT_NE(shown.find(concat("\nAnalysisTrouble (MeasurementError): metric success-rate of "
                                "analysis run ",
                                run_name_, ": POST ", prometheus_->url())),
              std::string::npos)
        << shown;
    const auto command = command_after("to go on without it: ");
    EXPECT_EQ(command, "sluice promote shop -n shop");
    type_in(command);
    ASSERT_TRUE(eventually([&] { return step() == 3; })) << to_text(rollout());
    EXPECT_TRUE(trouble().is_null());
    ASSERT_TRUE(eventually([&] { return text_at(run(), {"status", "phase"}) == "Successful"; }));
    EXPECT_EQ(text_at(run(), {"status", "message"}), "Run Terminated");
}

// The deadline of the metric makes it an error; a run that asks somebody else is not held up.
TEST_F(BadDay, AFrozenPrometheusIsAnErrorAndDelaysNobodyElse) {
    RealPrometheus other(test::prometheus_path());
    Json quick = metric("vector(1)", {{"count", 20}});
    quick["provider"]["prometheus"]["address"] = other.url();
    quick["provider"]["prometheus"]["timeout"] = 10;
    begin_update(metric("vector(0.9)", {{"count", 10}}));
    ASSERT_TRUE(eventually([&] { return integer_at(result(), {"successful"}) >= 1; }));
    prometheus_->freeze();
    create(resources::analysis_runs,
           {{"metadata", {{"name", "alone"}}}, {"spec", {{"metrics", {quick}}}}});
    // 20 measurements in a tenth of a second each, while the frozen one has a second for one.
    ASSERT_TRUE(eventually([&] {
        return text_at(run("alone"), {"status", "phase"}) == "Successful";
    })) << to_text(run("alone"));
    ASSERT_TRUE(in_trouble("MeasurementError")) << to_text(rollout());
    expect_told(concat("POST ", prometheus_->url(), "/api/v1/query: no answer within 1s"));
    const Json alone = run("alone");
    // A busy machine may cost it one; the frozen one would have cost it all.
    EXPECT_LE(alone["status"]["metricResults"][0].value("error", 0), 2) << to_text(alone);
    prometheus_->thaw();
    ASSERT_TRUE(eventually([&] { return step() == 3; }, std::chrono::seconds{30}))
        << to_text(run());
    EXPECT_TRUE(trouble().is_null());
}

TEST_F(BadDay, AnEmptyAnswerIsAnErrorEachTime) {
    begin_update(metric("vector(1) > 2", {{"consecutiveErrorLimit", 1}}));
    ASSERT_TRUE(in_trouble("AnalysisRunError")) << to_text(rollout());
    expect_told("the answer was empty");
    EXPECT_EQ(integer_at(result(), {"consecutiveError"}), 2);
    EXPECT_EQ(phase(), "Degraded");
}

TEST_F(BadDay, NaNFailsWhatAsksForSuccessAlone) {
    begin_update(metric("vector(0) / vector(0)"));
    ASSERT_TRUE(in_trouble("AnalysisRunFailed")) << to_text(rollout());
    expect_told("found [NaN] (NaN: not a number)");
    EXPECT_EQ(phase(), "Degraded");
}

TEST_F(BadDay, NaNBetweenTwoConditionsWaitsForAPerson) {
    begin_update(metric("vector(0) / vector(0)", {{"failureCondition", "result[0] < 0.2"}}));
    ASSERT_TRUE(in_trouble("InconclusiveAnalysisRun")) << to_text(rollout());
    expect_told("found [NaN] (NaN: not a number)");
    ASSERT_TRUE(eventually([&] { return phase() == "Paused"; }));
    EXPECT_EQ(text_at(rollout(), {"status", "message"}), "InconclusiveAnalysisRun");
    EXPECT_EQ(step(), 1);
    const auto command = command_after("to go on: ");
    EXPECT_EQ(command, "sluice promote shop -n shop");
    type_in(command);
    ASSERT_TRUE(eventually([&] { return step() == 3; })) << to_text(rollout());
    EXPECT_TRUE(trouble().is_null());
}

TEST_F(BadDay, AQueryThatPrometheusRefusesIsQuoted) {
    begin_update(metric("sum(", {{"consecutiveErrorLimit", 0}}));
    ASSERT_TRUE(in_trouble("AnalysisRunError")) << to_text(rollout());
    expect_told("bad_data: invalid parameter \"query\":");
}

}  // namespace bad_days_test
}  // namespace sluice::shell
