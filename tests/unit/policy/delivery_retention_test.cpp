// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/policy/delivery_story.hpp"

namespace sluice::policy::delivery::testing {
namespace {

using std::chrono::minutes;

TEST(DecideDelivery, QuarantineIsLiftedByNameOrByOperation) {
    for (const bool by_name : {true, false}) {
        Story story;
        story.deliver(1);
        story.declare(2);
        story.step(1, 5);
        story.run();
        story.fail(1);
        story.seen.rollout.canary_weight = 0;
        story.run();
        auto& delivery = story.find("shop-2");
        delivery.retry = "something else";
        story.run();
        EXPECT_TRUE(delivery.quarantined());
        delivery.retry = by_name ? delivery.name : delivery.status.op_id;
        story.run();
        EXPECT_FALSE(delivery.quarantined());
    }
}

TEST(DecideDelivery, OldOnesGoExceptThoseStillNeeded) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.seen.rollout.canary_weight = 0;
    story.run();  // shop-2 stays: its quarantine stands
    story.drain();
    for (int i = 0; i < 12; ++i) {
        story.now += minutes{1};
        story.deliver(3 + i % 2);
        story.drain();
    }
    EXPECT_EQ(story.names(),
              "shop-2 shop-5 shop-6 shop-7 shop-8 shop-9 shop-10 shop-11 shop-12 shop-13 shop-14");
}

TEST(DecideDelivery, WhatGitIsStillOwedIsNotDeleted) {
    Story story;
    for (int i = 0; i < 12; ++i) story.deliver(1 + i % 2);
    EXPECT_EQ(story.seen.deliveries.size(), 12U);
    story.drain();
    story.run();
    EXPECT_EQ(story.seen.deliveries.size(), 10U);
}

TEST(DecideDelivery, ARolloutMadeAnewGoesOnCountingButOwnsNothingOfTheOldOne) {
    Story story;
    story.deliver(1);
    story.seen.rollout.uid = "another-uid";
    story.seen.rollout.stable_hash.clear();
    story.declare(1);
    story.run();
    EXPECT_EQ(story.names(), "shop-1 shop-2");
    EXPECT_EQ(story.find("shop-2").spec.attempt, 1);
}

}  // namespace
}  // namespace sluice::policy::delivery::testing
