// SPDX-License-Identifier: Apache-2.0
// The verbs as a user types them, against the real API server over TLS.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "controller/cli/cli.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/apiserver/apiserver.hpp"
#include "tests/support/git_server.hpp"

namespace sluice::cli {
namespace {

class SilentLog final : public Log {
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

Json json_of(const char* text) {
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.ok());
    return *parsed;
}

class CliTest : public testing::Test {
protected:
    void SetUp() override {
        auto server = standalone::apiserver::start_api_server(
            {.data_dir = folder_.path(), .listen = "127.0.0.1:0"}, log_, clock_);
        ASSERT_TRUE(server.ok()) << server.error().message;
        server_ = std::move(*server);
        client_ = std::make_unique<kube::Client>(server_->transport(), "test");
        make_rollout();
    }

    void make_rollout() {
        const auto made = client_->create(
            resources::rollouts, json_of(R"({"metadata": {"name": "web", "namespace": "default",
                        "annotations": {"rollout.argoproj.io/revision": "2"}},
                        "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}},
                                 "spec": {"containers": [{"name": "c", "image": "web:v2"}]}},
                                 "strategy": {"canary": {"steps": [{"pause": {}}, {"pause": {}}]}}}})"));
        ASSERT_TRUE(made.ok()) << made.error().message;
        uid_ = text_at(*made, {"metadata", "uid"});
    }

    void set_status(const Json& status) {
        ASSERT_TRUE(
            client_->patch(web_, kube::PatchType::Merge, {{"status", status}}, "status").ok());
    }

    Json rollout() { return *client_->get(web_); }

    // The exit code; what it printed is in out_ and err_.
    int run_words(std::vector<std::string> words) {
        words.insert(words.begin(), "sluice");
        words.insert(words.end(), {"--kubeconfig", server_->kubeconfig_path()});
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = run(static_cast<int>(arguments.size()), arguments.data());
        out_ = testing::internal::GetCapturedStdout();
        err_ = testing::internal::GetCapturedStderr();
        return code;
    }

    SilentLog log_;
    SystemClock clock_;
    test::TemporaryFolder folder_;
    std::unique_ptr<standalone::apiserver::ApiServer> server_;
    std::unique_ptr<kube::Client> client_;
    const ObjectRef web_{resources::rollouts, "default", "web"};
    std::string uid_, out_, err_;
};

TEST_F(CliTest, PromotePassesAPauseThroughTheStatus) {
    set_status({{"currentStepIndex", 0},
                {"controllerPause", true},
                {"pauseConditions", {{{"reason", "CanaryPauseStep"}}}}});
    EXPECT_EQ(run_words({"promote", "web"}), 0) << err_;
    EXPECT_EQ(out_, "rollout 'web' promoted\n");
    EXPECT_EQ(find(rollout(), {"status", "pauseConditions"}), nullptr);
    EXPECT_TRUE(bool_at(rollout(), {"status", "controllerPause"}));
}

TEST_F(CliTest, AbortRetryPauseResumeWriteTheFieldsOfUpstream) {
    EXPECT_EQ(run_words({"abort", "web"}), 0) << err_;
    EXPECT_TRUE(bool_at(rollout(), {"status", "abort"}));
    EXPECT_EQ(run_words({"retry", "web"}), 0) << err_;
    EXPECT_FALSE(bool_at(rollout(), {"status", "abort"}, true));
    EXPECT_EQ(run_words({"pause", "web"}), 0) << err_;
    EXPECT_TRUE(bool_at(rollout(), {"spec", "paused"}));
    EXPECT_EQ(run_words({"resume", "web"}), 0) << err_;
    EXPECT_FALSE(bool_at(rollout(), {"spec", "paused"}, true));
}

