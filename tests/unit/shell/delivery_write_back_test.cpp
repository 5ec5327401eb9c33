// SPDX-License-Identifier: Apache-2.0
// What a Git server can do to a rollback's commits (gitops.md 5.5 W4 to W7).
#include <gtest/gtest.h>

#include "controller/policy/delivery/revert.hpp"
#include "controller/shell/delivery_undo.hpp"
#include "controller/shell/delivery_writers.hpp"
#include "tests/unit/shell/delivery_life.hpp"

namespace sluice::shell::testing {
namespace {

using Fault = test::MemoryRemote::PushFault;

// v1 is promoted and told, v2 has failed at 5 % and has no traffic any more; nothing of that is
// told.
struct Rollback {
    Outside outside;
    std::unique_ptr<Life> life = std::make_unique<Life>(outside, Fuse{}, "sluice-0");
    Shop shop{outside};

    Rollback() {
        shop.push(1);
        turn(3);
        shop.promote();
        turn(3);
        shop.push(2);
        turn(3);
        shop.weight(1, 5);
        turn(3);
        shop.abort(1);
        shop.weight(0, 0);
        life->look();
        life->reconcile();
        life->look();
        EXPECT_EQ(shop.delivery("shop-2").status.outbox.size(), 2U);
    }
    void turn(int times) {
        for (int i = 0; i < times; ++i) (void)life->turn();
    }
    std::string main() const { return outside.remote.file("main", "shop.yaml"); }
    std::vector<std::string> records() const { return outside.remote.subjects("sluice-records"); }
    crds::DeliveryStatus status() const { return shop.delivery("shop-2").status; }
};

constexpr const char* rolled_back = "sluice: rolled back shop/shop v1 -> v2 (local)";
constexpr const char* reverted = "sluice: reverted shop/shop v1 -> v2 (local)";
constexpr const char* not_reverted = "sluice: did not revert shop/shop v1 -> v2 (local)";
constexpr const char* promoted = "sluice: promoted shop/shop v1 (local)";

TEST(DeliveryWriteBack, RecordsAndRevertGoInOnePush) {
    Rollback world;
    const int before = world.outside.remote.pushes;
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.outside.remote.pushes, before + 1);
    EXPECT_EQ(world.main(), Shop::manifest(1));
    EXPECT_EQ(world.records(), (std::vector<std::string>{reverted, rolled_back, promoted}));
    const auto status = world.status();
    EXPECT_EQ(status.revert->commit, world.outside.remote.tip("main")->text());
    EXPECT_EQ(status.last_write->ref, "refs/heads/main");
    EXPECT_EQ(world.outside.hints, std::vector<std::string>{"shop/app"});
}

// The caches hold an extract of a recorded Delivery, and nothing of a finished run's measurements.
TEST(DeliveryWriteBack, LiftingAQuarantineLosesNoEvidence) {
    Rollback world;
    world.turn(3);
    const auto told = world.status();
    ASSERT_TRUE(told.recorded && told.outbox.empty() && told.quarantine);
    EXPECT_EQ(told.cause->check, "error-rate");
    EXPECT_EQ(told.cause->value, "[0.2]");
    EXPECT_FALSE(told.steps.at(0).checks.empty());
    world.outside.user
        .patch({resources::deliveries, "shop", "shop-2"}, kube::PatchType::Merge,
               {{"metadata", {{"annotations", {{"sluice.dev/retry", "shop-2"}}}}}})
        .value();
    world.turn(3);
    auto lifted = world.status();
    EXPECT_TRUE(lifted.quarantine->lifted);
    lifted.quarantine->lifted = false;
    lifted.observed_generation = told.observed_generation;
    EXPECT_EQ(lifted, told);
}

TEST(DeliveryWriteBack, AnAnswerThatWasLostIsFoundOnTheBranch) {
    Rollback world;
    world.outside.remote.push_faults = {{.kind = Fault::Kind::LoseAnswer}};
    EXPECT_TRUE(world.life->write().failed_with(ErrorKind::Timeout));
    EXPECT_EQ(world.status().conditions.at(0).reason, "GitTimeout");
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.records(), (std::vector<std::string>{reverted, rolled_back, promoted}));
    EXPECT_TRUE(world.status().outbox.empty() && world.status().conditions.empty());
    EXPECT_EQ(world.outside.remote.messages("main").size(), 3U);
}

