// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/reconciler.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
#include <vector>

#include "platform/clock.hpp"

namespace sluice::kube {
namespace {

using namespace std::chrono_literals;

class NoLog final : public Log {
public:
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

// Stepped by hand: the time of day and steady time go on together, or the day's alone.
class HandClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return TimePoint{day_.load()}; }
    [[nodiscard]] TimePoint steady() const override { return TimePoint{steady_.load()}; }
    void pass(Duration time) {
        day_ = day_.load() + time;
        steady_ = steady_.load() + time;
    }
    void set_day_by(Duration time) { day_ = day_.load() + time; }

private:
    std::atomic<Duration> day_{Duration{1'800'000'000'000}};
    std::atomic<Duration> steady_{Duration{5'000}};
};

// The machine's clock, which somebody sets.
class SetClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return system_.now() + by_.load(); }
    [[nodiscard]] TimePoint steady() const override { return system_.steady(); }
    void set_by(Duration time) { by_ = by_.load() + time; }

private:
    SystemClock system_;
    std::atomic<Duration> by_{Duration{0}};
};

// How often a key was tried, to wait for.
class Tries {
public:
    void count() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    [[nodiscard]] int reached() {
        const std::lock_guard lock(mutex_);
        return count_;
    }
    [[nodiscard]] bool reach(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 60s, [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

struct ReconcilerTest : testing::Test {
    HandClock clock;
    NoLog log;
    int tries = 0;
    Result<std::optional<Duration>> outcome = unavailable("the server is away");
    Reconciler reconciler{{.name = "test", .backoff = {100ms, 10s}},
                          [this](const std::string&) {
                              ++tries;
                              return outcome;
                          },
                          clock,
                          log};

    // Steady time from now until the next attempt.
    Duration wait() {
        const auto next = reconciler.next();
        return next ? *next - clock.steady() : Duration{-1};
    }
};

TEST_F(ReconcilerTest, RetriesAFailureLaterAndLaterAndSoonAgainAfterASuccess) {
    reconciler.add("shop/web");
    Duration before{0};
    for (int i = 0; i < 7; ++i) {
        ASSERT_TRUE(reconciler.step());
        EXPECT_GE(wait(), Duration{100} * (1 << i)) << "failure " << i;
        EXPECT_LE(wait(), Duration{150} * (1 << i)) << "failure " << i;
        EXPECT_GT(wait(), before);
        before = wait();
        clock.pass(wait());
    }
    outcome = std::optional<Duration>{};
    ASSERT_TRUE(reconciler.step());
    EXPECT_EQ(reconciler.next(), std::nullopt) << "a success leaves nothing to come back for";
    outcome = unavailable("away again");
    reconciler.add("shop/web");
    ASSERT_TRUE(reconciler.step());
    EXPECT_LE(wait(), 150ms);
}

TEST_F(ReconcilerTest, NewsNeitherWaitsForALongBackOffNorMakesItAStorm) {
    reconciler.add("shop/web");
    for (int i = 0; i < 9; ++i) {
        ASSERT_TRUE(reconciler.step());
        clock.pass(wait());
    }
    tries = 0;
    // A hundred events a second for ten seconds.
    for (int i = 0; i < 1000; ++i) {
        reconciler.add("shop/web");
        reconciler.step();
        clock.pass(10ms);
    }
    EXPECT_GE(tries, 9);
    EXPECT_LE(tries, 11);
}

TEST_F(ReconcilerTest, AnExceptionCostsItsKeyABackOff) {
    Reconciler throwing{{.name = "test"},
                        [](const std::string&) -> Result<std::optional<Duration>> {
                            throw std::runtime_error("a bug");
                        },
                        clock,
                        log};
    throwing.add("shop/web");
    EXPECT_TRUE(throwing.step());
    ASSERT_TRUE(throwing.next());
    EXPECT_GT(*throwing.next(), clock.steady());
}

TEST_F(ReconcilerTest, ABackOffIsNeitherShorterNorLongerWhenTheClockIsSet) {
    for (const Duration by : {Duration{1h}, Duration{-2h}}) {
        reconciler.add("shop/web");
        ASSERT_TRUE(reconciler.step());
        const auto before = wait();
        clock.set_day_by(by);
        EXPECT_EQ(wait(), before);
        EXPECT_FALSE(reconciler.step()) << "not due yet";
        clock.pass(before);
    }
    EXPECT_TRUE(reconciler.step());
}

// Real threads: what waits for a time of day (here: noon, an hour ahead) is there when the clock is
// set to it, and not before.
TEST(ReconcilerThreads, WhatWaitsForATimeOfDaySeesTheClockBeingSet) {
    SetClock clock;
    NoLog log;
    Tries tries;
    Tries fires;
    const TimePoint noon = clock.now() + 1h;
    Reconciler reconciler{{.name = "test"},
                          [&](const std::string&) -> Result<std::optional<Duration>> {
                              const auto left = noon - clock.now();
                              if (left <= 0s) fires.count();
                              tries.count();
                              if (left <= 0s) return std::optional<Duration>{};
                              return std::optional(left);
                          },
                          clock,
                          log};
    reconciler.add("shop/web");
    reconciler.start();
    ASSERT_TRUE(tries.reach(1));
    clock.set_by(-1h);
    ASSERT_TRUE(tries.reach(2)) << "it looks again, and finds two hours left";
    EXPECT_EQ(fires.reached(), 0);
    clock.set_by(2h);
    EXPECT_TRUE(fires.reach(1));
}

// The clock is set while the key is being looked at, and another worker notices: the wait that was
// reckoned by the old clock must not stand.
TEST(ReconcilerThreads, AWaitReckonedBeforeTheClockWasSetIsReckonedAgain) {
    SetClock clock;
    NoLog log;
    Tries tries;
    const TimePoint noon = clock.now() + 1h;
    std::latch noticed{1};
    Reconciler reconciler{{.name = "test"},
                          [&](const std::string& key) -> Result<std::optional<Duration>> {
                              if (key == "shop/other") {
                                  noticed.count_down();
                                  return std::optional<Duration>{};
                              }
                              const auto left = noon - clock.now();
                              tries.count();
                              if (left <= 0s) return std::optional<Duration>{};
                              clock.set_by(1h);
                              // Woken by the jump, for it is not due for an hour.
                              noticed.wait();
                              return std::optional(left);
                          },
                          clock,
                          log};
    reconciler.add_after("shop/other", 1h);
    reconciler.add("shop/web");
    reconciler.start();
    EXPECT_TRUE(tries.reach(2));
}

TEST(ReconcilerThreads, AShortWaitEndsInTimeAlthoughTheClockIsSetBack) {
    SetClock clock;
    NoLog log;
    Tries tries;
    Reconciler reconciler{{.name = "test", .backoff = {100ms, 100ms}},
                          [&](const std::string&) -> Result<std::optional<Duration>> {
                              tries.count();
                              return unavailable("the server is away");
                          },
                          clock,
                          log};
    reconciler.add("shop/web");
    reconciler.start();
    ASSERT_TRUE(tries.reach(3));
    while (!reconciler.next()) std::this_thread::yield();  // in its back-off
    clock.set_by(-1h);
    EXPECT_TRUE(tries.reach(8));
}

}  // namespace
}  // namespace sluice::kube
