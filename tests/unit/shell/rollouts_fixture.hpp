// SPDX-License-Identifier: Apache-2.0
// A rollout controller on the real API server's handler, turned by hand, while calls fail.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/shell/rollouts.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "tests/support/cluster.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::shell {

using standalone::apiserver::InProcessTransport;
using standalone::apiserver::testing::TestServer;
using test::eventually;

// Refuses what it is told to refuse, and may keep what watches say to itself.
class FaultyTransport final : public HttpTransport {
public:
    FaultyTransport(HttpTransport& inner) : inner_(inner) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
        if (hold && request.method != "GET") {
            ++held;
            hold.wait(true);
        }
        if (refuse && refuse(request)) {
            ++refused;
            return HttpResponse{status, {}, R"({"message":"refused"})"};
        }
        return inner_.send(request);
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override {
        return inner_.stream(
            request, [&](std::string_view chunk) { return silent || on_chunk(chunk); },
            std::move(stop));
    }
    std::function<bool(const HttpRequest&)> refuse;  // set before anybody sends
    int status = 500;
    std::atomic<int> refused = 0;
    std::atomic<bool> silent = false;
    std::atomic<bool> hold = false;  // writes wait
    std::atomic<int> held = 0;

private:
    HttpTransport& inner_;
};

inline Json rollout_document(const std::string& version) {
    Json document = Json::parse(R"({
      "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
      "metadata": {"name": "shop", "namespace": "default",
                   "annotations": {"rollout.argoproj.io/revision": "2"}},
      "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "shop"}},
        "template": {"metadata": {"labels": {"app": "shop"}},
                     "spec": {"containers": [{"name": "shop", "image": ""}]}},
        "strategy": {"canary": {"canaryService": "canary", "stableService": "stable",
          "trafficRouting": {"nginx": {"stableIngress": "front"}},
          "steps": [{"setWeight": 50}, {"pause": {}}]}}}})");
    document["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:" + version;
    return document;
}

// A canary of v2 beside v1 with half of the traffic, and a controller that only turns by hand.
class RolloutsTest : public testing::Test {
public:
    RolloutsTest() {
        add_rollout();
        add_replica_set("v1", 2, 1);
        add_replica_set("v2", 1, 2);
        add_service("stable", "v1");
        add_service("canary", "v2");
        add_ingress("front", "stable", Json::object());
        add_ingress("shop-front-canary", "canary",
                    {{"nginx.ingress.kubernetes.io/canary", "true"},
                     {"nginx.ingress.kubernetes.io/canary-weight", "50"}});
    }
    ~RolloutsTest() override {
        if (caches_) caches_->stop();
    }
    void start(const std::string& ns = {}) {
        caches_.emplace(ns);
        rollouts_.emplace(
            Rollouts::Options{.workers = 0, .traffic_workers = 0}, *caches_, client_, client_,
            [this](Event event) { told_.push_back(std::move(event)); }, server_.clock, server_.log);
        caches_->start(client_, server_.log);
        rollouts_->start();
    }
    void start_and_sync() {
        start();
        ASSERT_TRUE(eventually([&] { return rollouts_->synced(); }));
    }
    // The watches have told everything that is there.
    bool has_seen_all() {
        const World& world = rollouts_->world();
        const auto each = [this](const ResourceType& type, const auto& is_seen) {
            const auto items = user_.list(type, {.ns = "default"}).value().items;
            return std::ranges::all_of(items, [&](const Json& item) {
                const std::string key = "default/" + text_at(item, {"metadata", "name"});
                return is_seen(key, item, text_at(item, {"metadata", "resourceVersion"}));
            });
        };
        using Key = std::string;
        return each(resources::rollouts,
                    [&](const Key& key, const Json&, const Key& version) {
                        const auto view = world.rollouts.get(key);
                        return view && view->metadata.resource_version == version;
                    }) &&
               each(resources::replica_sets,
                    [&](const Key& key, const Json&, const Key& version) {
                        const auto view = world.replica_sets.get(key);
                        return view && view->seen.resource_version == version;
                    }) &&
               each(resources::ingresses,
                    [&](const Key& key, const Json& item, const Key&) {
                        const auto view = world.ingresses.get(key);
                        return view && view->document == item;
                    }) &&
               each(resources::services, [&](const Key& key, const Json& item, const Key&) {
                   const auto view = world.services.get(key);
                   return view && *view == view_service(item);
               });
    }
    Json get(const ResourceType& type, const std::string& name) {
        return user_.get({type, "default", name}).value();
    }
    std::string canary_serves() {
        return text_at(get(resources::services, "canary"),
                       {"spec", "selector", crds::pod_template_hash_label});
    }
    static std::string hash(const std::string& version) {
        return crds::decode_rollout(rollout_document(version)).pod_template.hash;
    }
    // Instead of the Ingress: half of the traffic by subsets, stable's first.
    void add_istio() {
        const ObjectRef rollout{resources::rollouts, "default", "shop"};
        const Json routing = {{"nginx", nullptr},
                              {"istio",
                               {{"virtualService", {{"name", "shop"}}},
                                {"destinationRule",
                                 {{"name", "shop"},
                                  {"stableSubsetName", "stable"},
                                  {"canarySubsetName", "canary"}}}}}};
        const Json canary = {{"trafficRouting", routing}};
        user_
            .patch(rollout, kube::PatchType::Merge,
                   {{"spec", {{"strategy", {{"canary", canary}}}}}})
            .value();
        const auto metadata = Json{{"name", "shop"}, {"namespace", "default"}};
        const auto to = [](const char* subset) {
            return Json{{"destination", {{"host", "stable"}, {"subset", subset}}}, {"weight", 50}};
        };
        const auto subset = [](const char* name, const char* hash) {
            return Json{{"name", name},
                        {"labels", {{"app", "shop"}, {crds::pod_template_hash_label, hash}}}};
        };
        const Json http = {{"route", {to("stable"), to("canary")}}};
        user_
            .create(resources::virtual_services,
                    {{"metadata", metadata}, {"spec", {{"hosts", {"shop"}}, {"http", {http}}}}})
            .value();
        user_
            .create(resources::destination_rules,
                    {{"metadata", metadata},
                     {"spec",
                      {{"host", "stable"},
                       {"subsets", {subset("stable", "v1"), subset("canary", "v2")}}}}})
            .value();
    }
    void patch_status(const ResourceType& type, const std::string& name, const Json& status) {
        user_.patch({type, "default", name}, kube::PatchType::Merge, {{"status", status}}, "status")
            .value();
    }

