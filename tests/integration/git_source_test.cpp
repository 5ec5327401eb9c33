// SPDX-License-Identifier: Apache-2.0
// From a push to objects: git's own smart HTTP server, the GitSource controller, the embedded API
// server.
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "controller/shell/git_source_decoders.hpp"
#include "controller/shell/git_source_webhook.hpp"
#include "controller/shell/git_sources.hpp"
#include "platform/clock.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "tests/support/git_server.hpp"

namespace sluice::shell {
namespace {

using namespace std::chrono_literals;
using standalone::apiserver::Handler;
using standalone::apiserver::InProcessTransport;

class QuietLog final : public Log {
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

const std::string config_map_text =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: blue\n";
const std::string service_text =
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: {app: web}\n"
    "  ports:\n  - port: 80\n";

std::string rollout_text(const std::string& image) {
    return "apiVersion: argoproj.io/v1alpha1\n"
           "kind: Rollout\n"
           "metadata:\n"
           "  name: web\n"
           "spec:\n"
           "  replicas: 1\n"
           "  selector:\n"
           "    matchLabels: {app: web}\n"
           "  template:\n"
           "    metadata:\n"
           "      labels: {app: web}\n"
           "    spec:\n"
           "      containers:\n"
           "      - name: web\n"
           "        image: " +
           image +
           "\n"
           "  strategy:\n"
           "    canary:\n"
           "      steps:\n"
           "      - setWeight: 50\n";
}

class GitSourceTest : public testing::Test {
protected:
    void SetUp() override {
        std::string why;
        server_ = test::GitServer::start(why);
        if (!server_) GTEST_SKIP() << why;
        url_ = server_->create("app");
        store_ = standalone::store::Store::open({.path = ":memory:"}).value();
        handler_ = std::make_unique<Handler>(*store_, clock_, log_);
        handler_->prepare().value();
        transport_ = std::make_unique<InProcessTransport>(*handler_, clock_);
        client_ = std::make_unique<kube::Client>(*transport_, "test");
        events_ = std::make_unique<EventWriter>(*client_, clock_, log_, "gitsource-controller");
        make(resources::namespaces, {{"metadata", {{"name", "shop"}}}});
        start();
    }
    void TearDown() override {
        if (!transport_) return;
        sources_.reset();
        events_.reset();
        transport_->close();
    }

    void start() {
        sources_ = std::make_unique<GitSources>(
            GitSources::Options{
                .data_dir = folder_.path(), .ns = {}, .decoders = manifest_decoders()},
            *client_, *events_, clock_, log_);
        sources_->start();
    }

    void make(const ResourceType& type, Json object) {
        object["apiVersion"] = type.api_version();
        object["kind"] = type.kind;
        const auto made = client_->create(type, object);
        ASSERT_TRUE(made.ok()) << made.error().message;
    }

    void make_source(Json spec = Json::object()) {
        spec["url"] = url_;
        if (!spec.contains("interval")) spec["interval"] = "1h";
        make(resources::git_sources,
             {{"metadata", {{"name", "app"}, {"namespace", "shop"}}}, {"spec", spec}});
    }

    void push(const std::string& path, const std::string& content,
              const std::string& subject = "change") {
        tip_ = server_->push_file("app", "main", path, content, subject);
    }

    // A webhook's hint, until it is heard: the source may have been made a moment ago.
    void hint() { sources_->hint("shop/app"); }

    std::optional<Json> get(const ResourceType& type, const std::string& name) {
        auto object = client_->get({type, type.namespaced ? "shop" : "", name});
        return object.ok() ? std::optional(std::move(object).value()) : std::nullopt;
    }
    Json source() { return get(resources::git_sources, "app").value_or(Json::object()); }

    std::string condition(std::string_view type, const char* what = "message") {
        const Json document = source();
        const Json* conditions = find(document, {"status", "conditions"});
        if (conditions)
            for (const auto& one : *conditions)
                if (text_at(one, {"type"}) == type) return text_at(one, {what});
        return {};
    }

