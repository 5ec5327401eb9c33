// SPDX-License-Identifier: Apache-2.0
// Two versions, the second one bad, while the controller is killed at any call it makes (gitops.md
// 5.5, 5.7 W3): afterwards each outcome is told once and the bad version is reverted once.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <random>

#include "controller/policy/delivery/message.hpp"
#include "tests/unit/shell/delivery_life.hpp"

namespace sluice::shell::testing {
namespace {

// SLUICE_SEEDS overrides the number of worlds.
unsigned seeds_or(unsigned usual) {
    const char* asked = std::getenv("SLUICE_SEEDS");
    return asked ? static_cast<unsigned>(parse_integer(asked).value_or(usual)) : usual;
}

constexpr int most_kills = 40;
constexpr int patience = 400;  // turns

// One or two controllers; each is killed after some calls and starts again.
class Controllers {
public:
    Controllers(Outside& outside, unsigned seed, int count)
        : outside_(outside), random_(seed), lives_(static_cast<size_t>(count)) {}

    // Until nothing is left to do. False where that does not come.
    bool settle() {
        for (int i = 0; i < patience; ++i) {
            outside_.server.clock.advance(std::chrono::milliseconds{700});
            bool idle = true;
            for (auto& life : lives_) {
                if (!life || life->dead()) life = start();
                // Sometimes with an older view of the world than the other.
                if (lives_.size() > 1 && random_() % 3 == 0) {
                    life->reconcile();
                    idle = false;
                }
                idle &= life->turn().ok() && life->idle() && !life->dead();
            }
            if (idle) return true;
        }
        return false;
    }
    [[nodiscard]] int kills() const { return kills_; }

private:
    std::unique_ptr<Life> start() {
        Fuse fuse;
        if (kills_ < most_kills) {
            ++kills_;
            fuse.left = static_cast<long>(random_() % 45);
            fuse.effect_of_last = random_() % 2 == 0;
        }
        return std::make_unique<Life>(outside_, fuse, concat("sluice-", kills_));
    }

    Outside& outside_;
    std::minstd_rand random_;
    std::vector<std::unique_ptr<Life>> lives_;
    int kills_ = 0;
};

// "promoted×1 …" by the trailers of the commits on that branch.
std::map<std::string, int> told(const Outside& outside, const std::string& branch) {
    std::map<std::string, int> count;
    for (const auto& message : outside.remote.messages(branch))
        if (const auto op = policy::delivery::trailer_op_id(message); !op.empty()) ++count[op];
    return count;
}

std::vector<std::string> story_subjects() {
    return {"sluice: reverted shop/shop v2 -> v3 (local)",
            "sluice: rolled back shop/shop v2 -> v3 (local)",
            "sluice: promoted shop/shop v1 -> v2 (local)",
            "sluice: passed 100 % of shop/shop v1 -> v2 (local)",
            "sluice: passed 50 % of shop/shop v1 -> v2 (local)",
            "sluice: passed 20 % of shop/shop v1 -> v2 (local)",
            "sluice: passed 5 % of shop/shop v1 -> v2 (local)",
            "sluice: promoted shop/shop v1 (local)"};
}

void play(Outside& outside, const std::function<bool()>& settle) {
    Shop shop(outside);
    shop.push(1);
    ASSERT_TRUE(settle());
    shop.promote();
    ASSERT_TRUE(settle());
    shop.push(2);
    ASSERT_TRUE(settle());
    for (const auto& [index, weight] : {std::pair{0, 5}, {2, 20}, {4, 50}, {6, 100}}) {
        shop.weight(index, weight);
        ASSERT_TRUE(settle());
        shop.gate(index + 1, "Successful", "[0.001]");
    }
    shop.promote();
    ASSERT_TRUE(settle());
    shop.push(3);
    ASSERT_TRUE(settle());
    shop.weight(1, 5);
    ASSERT_TRUE(settle());
    shop.abort(1);
    ASSERT_TRUE(settle());
    EXPECT_EQ(outside.remote.file("main", "shop.yaml"), Shop::manifest(3))
        << "traffic first, then git";
    shop.weight(0, 0);
    ASSERT_TRUE(settle());
    EXPECT_EQ(outside.remote.file("main", "shop.yaml"), Shop::manifest(2));
    shop.apply(2);  // the GitSource reads our revert
    ASSERT_TRUE(settle());

    EXPECT_EQ(outside.remote.subjects("sluice-records"), story_subjects());
    for (const auto& [op, count] : told(outside, "sluice-records")) EXPECT_EQ(count, 1) << op;
    EXPECT_EQ(told(outside, "main").size(), 1U);
    EXPECT_EQ(
        outside.remote.subjects("main"),
        (std::vector<std::string>{"Revert \"shop: bump to v3\" [sluice rollback]",
                                  "shop: bump to v3", "shop: bump to v2", "shop: bump to v1"}));
    EXPECT_EQ(outside.remote.file("sluice-records", "v1/local/shop/shop/good/shop.yaml"),
              Shop::manifest(2));
    EXPECT_EQ(shop.deliveries().size(), 3U) << "our own revert starts no delivery";
    for (const auto& delivery : shop.deliveries()) EXPECT_TRUE(delivery.status.outbox.empty());
    const auto bad = shop.delivery("shop-3").status;
    EXPECT_EQ(bad.phase, crds::DeliveryPhase::RolledBack);
    EXPECT_TRUE(bad.revert && bad.revert->done);
    EXPECT_EQ(bad.cause->check, "error-rate");
    EXPECT_EQ(shop.delivery("shop-2").status.steps.at(0).checks.size(), 1U);
    EXPECT_FALSE(outside.hints.empty());
}

TEST(DeliveryCrash, TheStoryWithoutAnyKill) {
    Outside outside;
    Life life(outside, {}, "sluice-0");
    play(outside, [&] {
        for (int i = 0; i < 20; ++i) {
            outside.server.clock.advance(std::chrono::milliseconds{700});
            if (life.turn().ok() && life.idle()) return true;
        }
        return false;
    });
}

TEST(DeliveryCrash, EachOutcomeOnceThoughKilledAtAnyCall) {
    int kills = 0;
    const unsigned seeds = seeds_or(200);
    for (unsigned seed = 1; seed <= seeds && !HasFatalFailure() && !HasNonfatalFailure(); ++seed) {
        SCOPED_TRACE(concat("seed ", seed));
        Outside outside;
        Controllers controllers(outside, seed, 1);
        play(outside, [&] { return controllers.settle(); });
        kills += controllers.kills();
    }
    EXPECT_GT(kills, static_cast<int>(seeds) * 4) << "the fuse hardly ever blew";
}

TEST(DeliveryCrash, TwoControllersAtOnceTellEachOutcomeOnce) {
    const unsigned seeds = seeds_or(50);
    for (unsigned seed = 1; seed <= seeds && !HasFatalFailure() && !HasNonfatalFailure(); ++seed) {
        SCOPED_TRACE(concat("seed ", seed));
        Outside outside;
        Controllers controllers(outside, seed, 2);
        play(outside, [&] { return controllers.settle(); });
    }
}

}  // namespace
}  // namespace sluice::shell::testing
