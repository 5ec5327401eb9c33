// SPDX-License-Identifier: Apache-2.0
// A real kubectl against the embedded API server, over TLS.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/apiserver.hpp"
#include "tests/integration/child.hpp"

namespace sluice::standalone::apiserver {
namespace {

class WallClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override {
        return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    }
};

class QuietLog final : public Log {
public:
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

// Two lines at once, and a third for whoever follows.
class ThreeLines final : public LogSource {
    class Stream final : public BodyStream {
    public:
        explicit Stream(bool follow) : follow_(follow) {}
        Piece next(TimePoint) override {
            if (step_++ == 0) return {"line 1\nline 2\n", !follow_};
            return {"line 3\n", true};
        }
        [[nodiscard]] std::optional<TimePoint> due() const override { return std::nullopt; }
        void on_ready(std::function<void()>) override {}

    private:
        bool follow_;
        int step_ = 0;
    };

public:
    Result<std::unique_ptr<BodyStream>> open(const LogQuery& query) override {
        return std::unique_ptr<BodyStream>(std::make_unique<Stream>(query.follow));
    }
};

constexpr std::string_view manifest = R"(
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "shop:v1"}]}
  strategy: {canary: {steps: [{setWeight: 5}, {pause: {}}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: 8080}]
)";

class Kubectl : public ::testing::Test {
protected:
    void SetUp() override {
        const char* tools = std::getenv("SLUICE_TOOLS");
        if (!tools) GTEST_SKIP() << "SLUICE_TOOLS is not set: no kubectl";
        program_ = concat(tools, "/usr/bin/kubectl");
        if (!std::filesystem::exists(program_)) GTEST_SKIP() << program_ << " is not there";
        std::string pattern = ::testing::TempDir() + "/sluice-kubectl-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        start();
    }
    void TearDown() override {
        server_.reset();
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }

    void start() {
        server_.reset();
        auto started = start_api_server({.data_dir = folder_ + "/data", .listen = "127.0.0.1:0"},
                                        log_, clock_);
        ASSERT_TRUE(started.ok()) << started.error().message;
        server_ = std::move(started).value();
        server_->set_log_source(&lines_);
    }

    [[nodiscard]] std::unique_ptr<sluice::testing::Child> spawn(
        std::vector<std::string> arguments, const std::string& kubeconfig = {}) const {
        arguments.insert(arguments.begin(), program_);
        return std::make_unique<sluice::testing::Child>(
            arguments,
            std::vector<std::string>{
                concat("KUBECONFIG=", kubeconfig.empty() ? server_->kubeconfig_path() : kubeconfig),
                concat("HOME=", folder_), "PATH=/usr/bin:/bin"});
    }
    // Its output; a failure unless it exits with `status`.
    std::string run(std::vector<std::string> arguments, int status = 0) const {
        const std::string what = join(arguments, " ");
        const auto outcome = spawn(std::move(arguments))->wait();
        EXPECT_EQ(outcome.status, status) << what << "\n" << outcome.output;
        return outcome.output;
    }
    std::string write(const std::string& name, std::string_view content) const {
        const std::string path = concat(folder_, "/", name);
        std::ofstream(path) << content;
        return path;
    }
    void apply_manifest() { run({"apply", "--validate=false", "-f", write("all.yaml", manifest)}); }

    std::string program_;
    std::string folder_;
    WallClock clock_;
    QuietLog log_;
    ThreeLines lines_;
    std::unique_ptr<ApiServer> server_;
};