    // Waits for a change of any kind in the store between looks, at most 20 s.
    testing::AssertionResult eventually(const std::function<bool()>& holds) {
        std::mutex mutex;
        std::condition_variable changed;
        long count = 0;
        std::vector<standalone::store::Store::Handle> handles;
        for (const auto& type : {"gitsources.sluice.dev", "events"})
            handles.push_back(store_->listen(type, [&] {
                const std::lock_guard lock(mutex);
                ++count;
                changed.notify_all();
            }));
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        for (;;) {
            if (holds()) return testing::AssertionSuccess();
            if (std::chrono::steady_clock::now() >= deadline)
                return testing::AssertionFailure() << source().dump(2);
            std::unique_lock lock(mutex);
            changed.wait_for(lock, 50ms);
        }
    }
    bool applied() {
        return text_at(source(), {"status", "lastApplied", "commit"}) == tip_ &&
               condition("Ready", "status") == "True";
    }
    bool attempted() { return text_at(source(), {"status", "lastAttempted", "commit"}) == tip_; }
    void push_and_apply(const std::string& path, const std::string& content) {
        push(path, content);
        hint();
        ASSERT_TRUE(eventually([&] { return applied(); }));
    }

    QuietLog log_;
    SystemClock clock_;
    test::TemporaryFolder folder_;
    std::unique_ptr<test::GitServer> server_;
    std::string url_;
    std::string tip_;
    std::unique_ptr<standalone::store::Store> store_;
    std::unique_ptr<Handler> handler_;
    std::unique_ptr<InProcessTransport> transport_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<EventWriter> events_;
    std::unique_ptr<GitSources> sources_;
};

TEST_F(GitSourceTest, WhatIsPushedAppearsAndWhatIsRemovedGoes) {
    push("apps/settings.yaml", config_map_text, "settings");
    push("apps/web.yaml", service_text + "---\n" + rollout_text("web:v1"), "web v1");
    push("docs/ignored.yaml", "not: [an object\n");
    make_source({{"paths", {"apps"}}});
    ASSERT_TRUE(eventually([&] { return applied(); }));
    EXPECT_EQ(condition("Ready"), concat("applied main@", tip_.substr(0, 10), ": 3 objects"));
    EXPECT_EQ(text_at(*get(resources::config_maps, "settings"), {"data", "colour"}), "blue");
    const auto rollout = *get(resources::rollouts, "web");
    EXPECT_EQ(text_at(rollout, {"metadata", "annotations", "sluice.dev/git-source"}), "app");
    const Json status = source();
    const Json& inventory = status["status"]["inventory"];
    ASSERT_EQ(inventory.size(), 3U);
    for (const auto& entry : inventory) {
        EXPECT_EQ(text_at(entry, {"namespace"}), "shop");
        EXPECT_EQ(text_at(entry, {"author"}), "Dev <dev@example.com>");
        EXPECT_EQ(text_at(entry, {"subject"}),
                  text_at(entry, {"kind"}) == "ConfigMap" ? "settings" : "web v1");
    }
    // Nothing changes while nothing changes.
    const long version = store_->version();
    push_and_apply("README.md", "hello\n");
    EXPECT_EQ(text_at(*get(resources::rollouts, "web"), {"metadata", "resourceVersion"}),
              text_at(rollout, {"metadata", "resourceVersion"}));
    EXPECT_GT(store_->version(), version);  // the status, which names the new commit

    push_and_apply("apps/settings.yaml", "");
    EXPECT_FALSE(get(resources::config_maps, "settings").has_value());
    EXPECT_EQ(source()["status"]["inventory"].size(), 2U);
    EXPECT_TRUE(eventually([&] {
        const auto events = client_->list(resources::events, {.ns = "shop"});
        return std::any_of(events->items.begin(), events->items.end(), [](const Json& event) {
            return text_at(event, {"reason"}) == "Pruned";
        });
    }));
}

TEST_F(GitSourceTest, ABrokenFileStopsOnlyItself) {
    push("settings.yaml", config_map_text);
    push("web.yaml", rollout_text("web:v1"), "web v1");
    make_source();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    const auto good = tip_;

    push("settings.yaml",
         "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n"
         "  colour: green\n");
    auto broken = rollout_text("web:v2");
    broken.replace(broken.find("replicas: 1"), 11, "replicas: many\n  colour: red");
    push("web.yaml", broken, "web v2, broken");
    hint();
    ASSERT_TRUE(eventually([&] { return attempted(); }));
    const Json status = source()["status"];
    EXPECT_EQ(text_at(status, {"lastApplied", "commit"}), good);
    EXPECT_EQ(condition("Ready", "reason"), "InvalidManifest");
    ASSERT_EQ(status["problems"].size(), 2U) << status.dump(2);
    EXPECT_EQ(status["problems"][0]["file"], "web.yaml");
    EXPECT_EQ(status["problems"][0]["line"], 6);
    EXPECT_EQ(status["problems"][0]["column"], 3);
    EXPECT_TRUE(
        text_at(status["problems"][0], {"message"}).starts_with("web.yaml:6:3: spec.replicas: "))
        << status.dump(2);
    EXPECT_EQ(text_at(status["problems"][1], {"message"}),
              "web.yaml:7:3: spec.colour: unknown field");
    // The others go on, and its own last good version stays in force, against drift too.
    EXPECT_EQ(text_at(*get(resources::config_maps, "settings"), {"data", "colour"}), "green");
    ASSERT_TRUE(client_
                    ->patch({resources::rollouts, "shop", "web"}, kube::PatchType::Merge,
                            {{"spec", {{"replicas", 7}}}})
                    .ok());
    hint();
    EXPECT_TRUE(eventually([&] {
        return integer_at(*get(resources::rollouts, "web"), {"spec", "replicas"}) == 1;
    }));

    push_and_apply("web.yaml", rollout_text("web:v2"));
    EXPECT_TRUE(source()["status"]["problems"].empty());
    const auto rollout = *get(resources::rollouts, "web");
    EXPECT_EQ(rollout["spec"]["template"]["spec"]["containers"][0]["image"], "web:v2");
}

const std::string virtual_service_text =
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: web}\nspec:\n"
    "  hosts: [web]\n  http:\n  - route:\n"
    "    - {destination: {host: stable}, weight: 100}\n"
    "    - {destination: {host: canary}, weight: 0}\n";

TEST_F(GitSourceTest, DriftIsRepairedButForTraffic) {
    push("routes.yaml", virtual_service_text);
    push("web.yaml", service_text);
    make_source({{"interval", "1s"}});
    ASSERT_TRUE(eventually([&] { return applied(); }));
    const auto routes = Json::parse(R"([{"route": [
        {"destination": {"host": "stable"}, "weight": 80},
        {"destination": {"host": "canary"}, "weight": 20}]}])");
    const Json moved{{"spec", {{"http", routes}, {"hosts", Json::array({"elsewhere"})}}}};
    ASSERT_TRUE(
        client_->patch({resources::virtual_services, "shop", "web"}, kube::PatchType::Merge, moved)
            .ok());
    ASSERT_TRUE(client_
                    ->patch({resources::services, "shop", "web"}, kube::PatchType::Merge,
                            Json::parse(R"({"metadata": {"labels": {"mine": "1"}}, "spec": {
                                   "selector": {"app": "wrong",
                                                "rollouts-pod-template-hash": "abc"}}})"))
                    .ok());
    EXPECT_TRUE(eventually([&] {
        return text_at(*get(resources::services, "web"), {"spec", "selector", "app"}) == "web";
    }));
    const auto service = *get(resources::services, "web");
    EXPECT_EQ(text_at(service, {"spec", "selector", "rollouts-pod-template-hash"}), "abc");
    EXPECT_EQ(text_at(service, {"metadata", "labels", "mine"}), "1");
    EXPECT_TRUE(eventually([&] {
        return (*get(resources::virtual_services, "web"))["spec"]["hosts"] == Json::array({"web"});
    }));
    EXPECT_EQ((*get(resources::virtual_services, "web"))["spec"]["http"], routes);
}

