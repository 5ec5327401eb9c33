// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/work_queue.hpp"

namespace sluice {
namespace {

constexpr TimePoint start{};
TimePoint at(long millis) {
    return start + Duration{millis};
}
WorkQueue queue() {
    return WorkQueue({Duration{100}, Duration{1000}});
}

TEST(WorkQueue, HoldsAKeyOnceAndEarliest) {
    auto q = queue();
    q.add("a", at(500));
    q.add("a", at(200));
    q.add("a", at(900));
    EXPECT_EQ(q.size(), 1u);
    EXPECT_EQ(q.next(), at(200));
    EXPECT_EQ(q.take(at(199)), std::nullopt);
    EXPECT_EQ(q.take(at(200)), "a");
    EXPECT_EQ(q.take(at(2000)), std::nullopt);
}

TEST(WorkQueue, NeverGivesOneKeyToTwoWorkers) {
    auto q = queue();
    q.add("a", at(0));
    ASSERT_EQ(q.take(at(0)), "a");
    q.add("a", at(0));
    EXPECT_EQ(q.take(at(10)), std::nullopt);
    q.done("a");
    EXPECT_EQ(q.take(at(10)), "a");
}

using Lane = WorkQueue::Lane;

TEST(WorkQueue, LanesShareTheirWorkersExclusion) {
    auto q = queue();
    q.add("a", at(0), Lane::Back);
    EXPECT_EQ(q.take(at(0)), std::nullopt);
    q.add("a", at(0));
    ASSERT_EQ(q.take(at(0)), "a");
    EXPECT_TRUE(q.waits("a", Lane::Back));
    EXPECT_EQ(q.take(at(10), Lane::Back), std::nullopt);
    q.done("a");
    EXPECT_EQ(q.take(at(10), Lane::Back), "a");
}

TEST(WorkQueue, WhatWaitsInTheBackKeepsItsPlaceThroughLooksInFront) {
    auto q = queue();
    q.add("a", at(1), Lane::Back);
    q.add("b", at(2), Lane::Back);
    q.add("a", at(3));
    ASSERT_EQ(q.take(at(3)), "a");
    q.add("a", at(3), Lane::Back);  // put back again
    q.done("a");
    EXPECT_EQ(q.take(at(3), Lane::Back), "a");
    EXPECT_EQ(q.take(at(3), Lane::Back), "b");
    EXPECT_EQ(q.size(), 0u);
}

TEST(WorkQueue, BacksOffLongerUntilForgotten) {
    auto q = queue();
    const auto delay = [&] {
        q.add_after_failure("a", at(0));
        const long due = (*q.next() - start).count();
        (void)q.take(at(1'000'000));
        q.done("a");
        return due;
    };
    const long first = delay(), second = delay();
    EXPECT_GE(first, 100);
    EXPECT_LE(first, 150);
    EXPECT_GE(second, 200);
    EXPECT_LE(second, 300);
    for (int i = 0; i < 60; ++i) EXPECT_LE(delay(), 1500);
    q.forget_failures("a");
    EXPECT_LE(delay(), 150);
}

// As a reconcile that has just failed.
void fail(WorkQueue& q, const std::string& key, TimePoint now) {
    q.add_after_failure(key, now);
    (void)q.take(now + std::chrono::hours{1});
    q.done(key);
}

TEST(WorkQueue, NewsOvertakesABackOffAtOnceTheFirstTimes) {
    auto q = queue();
    for (int i = 0; i < 2; ++i) fail(q, "a", at(0));
    q.add_after_failure("a", at(0));
    q.add("a", at(7));
    EXPECT_EQ(q.next(), at(7));
}

TEST(WorkQueue, NewsDoesNotMakeAKeySpinThatKeepsFailing) {
    WorkQueue q({Duration{100}, Duration{30'000}});
    for (int i = 0; i < 9; ++i) fail(q, "a", at(0));
    q.add_after_failure("a", at(0));
    EXPECT_GE(*q.next(), at(30'000));
    q.add("a", at(7));
    EXPECT_EQ(q.next(), at(1'000)) << "and yet it does not wait for the whole back-off";
    q.add("b", at(7));
    EXPECT_EQ(q.take(at(7)), "b") << "others are not deaf";
}

TEST(WorkQueue, NewsDuringAFailedAttemptWaitsAsLong) {
    WorkQueue q({Duration{100}, Duration{30'000}});
    for (int i = 0; i < 9; ++i) fail(q, "a", at(0));
    q.add("a", at(50'000));
    ASSERT_EQ(q.take(at(50'000)), "a");
    q.add("a", at(50'010));  // its own failing made news
    q.done("a");
    q.add_after_failure("a", at(50'020));
    EXPECT_EQ(q.next(), at(51'020));
}

TEST(WorkQueue, ASuccessEndsTheDeafness) {
    auto q = queue();
    for (int i = 0; i < 9; ++i) fail(q, "a", at(0));
    q.forget_failures("a");
    q.add("a", at(7));
    EXPECT_EQ(q.next(), at(7));
}

TEST(WorkQueue, WakesAllWhoseTimeIsYetToCome) {
    auto q = queue();
    q.add("late", at(9'000));
    q.add("early", at(1));
    q.wake_all(at(5));
    EXPECT_EQ(q.take(at(5)), "early");
    EXPECT_EQ(q.take(at(5)), "late");
    EXPECT_EQ(q.size(), 0u);
}

// It is no time of day: a key that fails while the clock is set again and again must not spin.
TEST(WorkQueue, ABackOffIsNotCutShort) {
    auto q = queue();
    q.add_after_failure("a", at(0));
    const auto due = q.next();
    q.add("b", at(9'000));
    q.wake_all(at(5));
    EXPECT_EQ(q.take(at(5)), "b");
    EXPECT_EQ(q.next(), due);
}

// Its answer may hold a wait that was reckoned by the clock as it was.
TEST(WorkQueue, WhatIsBeingWorkedOnIsWokenToo) {
    auto q = queue();
    q.add("a", at(0));
    ASSERT_EQ(q.take(at(0)), "a");
    q.wake_all(at(5));
    q.add("a", at(900));
    q.done("a");
    EXPECT_EQ(q.next(), at(5));
}

TEST(WorkQueue, JittersOtherwiseWithAnotherSeed) {
    const auto delays = [](std::uint64_t seed) {
        auto q = queue();
        q.reseed(seed);
        std::vector<TimePoint> all;
        for (int i = 0; i < 8; ++i) {
            q.add_after_failure("a", at(0));
            all.push_back(*q.next());
            (void)q.take(at(1'000'000));
            q.done("a");
        }
        return all;
    };
    EXPECT_EQ(delays(7), delays(7));
    EXPECT_NE(delays(7), delays(8));
}

}  // namespace
}  // namespace sluice
