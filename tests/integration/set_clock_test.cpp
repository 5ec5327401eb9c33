// SPDX-License-Identifier: Apache-2.0
// The machine's clock is set under a Rollout in a pause: the whole controller with its threads and
// the embedded cluster with simulated pods.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/app.hpp"
#include "platform/clock.hpp"
#include "platform/kube/client.hpp"
#include "standalone/cluster.hpp"
#include "tests/support/cluster.hpp"

namespace sluice::shell {
namespace set_clock_test {

using namespace std::chrono_literals;
using test::eventually;

// The machine's clock, which somebody sets; steady time goes on.
class SetClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return system_.now() + by_.load(); }
    [[nodiscard]] TimePoint steady() const override { return system_.steady(); }
    void set_by(Duration time) { by_ = by_.load() + time; }

private:
    SystemClock system_;
    std::atomic<Duration> by_{Duration{0}};
};

class ClockIsSet : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(folder_.path() + "/images");
        auto cluster = standalone::start_cluster({.data_dir = folder_.path() + "/data",
                                                  .images_dir = folder_.path() + "/images",
                                                  .listen = "127.0.0.1:0",
                                                  .simulated_pods = true},
                                                 log_, clock_);
        ASSERT_TRUE(cluster.ok()) << cluster.error().message;
        cluster_ = std::move(*cluster);
        client_ = std::make_unique<kube::Client>(cluster_->transport(), "test");
        app_ = start_app({.data_dir = folder_.path() + "/app", .git_program = "git"},
                         {cluster_->transport(), cluster_->transport()}, clock_, log_);
        ASSERT_TRUE(client_
                        ->create(resources::namespaces, {{"apiVersion", "v1"},
                                                         {"kind", "Namespace"},
                                                         {"metadata", {{"name", "shop"}}}})
                        .ok());
        ASSERT_TRUE(client_
                        ->create(resources::rollouts, *parse_json(R"({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": "shop", "namespace": "shop"}, "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": "shop"}},
            "template": {"metadata": {"labels": {"app": "shop"}},
                         "spec": {"containers": [{"name": "shop", "image": "shop:v1"}]}},
            "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": "1h"}},
                                              {"pause": {}}]}}}})"))
                        .ok());
        ASSERT_TRUE(eventually([&] { return phase() == "Healthy"; })) << to_text(rollout());
        ASSERT_TRUE(client_
                        ->patch(shop_, kube::PatchType::Json,
                                Json::array({{{"op", "replace"},
                                              {"path", "/spec/template/spec/containers/0/image"},
                                              {"value", "shop:v2"}}}))
                        .ok());
        ASSERT_TRUE(eventually([&] { return step() == 1 && phase() == "Paused"; }))
            << to_text(rollout());
    }
    void TearDown() override {
        if (app_) app_->stop();
        if (cluster_) cluster_->stop();
    }

    [[nodiscard]] Json rollout() const { return *client_->get(shop_); }
    [[nodiscard]] std::string phase() const { return text_at(rollout(), {"status", "phase"}); }
    [[nodiscard]] long step() const {
        return integer_at(rollout(), {"status", "currentStepIndex"});
    }
    // The condition ClockSet; empty where it is not said.
    [[nodiscard]] std::string told() const {
        const Json now = rollout();
        for (const auto& condition : now.at("status").at("conditions"))
            if (text_at(condition, {"type"}) == "ClockSet") return text_at(condition, {"message"});
        return {};
    }

    SetClock clock_;
    test::TestLog log_;
    test::ClusterFolder folder_;
    std::unique_ptr<standalone::Cluster> cluster_;
    std::unique_ptr<kube::Client> client_;
    std::unique_ptr<App> app_;
    const ObjectRef shop_{resources::rollouts, "shop", "shop"};
};

TEST_F(ClockIsSet, AheadEndsAPauseWhoseTimeHasComeAndNoOther) {
    clock_.set_by(61min);
    ASSERT_TRUE(eventually([&] { return step() == 2; }, 30s)) << to_text(rollout());
    EXPECT_EQ(told(), "");
    clock_.set_by(24h);
    clock_.set_by(-24h);
    EXPECT_EQ(step(), 2) << "a pause for a person ends by a person";
}

TEST_F(ClockIsSet, BackMakesNobodyWaitForLongerThanThePauseAndIsSaid) {
    clock_.set_by(-48h);
    ASSERT_TRUE(eventually([&] { return !told().empty(); }, 30s)) << to_text(rollout());
    EXPECT_NE(told().find("the pause of step 2/3 began at "), std::string::npos) << told();
    EXPECT_NE(told().find("to go on at once: sluice promote shop -n shop"), std::string::npos);
    EXPECT_EQ(phase(), "Paused");
    EXPECT_EQ(step(), 1);
    clock_.set_by(61min);
    ASSERT_TRUE(eventually([&] { return step() == 2; }, 30s)) << to_text(rollout());
    EXPECT_EQ(told(), "");
    EXPECT_EQ(integer_at(rollout(), {"metadata", "generation"}), 2) << "nobody changed the spec";
}

}  // namespace set_clock_test
}  // namespace sluice::shell
