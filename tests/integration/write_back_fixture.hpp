// SPDX-License-Identifier: Apache-2.0
// From Git to Git on real parts: git's own smart HTTP server, the GitSource and Delivery
// controllers with their threads, the embedded API server. Only the rollout controller's part of
// the status is written by hand.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/deliveries.hpp"
#include "controller/shell/git_source_decoders.hpp"
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

class NoLog final : public Log {
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

std::string shop_manifest(const std::string& image) {
    return concat(
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: shop}\nspec:\n  "
        "replicas: 1\n"
        "  selector: {matchLabels: {app: shop}}\n  template:\n    metadata: {labels: {app: shop}}\n"
        "    spec: {containers: [{name: shop, image: '",
        image,
        "'}]}\n  strategy:\n    canary:\n      canaryService: shop-canary\n      stableService: "
        "shop-stable\n"
        "      trafficRouting: {nginx: {stableIngress: shop}}\n"
        "      steps: [{setWeight: 5}, {pause: {}}, {setWeight: 50}, {pause: {}}]\n");
}

class WriteBackTest : public testing::Test {
protected:
    void SetUp() override {
        std::string why;
        git_ = test::GitServer::start(why);
        if (!git_) GTEST_SKIP() << why;
        url_ = git_->create("shop");
        store_ = standalone::store::Store::open({.path = ":memory:"}).value();
        handler_ = std::make_unique<Handler>(*store_, clock_, log_);
        handler_->prepare().value();
        transport_ = std::make_unique<InProcessTransport>(*handler_, clock_);
        client_ = std::make_unique<kube::Client>(*transport_, "test");
        events_ = std::make_unique<EventWriter>(*client_, clock_, log_, "test");
        make(resources::namespaces, {{"metadata", {{"name", "shop"}}}});
        make(resources::git_sources, {{"metadata", {{"name", "app"}, {"namespace", "shop"}}},
                                      {"spec",
                                       {{"url", url_},
                                        {"interval", "1h"},
                                        {"timeout", "10s"},
                                        {"writeBack", Json::object()}}}});
        sources_ = std::make_unique<GitSources>(
            GitSources::Options{.data_dir = folder_.path(), .decoders = manifest_decoders()},
            caches_, *client_, [this](Event event) { events_->add(std::move(event)); }, clock_,
            log_);
        caches_.start(*client_, log_, {resources::git_sources, resources::deliveries});
        sources_->start();
        start_deliveries();
    }
    void TearDown() override {
        if (!transport_) return;
        stop_deliveries();
        caches_.stop();
        sources_.reset();
        events_.reset();
        transport_->close();
    }
    // With watches of its own, so that it may be started again.
    void start_deliveries() {
        delivery_caches_.emplace("");
        deliveries_ = std::make_unique<Deliveries>(
            Deliveries::Options{
                .version = "0.1.0", .instance = "test", .writers = {.window = 50ms}},
            *delivery_caches_, *client_,
            [this](const std::string& key) { return sources_->open(key); },
            [this](const std::string& key) { sources_->hint(key); }, clock_, log_);
        delivery_caches_->start(*client_, log_, DeliveryWorld::kinds());
        deliveries_->start();
    }
    void stop_deliveries() {
        if (delivery_caches_) delivery_caches_->stop();
        deliveries_.reset();
    }