    void add_pod(const std::string& name, const std::string& owner) {
        const Json reference = {{"apiVersion", "apps/v1"},
                                {"kind", "ReplicaSet"},
                                {"name", "any"},
                                {"uid", owner},
                                {"controller", true}};
        const Json made =
            user_
                .create(
                    resources::pods,
                    {{"metadata",
                      {{"name", name},
                       {"namespace", "default"},
                       {"labels", {{"app", "shop"}, {crds::pod_template_hash_label, hash("v1")}}},
                       {"ownerReferences", {reference}}}},
                     {"spec", {{"containers", {{{"name", "c"}, {"image", "shop:v1"}}}}}}})
                .value();
        patch_status(resources::pods, name,
                     {{"conditions",
                       {{{"type", "Ready"},
                         {"status", "True"},
                         {"lastTransitionTime", made["metadata"]["creationTimestamp"]}}}}});
    }
    std::string uid_of_set(const std::string& version) {
        return text_at(get(resources::replica_sets, "shop-" + hash(version)), {"metadata", "uid"});
    }

private:
    static Json owners(const std::string& uid) {
        return {{{"apiVersion", "argoproj.io/v1alpha1"},
                 {"kind", "Rollout"},
                 {"name", "shop"},
                 {"uid", uid},
                 {"controller", true}}};
    }
    void add_rollout() {
        const Json made = user_.create(resources::rollouts, rollout_document("v2")).value();
        uid_ = text_at(made, {"metadata", "uid"});
        patch_status(resources::rollouts, "shop",
                     {{"stableRS", hash("v1")},
                      {"currentPodHash", hash("v2")},
                      {"currentStepHash", crds::decode_rollout(made).step_hash},
                      {"currentStepIndex", 0},
                      {"abort", true}});
    }
    void add_replica_set(const std::string& version, long size, long revision) {
        const auto own = hash(version);
        Json pods = rollout_document(version)["spec"]["template"];
        pods["metadata"]["labels"][crds::pod_template_hash_label] = own;
        user_
            .create(resources::replica_sets,
                    {{"apiVersion", "apps/v1"},
                     {"kind", "ReplicaSet"},
                     {"metadata",
                      {{"name", "shop-" + own},
                       {"namespace", "default"},
                       {"labels", pods["metadata"]["labels"]},
                       {"annotations", {{crds::revision_annotation, std::to_string(revision)}}},
                       {"ownerReferences", owners(uid_)}}},
                     {"spec",
                      {{"replicas", size},
                       {"selector", {{"matchLabels", pods["metadata"]["labels"]}}},
                       {"template", pods}}}})
            .value();
        patch_status(resources::replica_sets, "shop-" + own,
                     {{"replicas", size}, {"readyReplicas", size}, {"availableReplicas", size}});
    }
    void add_service(const std::string& name, const std::string& version) {
        user_
            .create(
                resources::services,
                {{"apiVersion", "v1"},
                 {"kind", "Service"},
                 {"metadata",
                  {{"name", name},
                   {"namespace", "default"},
                   {"annotations", {{crds::managed_by_annotation, "shop"}}}}},
                 {"spec",
                  {{"selector", {{"app", "shop"}, {crds::pod_template_hash_label, hash(version)}}},
                   {"ports", {{{"port", 80}}}}}}})
            .value();
    }
    void add_ingress(const std::string& name, const std::string& service, const Json& annotations) {
        const Json backend = {{"service", {{"name", service}, {"port", {{"number", 80}}}}}};
        const Json path = {{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}};
        Json document = {
            {"apiVersion", "networking.k8s.io/v1"},
            {"kind", "Ingress"},
            {"metadata", {{"name", name}, {"namespace", "default"}, {"annotations", annotations}}},
            {"spec", {{"rules", {{{"http", {{"paths", {path}}}}}}}}}};
        if (!annotations.empty()) document["metadata"]["ownerReferences"] = owners(uid_);
        user_.create(resources::ingresses, document).value();
    }

protected:
    TestServer server_;
    InProcessTransport inner_{server_.handler, server_.clock};
    kube::Client user_{inner_, "user"};
    FaultyTransport transport_{inner_};
    kube::Client client_{transport_, "sluice"};
    std::vector<Event> told_;
    std::string uid_;
    std::optional<Caches> caches_;
    std::optional<Rollouts> rollouts_;
};

}  // namespace sluice::shell
