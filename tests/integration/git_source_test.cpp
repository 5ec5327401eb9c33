// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/git_source_fixture.hpp"

namespace sluice::shell {
namespace {

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

}  // namespace
}  // namespace sluice::shell