TEST_F(GitSourceTest, GitDownIsSaidAndStopsNothing) {
    push("settings.yaml", config_map_text);
    make_source({{"interval", "1s"}});
    ASSERT_TRUE(eventually([&] { return applied(); }));
    server_->stop();
    ASSERT_TRUE(eventually([&] { return condition("FetchFailed", "status") == "True"; }));
    EXPECT_EQ(condition("Ready", "reason"), "FetchFailed");
    EXPECT_NE(condition("Ready").find("; next try at "), std::string::npos) << condition("Ready");
    EXPECT_NE(condition("Ready").find("; failing since "), std::string::npos);
    ASSERT_TRUE(client_->remove({resources::config_maps, "shop", "settings"}).ok());
    EXPECT_TRUE(eventually([&] { return get(resources::config_maps, "settings").has_value(); }));
    server_->restart();
    EXPECT_TRUE(eventually([&] { return applied(); }));
    EXPECT_EQ(condition("FetchFailed"), "");
}

TEST_F(GitSourceTest, AQuarantinedVersionIsNotAppliedUntilItIsLifted) {
    push("web.yaml", rollout_text("web:v1"), "web v1");
    make_source();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    // v2 comes, is rolled back, and Git returns to v1; then a robot pushes v2 once more.
    push_and_apply("web.yaml", rollout_text("web:v2"));
    const auto digest = text_at(source()["status"]["inventory"][0], {"digest"});
    make(resources::deliveries, {{"metadata", {{"name", "web-2"}, {"namespace", "shop"}}},
                                 {"spec", {{"rollout", {{"name", "web"}}}, {"digest", digest}}}});
    const auto quarantine = [&](bool lifted) {
        ASSERT_TRUE(
            client_
                ->patch({resources::deliveries, "shop", "web-2"}, kube::PatchType::Merge,
                        {{"status",
                          {{"quarantine",
                            {{"digest", digest}, {"reason", "20 % errors"}, {"lifted", lifted}}}}}},
                        "status")
                .ok());
    };
    quarantine(false);
    // It is live: leaving it as it is changes nothing, and whoever rolls back reverts it in Git.
    push_and_apply("web.yaml", rollout_text("web:v1"));
    EXPECT_EQ(condition("Quarantined"), "");
    push("web.yaml", rollout_text("web:v2"), "robot insists");
    hint();
    ASSERT_TRUE(eventually([&] { return attempted(); }));
    EXPECT_EQ(
        condition("Quarantined"),
        concat("rollout shop/web is left as it is: the version of commit ", tip_.substr(0, 10),
               " was rolled back (20 % errors); push another version, or lift it with: kubectl "
               "-n shop annotate delivery web-2 sluice.dev/retry=web-2"));
    const auto image = [&] {
        const auto rollout = *get(resources::rollouts, "web");
        return rollout["spec"]["template"]["spec"]["containers"][0]["image"].get<std::string>();
    };
    EXPECT_EQ(image(), "web:v1");
    EXPECT_EQ(text_at(source()["status"]["inventory"][0], {"subject"}), "change");
    quarantine(true);
    EXPECT_TRUE(eventually([&] { return image() == "web:v2"; }));
    EXPECT_TRUE(eventually([&] { return condition("Quarantined").empty(); }));
}

