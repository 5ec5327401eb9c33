// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/git_source_fixture.hpp"

namespace sluice::shell {
namespace {

class GitSourceLifeTest : public GitSourceTest {};

TEST_F(GitSourceLifeTest, AQuarantinedVersionIsNotAppliedUntilItIsLifted) {
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

TEST_F(GitSourceLifeTest, NothingIsPrunedOverASlip) {
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

TEST_F(GitSourceLifeTest, ABranchThatGoesTakesNothingWithIt) {
    push("settings.yaml", config_map_text);
    make_source();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    test::shell("git -C " + server_->directory("app") + " update-ref -d refs/heads/main");
    hint();
    ASSERT_TRUE(eventually([&] { return condition("Ready", "reason") == "BranchMissing"; }));
    EXPECT_TRUE(get(resources::config_maps, "settings").has_value());
}

TEST_F(GitSourceLifeTest, ABadSpecIsToldWhole) {
    make_source({{"interval", "soon"}, {"color", "red"}});
    ASSERT_TRUE(eventually([&] { return condition("Stalled", "status") == "True"; }));
    EXPECT_NE(condition("Ready").find("spec.interval: "), std::string::npos) << condition("Ready");
    EXPECT_NE(condition("Ready").find("spec.color: unknown field"), std::string::npos);
}

TEST_F(GitSourceLifeTest, ASecondControllerGoesOnWhereTheFirstWasKilled) {
    push("settings.yaml", config_map_text);
    push("web.yaml", service_text);
    make_source();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    stop();
    push("settings.yaml", "");
    test::shell("rm -rf " + folder_.path() + "/git");
    start();
    ASSERT_TRUE(eventually([&] { return applied(); }));
    EXPECT_FALSE(get(resources::config_maps, "settings").has_value());
    EXPECT_TRUE(get(resources::services, "web").has_value());
}

TEST_F(GitSourceLifeTest, AWebhookIsAHintForWhoKnowsTheSecret) {
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
