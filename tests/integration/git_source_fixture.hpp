// SPDX-License-Identifier: Apache-2.0
// From a push to objects: git's own smart HTTP server, the GitSource controller, the embedded API
// server.
#pragma once

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
        stop();
        events_.reset();
        transport_->close();
    }

    void start() {
        caches_.emplace("");
        sources_ = std::make_unique<GitSources>(
            GitSources::Options{.data_dir = folder_.path(), .decoders = manifest_decoders()},
            *caches_, *client_, [this](Event event) { events_->add(std::move(event)); }, clock_,
            log_);
        caches_->start(*client_, log_, {resources::git_sources, resources::deliveries});
        sources_->start();
    }
    void stop() {
        caches_->stop();
        sources_.reset();
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

    // Waits for a change of any kind in the store between looks, at most a minute.
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
        const auto deadline = std::chrono::steady_clock::now() + 60s;
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
    std::optional<Caches> caches_;
    std::unique_ptr<GitSources> sources_;
};

}  // namespace
}  // namespace sluice::shell