TEST_F(GitSourceTest, NothingIsPrunedOverASlip) {
    push("apps/settings.yaml", config_map_text);
    push("apps/web.yaml", service_text);
    make_source({{"paths", {"apps"}}});
    ASSERT_TRUE(eventually([&] { return applied(); }));
    // The folder moves away: a slip, or not; either way people lose nothing.
    push("apps/settings.yaml", "");
    push("apps/web.yaml", "");
    hint();
    ASSERT_TRUE(eventually([&] { return attempted(); }));
    EXPECT_TRUE(get(resources::config_maps, "settings").has_value());
    EXPECT_TRUE(get(resources::services, "web").has_value());
    EXPECT_EQ(text_at(source()["status"]["problems"][0], {"message"}),
              concat("apps: nothing is there in commit ", tip_.substr(0, 10)));
    // A broken file may declare what another one no longer does.
    push("apps/web.yaml", "kind: [\n");
    hint();
    ASSERT_TRUE(eventually([&] { return attempted(); }));
    EXPECT_TRUE(get(resources::config_maps, "settings").has_value());
    push_and_apply("apps/web.yaml", service_text);
    EXPECT_FALSE(get(resources::config_maps, "settings").has_value());
}

TEST_F(GitSourceTest, ABranchThatGoesTakesNothingWithIt) {
    push("settings.yaml", config_map_text);
    make_source();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    test::shell("git -C " + server_->directory("app") + " update-ref -d refs/heads/main");
    hint();
    ASSERT_TRUE(eventually([&] { return condition("Ready", "reason") == "BranchMissing"; }));
    EXPECT_TRUE(get(resources::config_maps, "settings").has_value());
}