TEST_F(CliTest, RestartSaysWhen) {
    EXPECT_EQ(run_words({"restart", "web", "--in", "1h"}), 0) << err_;
    EXPECT_EQ(out_, "rollout 'web' restarts in 1h\n");
    const auto at = parse_rfc3339(text_at(rollout(), {"spec", "restartAt"}));
    ASSERT_TRUE(at.ok());
    EXPECT_GT(*at, clock_.now() + std::chrono::minutes{59});
    EXPECT_EQ(run_words({"restart", "web", "--in", "soon"}), 1);
    EXPECT_EQ(run_words({"restart", "nobody"}), 3);
}

TEST_F(CliTest, UndoBringsAnOlderTemplateBack) {
    const Json owners = {{{"apiVersion", "argoproj.io/v1alpha1"},
                          {"kind", "Rollout"},
                          {"name", "web"},
                          {"uid", uid_},
                          {"controller", true}}};
    Json old = json_of(R"({"metadata": {"name": "web-old", "namespace": "default",
                           "annotations": {"rollout.argoproj.io/revision": "1"}},
                           "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
                           "template": {"metadata": {"labels": {"app": "web",
                                        "rollouts-pod-template-hash": "old"}},
                           "spec": {"containers": [{"name": "c", "image": "web:v1"}]}}}})");
    old["metadata"]["ownerReferences"] = owners;
    ASSERT_TRUE(client_->create(resources::replica_sets, old).ok());
    EXPECT_EQ(run_words({"undo", "web"}), 0) << err_;
    EXPECT_EQ(out_, "rollout 'web' undo to revision 1\n");
    const Json after = rollout();
    EXPECT_EQ(after["spec"]["template"]["spec"]["containers"][0]["image"], "web:v1");
    EXPECT_FALSE(
        after["spec"]["template"]["metadata"]["labels"].contains("rollouts-pod-template-hash"));
    EXPECT_EQ(run_words({"undo", "web", "--to-revision", "9"}), 3);
    EXPECT_EQ(err_,
              "sluice: undo rollout default/web: unable to find specified revision 9 in history\n");
}

TEST_F(CliTest, StatusTellsOnceOrWaitsForTheEnd) {
    set_status({{"phase", "Paused"}, {"message", "CanaryPauseStep"}, {"observedGeneration", "1"}});
    EXPECT_EQ(run_words({"status", "web", "--watch=false"}), 0) << err_;
    EXPECT_EQ(out_, "Paused - CanaryPauseStep\n");
    EXPECT_EQ(run_words({"status", "web", "--timeout", "50ms"}), 4);
    EXPECT_EQ(err_, "sluice: timed out: the rollout is still Paused - CanaryPauseStep\n");
    EXPECT_EQ(run_words({"status", "web", "--timeout", "soon"}), 2);
    {
        const std::jthread later([&] { set_status({{"phase", "Healthy"}, {"message", nullptr}}); });
        EXPECT_EQ(run_words({"status", "web"}), 0) << err_;
    }
    EXPECT_TRUE(out_.ends_with("Healthy\n")) << out_;
    set_status({{"phase", "Degraded"}, {"message", "RolloutAborted: gate"}});
    EXPECT_EQ(run_words({"status", "web"}), 1);
    EXPECT_EQ(err_, "sluice: the rollout is degraded: RolloutAborted: gate\n");
    EXPECT_EQ(run_words({"status", "nobody"}), 3);
}