TEST_F(Kubectl, AppliesCreatesAndUpdates) {
    const std::string path = write("all.yaml", manifest);
    EXPECT_EQ(run({"apply", "--validate=false", "-f", path}),
              "rollout.argoproj.io/web created\nservice/web created\n");
    EXPECT_EQ(run({"apply", "--validate=false", "-f", path}),
              "rollout.argoproj.io/web unchanged\nservice/web unchanged\n");
    std::string changed(manifest);
    changed.replace(changed.find("shop:v1"), 7, "shop:v2");
    changed.replace(changed.find("8080"), 4, "9090");
    EXPECT_EQ(run({"apply", "--validate=false", "-f", write("all.yaml", changed)}),
              "rollout.argoproj.io/web configured\nservice/web configured\n");
    EXPECT_EQ(
        run({"get", "rollout", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"}),
        "shop:v2");
    EXPECT_EQ(run({"get", "service", "web", "-o", "jsonpath={.spec.ports[0].targetPort}"}), "9090");
}

TEST_F(Kubectl, GetsInEveryForm) {
    apply_manifest();
    EXPECT_NE(run({"get", "ro", "web", "-o", "yaml"}).find("kind: Rollout\n"), std::string::npos);
    EXPECT_EQ(parse_json(run({"get", "ro", "web", "-o", "json"})).value()["spec"]["replicas"], 3);
    const std::string table = run({"get", "ro"});
    EXPECT_EQ(table.substr(0, table.find('\n')),
              "NAME   DESIRED   CURRENT   UP-TO-DATE   AVAILABLE   AGE");
    EXPECT_NE(run({"get", "all"}).find("service/web"), std::string::npos);
    EXPECT_NE(run({"get", "ro", "-A", "-l", "app=web"}).find("default     web"), std::string::npos);
    EXPECT_NE(run({"get", "ro", "nope"}, 1).find("rollouts.argoproj.io \"nope\" not found"),
              std::string::npos);
}

TEST_F(Kubectl, WatchesChanges) {
    apply_manifest();
    const auto watch =
        spawn({"get", "ro", "-w", "--no-headers", "-o", "custom-columns=R:.spec.replicas"});
    EXPECT_EQ(watch->read_line(), "3");
    run({"scale", "rollout/web", "--replicas=5"});
    EXPECT_EQ(watch->read_line(), "5");
}

TEST_F(Kubectl, DescribesWithEvents) {
    apply_manifest();
    const Json live = parse_json(run({"get", "ro", "web", "-o", "json"})).value();
    const Json event = {{"metadata", {{"name", "web.1"}, {"namespace", "default"}}},
                        {"involvedObject",
                         {{"kind", "Rollout"},
                          {"name", "web"},
                          {"namespace", "default"},
                          {"uid", live["metadata"]["uid"]}}},
                        {"type", "Normal"},
                        {"reason", "RolloutUpdated"},
                        {"message", "Rollout updated to revision 1"}};
    const auto posted = server_->transport().send(
        {.method = "POST", .url = "/api/v1/namespaces/default/events", .body = to_text(event)});
    ASSERT_EQ(posted.value().status, 201) << posted.value().body;
    const std::string text = run({"describe", "ro", "web"});
    EXPECT_NE(text.find("Kind:         Rollout"), std::string::npos) << text;
    EXPECT_NE(text.find("Rollout updated to revision 1"), std::string::npos) << text;
}

TEST_F(Kubectl, PatchesAndDeletes) {
    apply_manifest();
    run({"patch", "ro", "web", "--type", "merge", "-p", R"({"spec":{"paused":true}})"});
    run({"patch", "ro", "web", "--type", "json", "-p",
         R"([{"op":"replace","path":"/spec/replicas","value":7}])"});
    EXPECT_EQ(run({"get", "ro", "web", "-o", "jsonpath={.spec.paused} {.spec.replicas}"}),
              "true 7");
    const std::string refused = run({"patch", "ro", "web", "--type", "json", "-p",
                                     R"([{"op":"test","path":"/spec/replicas","value":1}])"},
                                    1);
    EXPECT_NE(refused.find("The request is invalid"), std::string::npos);
    run({"label", "ro", "web", "color=red"});
    EXPECT_EQ(run({"delete", "ro", "web"}), "rollout.argoproj.io \"web\" deleted\n");
    run({"get", "ro", "web"}, 1);
}

TEST_F(Kubectl, ReadsLogs) {
    run({"create", "--validate=false", "-f",
         write("pod.json", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},)"
                           R"("spec":{"containers":[{"name":"c","image":"shop:v1"}]}})")});
    EXPECT_EQ(run({"logs", "p"}), "line 1\nline 2\n");
    EXPECT_EQ(run({"logs", "-f", "p"}), "line 1\nline 2\nline 3\n");
}

TEST_F(Kubectl, IsRefusedWithAWrongToken) {
    std::ifstream file(server_->kubeconfig_path());
    std::string config(std::istreambuf_iterator<char>(file), {});
    const auto at = config.find("token: ") + 7;
    config[at] = config[at] == 'a' ? 'b' : 'a';
    const std::string path = write("wrong", config);
    const auto outcome = spawn({"get", "ro"}, path)->wait();
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.output.find("You must be logged in to the server"), std::string::npos)
        << outcome.output;
}

TEST_F(Kubectl, FindsEverythingAgainAfterARestart) {
    apply_manifest();
    const std::string before = run({"get", "ro", "web", "-o", "json"});
    start();
    EXPECT_EQ(run({"get", "ro", "web", "-o", "json"}), before);
}

TEST_F(Kubectl, SecretsAreTheOwnersAlone) {
    for (const auto& path :
         {server_->kubeconfig_path(), server_->token_path(), folder_ + "/data/pki/ca.key",
          folder_ + "/data/pki/admin.key", folder_ + "/data/store.db"}) {
        struct stat facts {};
        ASSERT_EQ(::stat(path.c_str(), &facts), 0) << path;
        EXPECT_EQ(facts.st_mode & 0777, 0600U) << path;
    }
}

}  // namespace
}  // namespace sluice::standalone::apiserver
