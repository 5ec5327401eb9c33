// SPDX-License-Identifier: Apache-2.0
// Pods, Services, templates and orphans around a Rollout.
#include <mutex>
#include <utility>

#include "base/text.hpp"
#include "controller/shell/rollout_observe.hpp"
#include "controller/shell/service_release.hpp"
#include "tests/unit/shell/rollouts_fixture.hpp"

namespace sluice::shell {
namespace {

TEST_F(RolloutsTest, ARestartEvictsOlderPodsOfItsOwnReplicaSets) {
    add_pod("a", uid_of_set("v1"));
    add_pod("b", uid_of_set("v1"));
    add_pod("c", uid_of_set("v2"));
    add_pod("foreign", "another-uid");
    server_.clock.advance(std::chrono::minutes{1});
    user_
        .patch({resources::rollouts, "default", "shop"}, kube::PatchType::Merge,
               {{"spec", {{"restartAt", format_rfc3339(server_.clock.now())}}}})
        .value();
    server_.clock.advance(std::chrono::minutes{1});
    start_and_sync();
    ASSERT_TRUE(eventually([&] {
        const auto ignored = rollouts_->reconcile("default/shop");
        return user_.list(resources::pods, {.ns = "default"}).value().items.size() < 4;
    }));
    EXPECT_FALSE(user_.get({resources::pods, "default", "a"}).ok());
    EXPECT_TRUE(user_.get({resources::pods, "default", "foreign"}).ok());
}

TEST_F(RolloutsTest, PodsAndTheirTemplateGetTheMetadataOfTheirRole) {
    add_pod("a", uid_of_set("v1"));
    user_
        .patch({resources::rollouts, "default", "shop"}, kube::PatchType::Merge,
               {{"spec",
                 {{"strategy",
                   {{"canary", {{"stableMetadata", {{"labels", {{"role", "stable"}}}}}}}}}}}})
        .value();
    start_and_sync();
    ASSERT_TRUE(eventually([&] {
        const auto ignored = rollouts_->reconcile("default/shop");
        return text_at(get(resources::pods, "a"), {"metadata", "labels", "role"}) == "stable";
    }));
    const Json set = get(resources::replica_sets, "shop-" + hash("v1"));
    EXPECT_EQ(text_at(set, {"spec", "template", "metadata", "labels", "role"}), "stable");
    EXPECT_EQ(text_at(set, {"metadata", "annotations", crds::ephemeral_metadata_annotation}),
              R"({"labels":{"role":"stable"}})");
    EXPECT_EQ(view_replica_set(set).seen.template_digest,
              crds::decode_rollout(rollout_document("v1")).pod_template.digest);
}

TEST_F(RolloutsTest, ServicesOfARolloutThatIsGoneSelectWhatTheirOwnerWrote) {
    start_and_sync();
    user_.remove({resources::rollouts, "default", "shop"}, {.propagation = "Orphan"}).value();
    ASSERT_TRUE(eventually([&] { return !rollouts_->world().rollouts.get("default/shop"); }));
    // Another's stays as it is.
    user_
        .patch({resources::services, "default", "stable"}, kube::PatchType::Merge,
               {{"metadata", {{"annotations", {{crds::managed_by_annotation, "other"}}}}}})
        .value();
    ASSERT_TRUE(eventually(
        [&] { return rollouts_->world().services.get("default/stable")->managed_by == "other"; }));
    EXPECT_TRUE(rollouts_->reconcile("default/shop").ok());
    const Json released = get(resources::services, "canary");
    EXPECT_EQ(released["spec"]["selector"], (Json{{"app", "shop"}}));
    EXPECT_EQ(find(released, {"metadata", "annotations", crds::managed_by_annotation}), nullptr);
    EXPECT_TRUE(get(resources::services, "stable")["spec"]["selector"].contains(
        crds::pod_template_hash_label));
}

TEST_F(RolloutsTest, AServiceThatTheSpecNoLongerNamesIsReleased) {
    user_
        .patch({resources::rollouts, "default", "shop"}, kube::PatchType::Merge,
               {{"spec", {{"strategy", {{"canary", {{"canaryService", "another"}}}}}}}})
        .value();
    start_and_sync();
    const auto ignored = rollouts_->reconcile("default/shop");
    EXPECT_EQ(get(resources::services, "canary")["spec"]["selector"], (Json{{"app", "shop"}}));
    EXPECT_TRUE(get(resources::services, "stable")["spec"]["selector"].contains(
        crds::pod_template_hash_label));
}

TEST_F(RolloutsTest, AServiceIsNotReleasedWhileItsRolloutCannotBeRead) {
    transport_.refuse = [](const HttpRequest& request) {
        return request.method == "GET" && request.url.ends_with("/rollouts/shop");
    };
    start_and_sync();
    const World& world = rollouts_->world();
    EXPECT_TRUE(
        services_owed(world, "default/shop", world.rollouts.get("default/shop").get()).empty());
    EXPECT_FALSE(release_services(client_, "default/shop", {"canary"}, server_.log).ok());
    EXPECT_EQ(canary_serves(), hash("v2"));
}

TEST_F(RolloutsTest, ATemplateThatIsMissingBehindAnotherIsTold) {
    user_
        .create(resources::analysis_templates,
                {{"metadata", {{"name", "outer"}, {"namespace", "default"}}},
                 {"spec", {{"templates", {{{"templateName", "inner"}}}}}}})
        .value();
    user_
        .patch({resources::rollouts, "default", "shop"}, kube::PatchType::Merge,
               {{"spec",
                 {{"strategy",
                   {{"canary",
                     {{"steps",
                       {{{"analysis", {{"templates", {{{"templateName", "outer"}}}}}}}}}}}}}}}})
        .value();
    start_and_sync();
    const auto problems =
        observe(rollouts_->world(), *rollouts_->world().rollouts.get("default/shop")).problems;
    EXPECT_EQ(problems, std::vector<std::string>{
                            "spec.strategy.canary.steps[0].analysis.templates: Invalid value: "
                            "\"templateNames: [outer]\": AnalysisTemplate 'inner' not found"});
}

TEST_F(RolloutsTest, APodInTwoSlicesIsOneEndpoint) {
    add_pod("a", uid_of_set("v1"));
    for (const char* family : {"IPv4", "IPv6"})
        user_
            .create(resources::endpoint_slices,
                    {{"metadata",
                      {{"name", family == std::string("IPv4") ? "stable-4" : "stable-6"},
                       {"namespace", "default"},
                       {"labels", {{"kubernetes.io/service-name", "stable"}}}}},
                     {"addressType", family},
                     {"endpoints",
                      {{{"addresses", {"127.0.0.1"}},
                        {"targetRef", {{"kind", "Pod"}, {"name", "a"}}}}}}})
            .value();
    start_and_sync();
    EXPECT_EQ(rollouts_->world().ready_endpoints("default", "stable"),
              (std::map<std::string, long>{{hash("v1"), 1}}));
}

TEST_F(RolloutsTest, AnOrphanWakesWhoeverSelectsIt) {
    const auto name = "shop-" + hash("v1");
    std::vector<std::string> woken;
    Caches caches("");
    const World world(caches, [&](const std::string& key) { woken.push_back(key); });
    auto watches = caches.watches();
    const auto feed = [&](const ResourceType& type, const Json& object) {
        for (auto& watch : watches)
            if (watch.type == type) watch.sink.on_event({kube::WatchEventType::Modified, object});
    };
    feed(resources::rollouts, get(resources::rollouts, "shop"));
    woken.clear();
    Json orphan = get(resources::replica_sets, name);
    orphan["metadata"].erase("ownerReferences");
    feed(resources::replica_sets, orphan);
    EXPECT_EQ(woken, std::vector<std::string>{"default/shop"});
    woken.clear();
    orphan["metadata"]["labels"] = {{"app", "other"}};
    orphan["metadata"]["name"] = "other";
    feed(resources::replica_sets, orphan);
    EXPECT_EQ(woken, std::vector<std::string>{});
}

class Lines final : public Log {
public:
    void write(LogLevel, std::string_view message, const std::vector<LogField>& fields) override {
        std::string line(message);
        for (const auto& field : fields) line += concat(" ", field.key, "=", field.value);
        const std::lock_guard lock(mutex_);
        lines_.push_back(line);
    }
    std::vector<std::string> take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(lines_, {});
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST_F(RolloutsTest, OneLineTellsWhatChangedAndWhyAndNoneThatNothingDid) {
    Lines log;
    caches_.emplace("");
    rollouts_.emplace(
        Rollouts::Options{.workers = 0, .traffic_workers = 0}, *caches_, client_, client_,
        [](const Event&) {}, server_.clock, log);
    auto& rollouts = *rollouts_;
    caches_->start(client_, log);
    rollouts.start();
    ASSERT_TRUE(eventually([&] { return rollouts.synced(); }));
    log.take();
    ASSERT_TRUE(rollouts.reconcile("default/shop").ok());
    const auto first = log.take();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_TRUE(first[0].starts_with("decided rollout=default/shop phase=")) << first[0];
    EXPECT_NE(first[0].find("did=set weight Nginx 0"), std::string::npos) << first[0];
    ASSERT_TRUE(eventually([&] {
        return has_seen_all() && rollouts.reconcile("default/shop").ok() && log.take().empty() &&
               has_seen_all();
    }));
    ASSERT_TRUE(rollouts.reconcile("default/shop").ok());
    EXPECT_EQ(log.take(), std::vector<std::string>{});
}

}  // namespace
}  // namespace sluice::shell