TEST(DeliveryWriteBack, ALostRaceIsDecidedAnewOnTheNewTip) {
    Rollback world;
    world.outside.remote.push_faults = {
        {.kind = Fault::Kind::None, .before = [](test::MemoryRemote& remote) {
             remote.edit("main", {{"README", "hello", std::nullopt}}, "docs\n");
         }}};
    EXPECT_TRUE(world.life->write().failed_with(ErrorKind::Conflict));
    EXPECT_TRUE(world.status().conditions.empty()) << "a race is nothing to tell people about";
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.main(), Shop::manifest(1));
    EXPECT_EQ(world.outside.remote.file("main", "README"), "hello");
}

TEST(DeliveryWriteBack, ANewerVersionInGitIsNotReverted) {
    Rollback world;
    world.outside.remote.edit("main", {{"shop.yaml", Shop::manifest(3), std::nullopt}}, "v3\n");
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.main(), Shop::manifest(3));
    EXPECT_EQ(world.records(), (std::vector<std::string>{not_reverted, rolled_back, promoted}));
    EXPECT_EQ(world.status().revert->reason, "superseded: a newer commit declares another version");
    EXPECT_TRUE(world.outside.hints.empty());
}

TEST(DeliveryWriteBack, APersonsOwnRevertIsLeftAsItIs) {
    Rollback world;
    world.outside.remote.edit("main", {{"shop.yaml", Shop::manifest(1), std::nullopt}}, "back\n");
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.outside.remote.subjects("main").at(0), "back");
    EXPECT_EQ(world.status().revert->reason,
              "already-restored: the branch holds the promoted file");
}

TEST(DeliveryWriteBack, APersonWhoRevertsOurRevertIsNotOverruled) {
    Rollback world;
    world.outside.remote.push_faults = {{.kind = Fault::Kind::LoseAnswer}};
    EXPECT_FALSE(world.life->write().ok());
    world.outside.remote.edit("main", {{"shop.yaml", Shop::manifest(2), std::nullopt}},
                              "again, please\n");
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.main(), Shop::manifest(2));
    EXPECT_EQ(world.records().size(), 3U);
}

TEST(DeliveryWriteBack, AProtectedBranchGetsNoRevertButTheRecordSaysWhy) {
    Rollback world;
    const Fault refuse{.kind = Fault::Kind::Refuse,
                       .message = "protected branch hook declined",
                       .only_branch = "main"};
    world.outside.remote.push_faults = {refuse, refuse, refuse};
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.main(), Shop::manifest(2));
    EXPECT_EQ(world.records(), (std::vector<std::string>{not_reverted, rolled_back, promoted}));
    EXPECT_EQ(world.status().revert->reason, "refused: protected branch hook declined");
}

TEST(DeliveryWriteBack, AProtectedRecordBranchDoesNotKeepTheRevertBack) {
    Rollback world;
    const Fault refuse{
        .kind = Fault::Kind::Refuse, .message = "no", .only_branch = "sluice-records"};
    world.outside.remote.push_faults = {refuse, refuse, refuse};
    EXPECT_TRUE(world.life->write().failed_with(ErrorKind::Denied));
    EXPECT_EQ(world.main(), Shop::manifest(1));
    EXPECT_EQ(world.status().conditions.at(0).message,
              "push to sluice-records: refused by the server: no");
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_EQ(world.records(), (std::vector<std::string>{reverted, rolled_back, promoted}));
    EXPECT_EQ(world.outside.remote.messages("main").size(), 3U) << "one revert";
}

TEST(DeliveryWriteBack, WhileGitIsAwayTheOutboxWaitsAndAConditionSaysSinceWhen) {
    Rollback world;
    world.outside.remote.away = true;
    const auto since = world.outside.server.clock.now();
    for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(world.life->write().failed_with(ErrorKind::Unavailable));
        world.outside.server.clock.advance(std::chrono::minutes{1});
    }
    const auto status = world.status();
    EXPECT_EQ(status.outbox.size(), 2U);
    ASSERT_EQ(status.conditions.size(), 1U);
    EXPECT_EQ(status.conditions[0].type, "WriteBackPending");
    EXPECT_EQ(status.conditions[0].reason, "GitUnavailable");
    EXPECT_EQ(status.conditions[0].message, "fetch: the remote does not answer");
    EXPECT_EQ(status.conditions[0].since, since);
    world.outside.remote.away = false;
    ASSERT_TRUE(world.life->write().ok());
    EXPECT_TRUE(world.status().conditions.empty());
    EXPECT_EQ(world.main(), Shop::manifest(1));
}