TEST_F(GitSourceTest, ABadSpecIsToldWhole) {
    make_source({{"interval", "soon"}, {"color", "red"}});
    ASSERT_TRUE(eventually([&] { return condition("Stalled", "status") == "True"; }));
    EXPECT_NE(condition("Ready").find("spec.interval: "), std::string::npos) << condition("Ready");
    EXPECT_NE(condition("Ready").find("spec.color: unknown field"), std::string::npos);
}

TEST_F(GitSourceTest, ASecondControllerGoesOnWhereTheFirstWasKilled) {
    push("settings.yaml", config_map_text);
    push("web.yaml", service_text);
    make_source();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    sources_.reset();
    push("settings.yaml", "");
    test::shell("rm -rf " + folder_.path() + "/git");
    start();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    EXPECT_FALSE(get(resources::config_maps, "settings").has_value());
    EXPECT_TRUE(get(resources::services, "web").has_value());
}

TEST_F(GitSourceTest, AWebhookIsAHintForWhoKnowsTheSecret) {
    push("settings.yaml", config_map_text);
    make(resources::secrets, {{"metadata", {{"name", "hook"}, {"namespace", "shop"}}},
                              {"data", {{"token", base64_encode("t0ken")}}}});
    make_source({{"webhook", {{"secretRef", {{"name", "hook"}}}}}});
    ASSERT_TRUE(eventually([&] { return applied(); }));
    WebhookHandler handler(*sources_, *client_);
    const HttpRequest call{.method = "POST", .url = "/hooks/git/shop/app", .body = "{}"};
    const auto with = [&](std::string name, std::string value) {
        auto request = call;
        request.headers = {{std::move(name), std::move(value)}};
        return request;
    };
    EXPECT_EQ(handler.handle(call).status, 401);
    EXPECT_EQ(handler.handle(with("X-Gitlab-Token", "wrong")).status, 401);
    EXPECT_EQ(handler.handle(with("X-Hub-Signature-256", "sha256=00")).status, 401);
    push("settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n");
    EXPECT_EQ(
        handler.handle(with("X-Hub-Signature-256", "sha256=" + hmac_sha256_hex("t0ken", "{}")))
            .status,
        202);
    EXPECT_TRUE(eventually([&] { return applied(); }));
    EXPECT_EQ(handler.handle(with("X-Gitlab-Token", "t0ken")).status, 202);

    auto other = call;
    other.url = "/hooks/git/shop/nobody";
    EXPECT_EQ(handler.handle(other).status, 404);
    other = call;
    other.method = "GET";
    EXPECT_EQ(handler.handle(other).status, 405);
    other = call;
    other.body = std::string(WebhookHandler::max_body_bytes + 1, 'x');
    EXPECT_EQ(handler.handle(other).status, 413);
}

}  // namespace
}  // namespace sluice::shell
