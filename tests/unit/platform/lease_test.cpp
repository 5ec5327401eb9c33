// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/lease.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::kube {
namespace {

using namespace std::chrono_literals;

// One Lease behind the API's rules: created once, replaced at the version that was read.
class OneLease final : public HttpTransport {
public:
    Result<HttpResponse> send(const HttpRequest& request) override {
        if (away) return unavailable("no connection");
        if (request.method == "GET") return lease.is_null() ? status(404, "NotFound") : answer(200);
        auto sent = parse_json(request.body).value();
        if (request.method == "POST") {
            if (!lease.is_null()) return status(409, "AlreadyExists");
        } else if (text_at(sent, {"metadata", "resourceVersion"}) != std::to_string(version)) {
            return status(409, "Conflict");
        }
        lease = std::move(sent);
        lease["metadata"]["resourceVersion"] = std::to_string(++version);
        if (after_write) std::exchange(after_write, nullptr)();
        return answer(200);
    }
    Result<HttpResponse> stream(const HttpRequest&, const OnChunk&, std::stop_token) override {
        return unavailable("no watch");
    }
    [[nodiscard]] std::string holder() const { return text_at(lease, {"spec", "holderIdentity"}); }

    Json lease;
    int version = 0;
    bool away = false;
    std::function<void()> after_write;

private:
    static HttpResponse status(int code, const char* reason) {
        return {code, {}, concat(R"({"reason":")", reason, R"(","message":"no"})")};
    }
    [[nodiscard]] HttpResponse answer(int code) const { return {code, {}, to_text(lease)}; }
};

class HandClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return day; }
    [[nodiscard]] TimePoint steady() const override { return steady_time; }
    void pass(Duration time) {
        day += time;
        steady_time += time;
    }
    TimePoint day{Duration{1'800'000'000'000}};
    TimePoint steady_time{Duration{7'000}};
};

struct LeaseTest : testing::Test {
    OneLease server;
    Client client{server, "test"};
    HandClock clock;
    Lease one{{.ns = "kube-system", .name = "lock", .identity = "one"}, client, clock};
    Lease two{{.ns = "kube-system", .name = "lock", .identity = "two"}, client, clock};

    static bool ours(Result<bool> tried) { return tried.ok() && *tried; }
};

TEST_F(LeaseTest, TheFirstHasItAndTheSecondStandsBy) {
    EXPECT_TRUE(ours(one.try_once()));
    EXPECT_FALSE(ours(two.try_once()));
    EXPECT_EQ(two.holder(), "one");
    EXPECT_TRUE(one.held());
    EXPECT_FALSE(two.held());
    const Json& spec = server.lease.at("spec");
    EXPECT_EQ(integer_at(spec, {"leaseDurationSeconds"}), 15);
    EXPECT_EQ(text_at(spec, {"renewTime"}), "2027-01-15T08:00:00.000000Z");
    EXPECT_EQ(integer_at(spec, {"leaseTransitions"}, -1), 0);
}

TEST_F(LeaseTest, OneThatRenewsKeepsItForEver) {
    ASSERT_TRUE(ours(one.try_once()));
    for (int i = 0; i < 30; ++i) {
        clock.pass(2s);
        EXPECT_TRUE(ours(one.try_once()));
        EXPECT_FALSE(ours(two.try_once()));
    }
}

TEST_F(LeaseTest, OneThatDiedIsFollowedAfterItsDurationAndNotBefore) {
    ASSERT_TRUE(ours(one.try_once()));
    ASSERT_FALSE(ours(two.try_once()));
    clock.pass(14s);
    EXPECT_FALSE(ours(two.try_once()));
    clock.pass(1s);
    EXPECT_TRUE(ours(two.try_once()));
    EXPECT_EQ(integer_at(server.lease, {"spec", "leaseTransitions"}), 1);
    EXPECT_FALSE(one.held());
    EXPECT_FALSE(ours(one.try_once())) << "it learns that it was replaced";
    EXPECT_EQ(one.holder(), "two");
}

TEST_F(LeaseTest, OneThatComesBackUnderItsNameHasItAtOnce) {
    ASSERT_TRUE(ours(one.try_once()));
    Lease again{{.ns = "kube-system", .name = "lock", .identity = "one"}, client, clock};
    EXPECT_TRUE(ours(again.try_once()));
}

TEST_F(LeaseTest, WhatIsGivenBackIsTakenAtOnce) {
    ASSERT_TRUE(ours(one.try_once()));
    ASSERT_FALSE(ours(two.try_once()));
    ASSERT_TRUE(one.give_back().ok());
    EXPECT_EQ(server.holder(), "");
    EXPECT_TRUE(ours(two.try_once()));
    EXPECT_TRUE(one.give_back().ok());
    EXPECT_EQ(server.holder(), "two") << "nobody gives back what is another's";
}

TEST_F(LeaseTest, AServerThatIsAwayEndsTheLeadershipAfterTheRenewDeadline) {
    ASSERT_TRUE(ours(one.try_once()));
    server.away = true;
    clock.pass(9s);
    EXPECT_FALSE(one.try_once().ok());
    EXPECT_TRUE(one.held());
    clock.pass(1s);
    EXPECT_FALSE(one.held());
    server.away = false;
    EXPECT_TRUE(ours(one.try_once())) << "nobody else took it";
}

TEST_F(LeaseTest, OfTwoThatReachForItOnlyOneGetsIt) {
    ASSERT_TRUE(ours(one.try_once()));
    Lease three{{.ns = "kube-system", .name = "lock", .identity = "three"}, client, clock};
    ASSERT_FALSE(ours(two.try_once()));
    ASSERT_FALSE(ours(three.try_once()));
    clock.pass(16s);
    const bool second = ours(two.try_once());
    const bool third = ours(three.try_once());
    EXPECT_TRUE(second);
    EXPECT_FALSE(third);
}

TEST_F(LeaseTest, AClockThatIsSetNeitherTakesNorGivesALease) {
    for (const Duration by : {Duration{1h}, Duration{-2h}}) {
        ASSERT_TRUE(ours(one.try_once()));
        ASSERT_FALSE(ours(two.try_once()));
        clock.day += by;
        EXPECT_TRUE(one.held());
        EXPECT_FALSE(ours(two.try_once()));
    }
    clock.pass(15s);
    EXPECT_TRUE(ours(two.try_once())) << "and a dead one's is over in time";
}

TEST(Lease, ItsTimesMustFitEachOther) {
    const auto problem = [](Duration duration, Duration deadline, Duration retry) {
        const auto checked = check_lease({.ns = "n",
                                          .name = "l",
                                          .identity = "i",
                                          .duration = duration,
                                          .renew_deadline = deadline,
                                          .retry_period = retry});
        return checked.ok() ? "" : checked.error().message;
    };
    EXPECT_EQ(problem(15s, 10s, 2s), "");
    EXPECT_EQ(problem(10s, 10s, 2s),
              "leader election: the lease duration (10s) must be longer than the renew deadline "
              "(10s)");
    EXPECT_EQ(
        problem(15s, 2s, 2s),
        "leader election: the renew deadline (2s) must be longer than 1.2 retry periods (2s)");
    EXPECT_EQ(problem(15s, 10s, 0s),
              "leader election: the retry period must be longer than nothing");
}

}  // namespace
}  // namespace sluice::kube