    void make(const ResourceType& type, Json object) {
        object["apiVersion"] = type.api_version();
        object["kind"] = type.kind;
        const auto made = client_->create(type, object);
        ASSERT_TRUE(made.ok()) << made.error().message;
    }
    Json get(const ResourceType& type, const std::string& name) {
        auto found = client_->get({type, "shop", name});
        return found.ok() ? *std::move(found) : Json::object();
    }
    std::string image() {
        const Json rollout = get(resources::rollouts, "shop");
        const Json* containers = find(rollout, {"spec", "template", "spec", "containers"});
        return containers ? text_at(containers->front(), {"image"}) : "";
    }
    Json delivery_status(const std::string& name) {
        return get(resources::deliveries, name).value("status", Json::object());
    }
    // What the rollout controller would write.
    void status(Json change) {
        const Json live = get(resources::rollouts, "shop");
        change["observedGeneration"] = std::to_string(integer_at(live, {"metadata", "generation"}));
        const auto done = client_->patch({resources::rollouts, "shop", "shop"},
                                         kube::PatchType::Merge, {{"status", change}}, "status");
        ASSERT_TRUE(done.ok()) << done.error().message;
    }
    static Json weights(long weight) {
        return {{"weights",
                 {{"canary", {{"weight", weight}}}, {"stable", {{"weight", 100 - weight}}}}}};
    }
    void push(const std::string& version) {
        git_->push_file("shop", "main", "shop.yaml", shop_manifest("shop:" + version),
                        "shop: bump to " + version);
        sources_->hint("shop/app");
        ASSERT_TRUE(eventually([&] { return image() == "shop:" + version; }));
    }
    // As `git` on the server sees it.
    std::string git(const std::string& arguments) {
        return test::shell(
            concat("git -C ", git_->directory("shop"), " ", arguments, " 2>/dev/null || true"));
    }
    std::string subjects(const std::string& branch) { return git("log --format=%s " + branch); }

    testing::AssertionResult eventually(const std::function<bool()>& holds) {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<standalone::store::Store::Handle> handles;
        for (const auto& type :
             {"deliveries.sluice.dev", "gitsources.sluice.dev", "rollouts.argoproj.io"})
            handles.push_back(store_->listen(type, [&] {
                const std::lock_guard lock(mutex);
                changed.notify_all();
            }));
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() >= deadline)
                return testing::AssertionFailure()
                       << to_pretty_text(client_->list(resources::deliveries).value().items)
                       << "\nmain:\n"
                       << subjects("main") << "\nrecords:\n"
                       << subjects("sluice-records");
            std::unique_lock lock(mutex);
            changed.wait_for(lock, 50ms);
        }
        return testing::AssertionSuccess();
    }
    void deliver_v1() {
        push("v1");
        status({{"currentPodHash", "h1"}});
        status({{"currentPodHash", "h1"}, {"stableRS", "h1"}, {"phase", "Healthy"}});
        ASSERT_TRUE(eventually(
            [&] { return subjects("sluice-records") == "sluice: promoted shop/shop v1 (local)"; }));
    }
    void try_v2() {
        push("v2");
        status({{"currentPodHash", "h2"}, {"currentStepIndex", 0}, {"canary", weights(0)}});
        ASSERT_TRUE(eventually([&] { return delivery_status("shop-2").contains("phase"); }));
        status({{"currentStepIndex", 1}, {"canary", weights(5)}});
        ASSERT_TRUE(eventually([&] { return delivery_status("shop-2").contains("steps"); }));
    }
    void reject_v2() {
        status({{"abort", true},
                {"abortedAt", format_rfc3339(clock_.now())},
                {"conditions",
                 Json::array(
                     {{{"type", "Progressing"},
                       {"reason", "RolloutAborted"},
                       {"message",
                        "Rollout aborted update to revision 2: metric error-rate failed"}}})}});
        status({{"currentStepIndex", 0}, {"canary", weights(0)}});
    }

    NoLog log_;
    SystemClock clock_;
    test::TemporaryFolder folder_;
    std::unique_ptr<test::GitServer> git_;
    std::string url_;
    std::unique_ptr<standalone::store::Store> store_;
    std::unique_ptr<Handler> handler_;
    std::unique_ptr<InProcessTransport> transport_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<EventWriter> events_;
    Caches caches_{""};
    std::unique_ptr<GitSources> sources_;
    std::optional<Caches> delivery_caches_;
    std::unique_ptr<Deliveries> deliveries_;
};

}  // namespace
}  // namespace sluice::shell
