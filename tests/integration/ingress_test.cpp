// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/ingress_fixture.hpp"

namespace sluice::standalone {
namespace ingress_test {
namespace {

TEST_F(LocalIngressTest, EveryWeightIsTheShareThatClientsSee) {
    add_ingresses();
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0; }));
    for (const int weight : {0, 5, 50, 100, 0}) {
        const auto asked = std::chrono::steady_clock::now();
        set_weight(weight);
        ASSERT_TRUE(eventually([&] { return share_in_force() == weight * 100; }));
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - asked);
        RecordProperty(concat("microseconds_to_", weight), std::to_string(took.count()));
        Counts counts = send_by_many(port_, "shop.test", 4, 2400);
        EXPECT_EQ(counts.lost, 0);
        EXPECT_EQ(counts.by_code[200], 2400);
        const double share = 100.0 * counts.by_version["v2"] / 2400;
        if (weight == 0 || weight == 100)
            EXPECT_EQ(share, weight);
        else
            EXPECT_NEAR(share, weight, 3.5);
    }
}

TEST_F(LocalIngressTest, NothingIsLostWhileEverythingChanges) {
    add_ingresses();
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0; }));
    Load load(port_, "Shop.Test:8080", 6);
    const auto let_through = [&](int requests) {
        const int from = load.done();
        return eventually([&] { return load.done() >= from + requests; });
    };
    for (int round = 0; round < 15; ++round) {
        for (const int weight : {100, 0, 50}) {
            set_weight(weight);
            ASSERT_TRUE(eventually([&] { return share_in_force() == weight * 100; }));
            ASSERT_TRUE(let_through(100));
        }
        const std::string extra = concat("v1-x", round);
        add_pod(extra, concat("127.64.8.", round + 1), "stable", "v1");
        ASSERT_TRUE(eventually([&] { return servers() == 3; }));
        ASSERT_TRUE(let_through(100));
        // The two services change their pods, as at a promotion and back.
        for (const char* stable : {"canary", "stable"}) {
            const char* canary = std::string_view(stable) == "canary" ? "stable" : "canary";
            patch(resources::services, "stable",
                  concat(R"({"spec":{"selector":{"side":")", stable, R"("}}})"));
            patch(resources::services, "canary",
                  concat(R"({"spec":{"selector":{"side":")", canary, R"("}}})"));
            ASSERT_TRUE(let_through(100));
        }
        ASSERT_TRUE(client_.remove({resources::pods, "shop", extra}).ok());
        ASSERT_TRUE(eventually([&] { return servers() == 2; }));
        servers_.erase(extra);
    }
    Counts counts = load.stop();
    EXPECT_EQ(counts.lost, 0);
    EXPECT_EQ(counts.by_code.size(), 1u);
    EXPECT_EQ(counts.by_code[200], counts.all());
    EXPECT_GT(counts.all(), 5000);
    RecordProperty("requests", counts.all());
}

TEST_F(LocalIngressTest, ARequestUnderWayOnADrainedServerIsAnswered) {
    add_ingresses();
    add_pod("v1-b", "127.64.7.3", "stable", "v1b");
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0 && servers() == 3; }));
    set_weight(100);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 10000; }));
    Reply held;
    std::jthread slow([&] { held = fetch(port_, "shop.test", "/held"); });
    ASSERT_TRUE(eventually([&] { return servers_["v2-a"]->held() == 1; }));
    set_weight(0);
    ASSERT_TRUE(client_.remove({resources::pods, "shop", "v2-a"}).ok());
    ASSERT_TRUE(eventually([&] { return fetch(port_, "shop.test", "/").version == "v1b"; }));
    EXPECT_EQ(servers(), 3);  // it waits for its last request
    servers_["v2-a"]->release();
    slow.join();
    EXPECT_EQ(held.code, 200);
    EXPECT_EQ(held.version, "v2");
    EXPECT_TRUE(eventually([&] { return servers() == 2; }));
}

// A new life with another configuration, here because its log port was taken meanwhile: the proxy
// is replaced by one that takes the listening socket over (-x … -sf), under load.
TEST_F(LocalIngressTest, SubsetsOfAVirtualServiceArePodsByLabel) {
    create(resources::services, R"({"metadata":{"name":"web","namespace":"shop"},"spec":{"ports":[
      {"port":80,"targetPort":"web"}],"selector":{"app":"web"}}})");
    create(resources::destination_rules, R"({"metadata":{"name":"web","namespace":"shop"},"spec":{
      "host":"web","subsets":[{"name":"stable","labels":{"rollouts-pod-template-hash":"hv1"}},
      {"name":"canary","labels":{"rollouts-pod-template-hash":"hv2"}}]}})");
    create(resources::virtual_services, R"({"metadata":{"name":"web","namespace":"shop"},"spec":{
      "hosts":["mesh.test"],"http":[{"route":[{"destination":{"host":"web","subset":"stable"},
      "weight":80},{"destination":{"host":"web","subset":"canary"},"weight":20}]}]}})");
    start();
    ASSERT_TRUE(eventually([&] { return servers() == 2; }));
    Counts counts = send_by_many(port_, "mesh.test", 4, 2400);
    EXPECT_EQ(counts.lost, 0);
    EXPECT_EQ(counts.by_code[200], 2400);
    EXPECT_NEAR(100.0 * counts.by_version["v2"] / 2400, 20, 3.5);
}

TEST_F(LocalIngressTest, MetricsCountWhatClientsSaw) {
    add_ingresses();
    start();
    set_weight(100);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 10000; }));
    send_requests(port_, "shop.test", 40);
    EXPECT_EQ(fetch(port_, "elsewhere.test", "/").code, 404);
    const std::string labels =
        R"(namespace="shop",service="canary",rollouts_pod_template_hash="hv2")";
    EXPECT_TRUE(eventually([&] {
        const std::string text = proxy_->metrics();
        return text.find(concat("sluice_ingress_requests_total{", labels, ",code=\"200\"} 40\n")) !=
                   std::string::npos &&
               text.find(concat("sluice_ingress_request_duration_seconds_bucket{", labels,
                                ",le=\"+Inf\"} 40\n")) != std::string::npos &&
               text.find(R"(rollouts_pod_template_hash="",code="404"} 1)") != std::string::npos;
    })) << proxy_->metrics();
}

TEST_F(LocalIngressTest, NoRouteIs404AndNoEndpointsIs503) {
    add_ingresses();
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0; }));
    EXPECT_EQ(fetch(port_, "elsewhere.test", "/").code, 404);
    patch(resources::pods, "v1-a",
          R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})", "status");
    EXPECT_TRUE(eventually([&] { return fetch(port_, "shop.test", "/").code == 503; }));
    const auto ingress = client_.get({resources::ingresses, "shop", "stable"});
    EXPECT_EQ(text_at((*ingress)["status"]["loadBalancer"]["ingress"].at(0), {"ip"}), "127.0.0.1");
}

}  // namespace
}  // namespace ingress_test
}  // namespace sluice::standalone