TEST_F(CliTest, HistoryTellsWhatCanBeGoneBackTo) {
    const auto add = [&](const std::string& hash, const std::string& revision) {
        Json set = json_of(R"({"metadata": {"namespace": "default"},
                               "spec": {"selector": {"matchLabels": {"app": "web"}},
                               "template": {"metadata": {"labels": {"app": "web"}}, "spec":
                                {"containers": [{"name": "c", "image": "web:v1"}]}}}})");
        set["metadata"]["name"] = "web-" + hash;
        set["metadata"]["labels"] = {{"rollouts-pod-template-hash", hash}};
        set["metadata"]["annotations"] = {{"rollout.argoproj.io/revision", revision}};
        set["metadata"]["ownerReferences"] = {{{"apiVersion", "argoproj.io/v1alpha1"},
                                               {"kind", "Rollout"},
                                               {"name", "web"},
                                               {"uid", uid_},
                                               {"controller", true}}};
        ASSERT_TRUE(client_->create(resources::replica_sets, set).ok());
    };
    add("one", "1");
    add("two", "2");
    set_status({{"stableRS", "one"}, {"currentPodHash", "two"}});
    EXPECT_EQ(run_words({"history", "web", "-o", "json"}), 0) << err_;
    const Json rows = *parse_json(out_);
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0]["revision"], 2);
    EXPECT_EQ(rows[0]["role"], "canary");
    EXPECT_EQ(rows[1]["role"], "stable");
    EXPECT_EQ(run_words({"history", "web"}), 0) << err_;
    EXPECT_TRUE(
        out_.starts_with("REVISION   HASH   IMAGES   ROLE     OUTCOME   COMMIT   CREATED\n"
                         "2          two    web:v1   canary   -         -        2"))
        << out_;
}

TEST_F(CliTest, SetImageChangesOneContainer) {
    EXPECT_EQ(run_words({"set", "image", "web", "c=web:v3"}), 0) << err_;
    EXPECT_EQ(out_, "rollout 'web' image updated\n");
    EXPECT_EQ(rollout()["spec"]["template"]["spec"]["containers"][0]["image"], "web:v3");
    EXPECT_EQ(run_words({"set-image", "web", "*=web:v4"}), 0) << err_;
    EXPECT_EQ(rollout()["spec"]["template"]["spec"]["containers"][0]["image"], "web:v4");
    EXPECT_EQ(run_words({"set-image", "web", "other=web:v3"}), 3);
    EXPECT_EQ(err_,
              "sluice: set image of rollout default/web: unable to find container named "
              "\"other\"\n");
    EXPECT_EQ(run_words({"set-image", "web", "c"}), 1);
    ASSERT_TRUE(client_
                    ->patch(web_, kube::PatchType::Merge,
                            {{"metadata", {{"annotations", {{"sluice.dev/git-source", "repo"}}}}}})
                    .ok());
    EXPECT_EQ(run_words({"set-image", "web", "c=web:v5"}), 1);
    EXPECT_NE(err_.find("it is declared in Git (git source repo)"), std::string::npos) << err_;
}

TEST_F(CliTest, SeveralAtOnceAndTheFirstFailureIsTheExitCode) {
    EXPECT_EQ(run_words({"abort", "nobody", "web"}), 3);
    EXPECT_TRUE(bool_at(rollout(), {"status", "abort"}));
    EXPECT_EQ(run_words({"retry", "rollout", "web"}), 0) << err_;
    EXPECT_FALSE(bool_at(rollout(), {"status", "abort"}, true));
}

TEST_F(CliTest, GetShowsATableOrTheObject) {
    set_status({{"phase", "Paused"}, {"currentStepIndex", 1}, {"readyReplicas", 2}});
    EXPECT_EQ(run_words({"get", "rollout", "web"}), 0) << err_;
    EXPECT_EQ(
        out_,
        "NAME   STATUS   STEP   SET-WEIGHT   READY   DESIRED   UP-TO-DATE   AVAILABLE   MESSAGE\n"
        "web    Paused   1/2    0            2       2         0            0\n");
    EXPECT_EQ(run_words({"get", "web", "-o", "json"}), 0) << err_;
    EXPECT_EQ(text_at(*parse_json(out_), {"metadata", "uid"}), uid_);
}

TEST_F(CliTest, SaysWhatIsNotThereAndWhatIsNotUnderstood) {
    EXPECT_EQ(run_words({"abort", "nobody"}), 3);
    EXPECT_EQ(
        err_,
        "sluice: get rollout default/nobody: 404: rollouts.argoproj.io \"nobody\" not found\n");
    EXPECT_EQ(run_words({"promte", "web"}), 2);
    EXPECT_EQ(run_words({"promote"}), 2);
}

}  // namespace
}  // namespace sluice::cli