TEST(DeliveryWriteBack, OtherEditsOfTheFileSinceThePromotionSurviveTheRevert) {
    Outside outside;
    Life life(outside, {}, "sluice-0");
    Shop shop(outside);
    const auto turn = [&] {
        for (int i = 0; i < 3; ++i) (void)life.turn();
    };
    shop.push(1);
    turn();
    shop.promote();
    turn();
    const std::string edited = "# keep me\n" + Shop::manifest(1);
    outside.remote.edit("main", {{"shop.yaml", edited, std::nullopt}}, "a comment\n");
    shop.push(2);
    turn();
    shop.weight(1, 5);
    turn();
    shop.abort(1);
    shop.weight(0, 0);
    turn();
    EXPECT_EQ(outside.remote.file("main", "shop.yaml"), edited);
}

// v1 and v2 are promoted.
struct Undo {
    Outside outside;
    Life life{outside, {}, "sluice-0"};
    Shop shop{outside};
    policy::delivery::SourceView target;
    test::MemoryRepository repository{outside.remote};

    Undo() {
        for (const int version : {1, 2}) {
            shop.push(version);
            for (int i = 0; i < 3; ++i) (void)life.turn();
            shop.promote();
            for (int i = 0; i < 3; ++i) (void)life.turn();
        }
        target.branch = "main";
    }
    Result<std::string> run() {
        const auto to = policy::delivery::plan_undo(
            shop.deliveries(), shop.delivery("shop-2").spec.digest, std::nullopt);
        if (!to.ok()) return to.error();
        return undo_in_git(
            repository, target,
            {.to = *to, .from_image = "shop:v2", .cluster = "local", .asked_by = "ann"},
            outside.server.clock.now());
    }
};

TEST(UndoInGit, RestoresTheFileOfTheVersionBefore) {
    Undo world;
    const auto commit = world.run();
    ASSERT_TRUE(commit.ok()) << commit.error().message;
    EXPECT_EQ(world.outside.remote.tip("main")->text(), *commit);
    EXPECT_EQ(world.outside.remote.file("main", "shop.yaml"), Shop::manifest(1));
    const auto first = world.shop.delivery("shop-1").spec.source->commit;
    EXPECT_EQ(
        world.outside.remote.messages("main").at(0),
        concat("Undo shop/shop to v1 [sluice undo]\n\nRestores shop.yaml as of commit ", first,
               ".\n\nSluice-Record: v1\nSluice-Kind: undo\nSluice-Cluster: local\n"
               "Sluice-Rollout: shop/shop\nSluice-Restores: ",
               first, "\nSluice-Image: shop:v2 -> shop:v1\nSluice-Asked-By: ann\n"));
    EXPECT_EQ(world.run().error().message,
              "undo rollout shop/shop to shop-1: shop.yaml on branch main is as of shop-1 already");
}

TEST(UndoInGit, ComesAgainAfterALostRaceAndSaysWhatTheServerRefused) {
    Undo world;
    world.outside.remote.push_faults = {
        {.kind = Fault::Kind::None,
         .before =
             [](test::MemoryRemote& remote) {
                 remote.edit("main", {{"README", "hello", std::nullopt}}, "docs\n");
             }},
        {.kind = Fault::Kind::Refuse, .message = "protected branch hook declined"}};
    EXPECT_EQ(
        world.run().error().message,
        "undo rollout shop/shop to shop-1: the server refused: protected branch hook declined");
    ASSERT_TRUE(world.run().ok());
    EXPECT_EQ(world.outside.remote.file("main", "README"), "hello");
}

TEST(DecorrelatedBackoff, GrowsToFiveSecondsAndLaterToMinutes) {
    DecorrelatedBackoff backoff(7);
    Duration longest_early{};
    Duration longest_late{};
    for (int i = 0; i < 12; ++i) longest_early = std::max(longest_early, backoff.next());
    for (int i = 0; i < 200; ++i) longest_late = std::max(longest_late, backoff.next());
    EXPECT_LE(longest_early, std::chrono::seconds{5});
    EXPECT_GT(longest_late, std::chrono::seconds{5});
    EXPECT_LE(longest_late, std::chrono::minutes{2});
    backoff.reset();
    EXPECT_LE(backoff.next(), std::chrono::milliseconds{150});
}

}  // namespace
}  // namespace sluice::shell::testing
