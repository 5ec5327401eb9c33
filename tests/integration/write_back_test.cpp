// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/write_back_fixture.hpp"

namespace sluice::shell {
namespace {

TEST_F(WriteBackTest, ABadVersionIsTakenBackInGitAndAppliedFromThere) {
    deliver_v1();
    try_v2();
    reject_v2();
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(eventually([&] { return subjects("main").starts_with("Revert "); }));
    const auto took = std::chrono::steady_clock::now() - start;
    RecordProperty(
        "revert_after_ms",
        static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    ASSERT_TRUE(eventually([&] { return image() == "shop:v1"; })) << "our own push is a hint";
    status({{"currentPodHash", "h1"},
            {"abort", false},
            {"conditions", Json::array()},
            {"currentStepIndex", 4}});
    ASSERT_TRUE(eventually(
        [&] { return delivery_status("shop-2").value("outbox", Json()) == Json::array(); }));
    EXPECT_EQ(subjects("main"),
              "Revert \"shop: bump to v2\" [sluice rollback]\nshop: bump to v2\nshop: bump to v1");
    EXPECT_EQ(subjects("sluice-records"),
              "sluice: reverted shop/shop v1 -> v2 (local)\nsluice: rolled back shop/shop v1 -> v2 "
              "(local)\n"
              "sluice: promoted shop/shop v1 (local)");
    EXPECT_EQ(git("show main:shop.yaml"),
              test::shell(concat("printf %s \"$(git -C ", git_->directory("shop"),
                                 " show main~2:shop.yaml)\"")));
    const Json status = delivery_status("shop-2");
    EXPECT_EQ(text_at(status, {"revert", "commit"}), git("rev-parse main"));
    // git itself reads our trailers.
    EXPECT_EQ(git("log -1 --format='%(trailers:key=Sluice-Reverts,valueonly)' main"),
              git("rev-parse main~1"));
    const auto path = git("log -1 --format='%(trailers:key=Sluice-Record-Path,valueonly)' main");
    const auto record = parse_json(git("show sluice-records:" + path));
    ASSERT_TRUE(record.ok()) << path;
    EXPECT_EQ(text_at(*record, {"revert", "commit"}), git("rev-parse main"));
    EXPECT_EQ(git("rev-parse sluice-records:v1/local/shop/shop/good/shop.yaml"),
              git("rev-parse main:shop.yaml"));
}

TEST_F(WriteBackTest, WhatAnEarlierProcessOwesIsWrittenByTheNext) {
    deliver_v1();
    try_v2();
    git_->stop();
    reject_v2();
    ASSERT_TRUE(eventually([&] { return delivery_status("shop-2").contains("conditions"); }));
    EXPECT_EQ(delivery_status("shop-2")["phase"], "RolledBack") << "users do not wait for git";
    EXPECT_EQ(text_at(delivery_status("shop-2")["conditions"][0], {"type"}), "WriteBackPending");
    stop_deliveries();
    git_->restart();
    EXPECT_EQ(subjects("main"), "shop: bump to v2\nshop: bump to v1");
    start_deliveries();
    ASSERT_TRUE(eventually(
        [&] { return delivery_status("shop-2").value("outbox", Json()) == Json::array(); }));
    EXPECT_FALSE(delivery_status("shop-2").contains("conditions"));
    EXPECT_TRUE(subjects("main").starts_with("Revert "));
}

}  // namespace
}  // namespace sluice::shell
