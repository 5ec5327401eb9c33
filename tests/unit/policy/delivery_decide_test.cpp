// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/policy/delivery_story.hpp"

namespace sluice::policy::delivery::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

TEST(DecideDelivery, FirstVersionIsPromotedWhenItServes) {
    Story story;
    story.seen.rollout.unhealthy = true;
    story.deliver(1);
    EXPECT_EQ(story.phase("shop-1"), "Progressing");
    EXPECT_EQ(story.owed("shop-1"), "");
    story.seen.rollout.unhealthy = false;
    story.run();
    EXPECT_EQ(story.names(), "shop-1");
    EXPECT_EQ(story.phase("shop-1"), "Promoted");
    EXPECT_EQ(story.owed("shop-1"), "promoted");
    const auto& spec = story.find("shop-1").spec;
    EXPECT_EQ(spec.source->commit, Story::commit_of(1));
    EXPECT_EQ(spec.source->path, "deploy/shop.yaml");
    EXPECT_EQ(spec.attempt, 1);
    EXPECT_EQ(spec.old_image, "");
    EXPECT_EQ(spec.new_image, "registry/shop:v1");
}

TEST(DecideDelivery, EachWeightIsAStepWithTheEvidenceOfItsGate) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.run();
    EXPECT_TRUE(story.find("shop-2").status.steps.empty());  // 5 % is asked for, not in force
    story.step(0, 5);
    story.run();
    story.now += seconds{10};
    story.step(1, 5);
    story.seen.runs = {story.measured("run-1", 1, "Successful", "0.003")};
    story.run();
    EXPECT_EQ(story.owed("shop-2"), "");  // the gate has not let it go on yet
    story.step(2, 5);
    story.run();
    const auto& step = story.find("shop-2").status.steps.at(0);
    EXPECT_EQ(step.weight, 5);
    EXPECT_EQ(step.entered_at, at("2026-11-20T10:30:00Z"));
    EXPECT_EQ(step.left_at, at("2026-11-20T10:30:10Z"));
    EXPECT_EQ(step.verdict, "Passed");
    const crds::DeliveryCheck expected{.name = "error-rate",
                                       .run = "run-1",
                                       .query = "sum(rate(errors[10s]))",
                                       .value = "0.003",
                                       .threshold = "result[0] < 0.01",
                                       .samples = 3,
                                       .verdict = "Successful"};
    EXPECT_EQ(step.checks, std::vector{expected});
    EXPECT_EQ(story.owed("shop-2"), "step");
    EXPECT_EQ(step.op_id, story.find("shop-2").status.outbox.at(0).op_id);
    story.step(2, 20);
    story.run();
    EXPECT_EQ(story.find("shop-2").status.steps.at(1).weight, 20);
}

TEST(DecideDelivery, AStepWaitsForEvidenceThatItsCacheHasNotSeenYetButNotForEver) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(0, 5);
    story.run();
    story.seen.runs = {story.measured("run-1", 1, "Running", "0.003")};
    story.step(2, 5);
    story.run();
    EXPECT_EQ(story.owed("shop-2"), "");
    EXPECT_EQ(story.last.look_again, Duration{seconds{2}});
    story.now += seconds{2};
    story.run();
    EXPECT_EQ(story.owed("shop-2"), "step");
}

TEST(DecideDelivery, PromotionEndsTheLastStepAndTheStory) {
    Story story;
    story.deliver(1);
    story.declare(2);
    for (const long index : {0L, 2L, 4L, 6L}) {
        story.step(index, *story.seen.rollout.steps[static_cast<size_t>(index)]);
        story.run();
    }
    story.promote();
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "Promoted");
    EXPECT_EQ(story.owed("shop-2"), "step step step step promoted");
    EXPECT_EQ(story.find("shop-2").status.steps.size(), 4U);
}

TEST(DecideDelivery, AfterTheLastStepUsersGetEverythingEvenIfNoStepSaysSo) {
    Story story;
    story.seen.rollout.steps = {20, {}};
    story.deliver(1);
    story.declare(2);
    story.step(0, 20);
    story.run();
    story.step(2, 100);
    story.run();
    ASSERT_EQ(story.find("shop-2").status.steps.size(), 2U);
    EXPECT_EQ(story.find("shop-2").status.steps.at(1).weight, 100);
    EXPECT_EQ(story.find("shop-2").status.steps.at(1).index, 2);
}

TEST(DecideDelivery, NothingIsToldOfARollbackBeforeTrafficIsBack) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "Progressing");
    EXPECT_EQ(story.owed("shop-2"), "");
    story.now += seconds{1};
    story.seen.rollout.canary_weight = 0;
    story.seen.rollout.weight_verified = false;
    story.run();
    EXPECT_EQ(story.owed("shop-2"), "");
    story.seen.rollout.weight_verified = true;
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "RolledBack");
    EXPECT_EQ(story.owed("shop-2"), "rolledback reverted");
    const auto& status = story.find("shop-2").status;
    EXPECT_EQ(status.traffic->before, 5);
    EXPECT_EQ(status.traffic->after, 0);
    EXPECT_EQ(status.traffic->restored_at, at("2026-11-20T10:30:01Z"));
    EXPECT_EQ(status.cause->check, "error-rate");
    EXPECT_EQ(status.cause->value, "0.041");
    EXPECT_EQ(status.steps.at(0).verdict, "Failed");
    EXPECT_EQ(
        status.message,
        "rolled back at 5 %: Step-based analysis phase error/failed: metric \"error-rate\" failed");
    EXPECT_TRUE(story.find("shop-2").quarantined());
    EXPECT_EQ(status.quarantine->digest, "digest-v2");
}

TEST(DecideDelivery, OurOwnRevertEndsTheStoryAndStartsNone) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.seen.rollout.canary_weight = 0;
    story.run();
    story.drain();
    story.declare(1);
    story.run();
    EXPECT_EQ(story.names(), "shop-1 shop-2");
    EXPECT_EQ(story.phase("shop-2"), "RolledBack");
    EXPECT_EQ(story.owed("shop-2"), "");
}

TEST(DecideDelivery, AUsersAbortIsToldButNotReverted) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.seen.rollout.abort = true;
    story.seen.rollout.abort_message = "Rollout aborted update to revision 2";
    story.seen.rollout.canary_weight = 0;
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "Aborted");
    EXPECT_EQ(story.owed("shop-2"), "aborted");
    EXPECT_FALSE(story.find("shop-2").quarantined());
    EXPECT_EQ(story.find("shop-2").status.steps.at(0).verdict, "Stopped");
}

TEST(DecideDelivery, AnAbortTakenBackBeforeTrafficLeftGoesOn) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.seen.rollout.abort = true;
    story.run();
    story.seen.rollout.abort = false;
    story.step(0, 5);
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "Progressing");
    EXPECT_FALSE(story.find("shop-2").status.cause.has_value());
    EXPECT_EQ(story.find("shop-2").status.steps.size(), 1U);
    EXPECT_EQ(story.owed("shop-2"), "");
}

TEST(DecideDelivery, ARetryIsAnAttemptOfItsOwnWithOtherIds) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.seen.rollout.canary_weight = 0;
    story.run();
    const std::string first = story.find("shop-2").status.op_id;
    story.now += minutes{1};
    story.seen.rollout.abort = false;
    story.seen.rollout.runs.clear();
    story.seen.rollout.abort_message.clear();
    story.step(0, 0);
    story.run();
    EXPECT_EQ(story.names(), "shop-1 shop-2 shop-3");
    EXPECT_EQ(story.find("shop-3").spec.attempt, 2);
    story.promote();
    story.run();
    EXPECT_EQ(story.phase("shop-3"), "Promoted");
    EXPECT_NE(story.find("shop-3").status.op_id, first);
    EXPECT_FALSE(story.find("shop-2").quarantined())
        << "what was promoted after all is no longer bad";
}

TEST(DecideDelivery, ANewerVersionSupersedes) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.declare(3);
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "Superseded");
    EXPECT_EQ(story.owed("shop-2"), "superseded");
    EXPECT_EQ(story.phase("shop-3"), "Progressing");
    EXPECT_EQ(story.find("shop-3").spec.old_image, "registry/shop:v1");
}

TEST(DecideDelivery, ARolloutOutsideGitHasDeliveriesAndOwesNothing) {
    Story story;
    story.seen.source.reset();
    auto& rollout = story.seen.rollout;
    rollout.generation = rollout.observed_generation = 1;
    rollout.current_hash = "hash1";
    rollout.template_digest = "digest-v1";
    story.run();
    rollout.stable_hash = "hash1";
    story.run();
    EXPECT_EQ(story.phase("shop-1"), "Promoted");
    EXPECT_FALSE(story.find("shop-1").spec.source.has_value());
    EXPECT_EQ(story.owed("shop-1"), "");
    EXPECT_TRUE(story.find("shop-1").status.recorded);
}

TEST(DecideDelivery, IdsWaitUntilGitSaysWhereTheVersionCameFrom) {
    Story story;
    story.declare(1);
    const auto entries = std::exchange(story.seen.source->entries, {});
    story.run();
    story.promote();
    story.run();
    EXPECT_EQ(story.phase("shop-1"), "Promoted");
    EXPECT_EQ(story.owed("shop-1"), "");
    EXPECT_EQ(story.last.look_again, Duration{seconds{5}});
    story.seen.source->entries = entries;
    story.run();
    EXPECT_EQ(story.owed("shop-1"), "promoted");
    EXPECT_EQ(story.find("shop-1").spec.source->commit, Story::commit_of(1));
}

TEST(DecideDelivery, AChangeByHandIsRecordedWithoutACommitAndNeverReverted) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.seen.source->entries.at(0).digest = "digest-v1";
    story.step(1, 5);
    story.run();
    story.now += seconds{6};
    story.fail(1);
    story.seen.rollout.canary_weight = 0;
    story.run();
    EXPECT_EQ(story.owed("shop-2"), "rolledback");
}

TEST(DecideDelivery, RecordOnlyRevertsNothing) {
    Story story;
    story.seen.source->revert = false;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.seen.rollout.canary_weight = 0;
    story.run();
    EXPECT_EQ(story.owed("shop-2"), "rolledback");
}

// Prometheus was down: users go back, but nothing was found out about the version.
TEST(DecideDelivery, AVersionThatCouldNotBeMeasuredIsNeitherRevertedNorQuarantined) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1, "Error");
    story.seen.rollout.canary_weight = 0;
    story.run();
    const auto& status = story.find("shop-2").status;
    EXPECT_EQ(status.phase, crds::DeliveryPhase::RolledBack);
    EXPECT_EQ(story.owed("shop-2"), "rolledback revert-skipped");
    EXPECT_EQ(status.revert->reason,
              "not-judged: its analysis could not be measured, which says nothing of the version");
    EXPECT_FALSE(status.quarantine);
    EXPECT_EQ(status.steps.back().verdict, "Error");
    EXPECT_TRUE(status.cause->errored);
}

TEST(DecideDelivery, AFailureBesideAnErrorIsAVerdict) {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.seen.rollout.runs.push_back({"shop-background", "Error"});
    story.seen.rollout.canary_weight = 0;
    story.run();
    EXPECT_TRUE(story.find("shop-2").status.quarantine);
}

TEST(DecideDelivery, WithoutAPromotedVersionThereIsNothingToRestore) {
    Story story;
    story.seen.rollout.stable_hash = "before-our-time";
    story.declare(2);
    story.step(1, 5);
    story.run();
    story.fail(1);
    story.seen.rollout.canary_weight = 0;
    story.run();
    EXPECT_EQ(story.owed("shop-1"), "rolledback revert-skipped");
    EXPECT_EQ(story.find("shop-1").status.revert->reason,
              "nothing-to-restore: no version declared in git was promoted before");
}

TEST(DecideDelivery, TheFourthRevertWithinAnHourIsLeftToPeople) {
    Story story;
    story.deliver(1);
    for (int version = 2; version <= 5; ++version) {
        story.now += minutes{5};
        story.declare(version);
        story.step(1, 5);
        story.run();
        story.fail(1);
        story.seen.rollout.canary_weight = 0;
        story.run();
        const auto name = concat("shop-", version);
        EXPECT_EQ(story.owed(name),
                  version < 5 ? "rolledback reverted" : "rolledback revert-skipped");
        story.drain();
        story.declare(1);
        story.run();
    }
    EXPECT_EQ(story.find("shop-5").status.revert->reason, "rate-limited: 3 reverts within an hour");
}

TEST(DecideDelivery, AnOlderSightOfTheRolloutDecidesNothing) {
    Story story;
    story.deliver(1);
    const auto before = story.seen.rollout;
    story.declare(2);
    story.run();
    story.seen.rollout = before;
    story.run();
    EXPECT_EQ(story.phase("shop-2"), "Progressing");
}

TEST(DecideDelivery, ATemplateAheadOfItsStatusMakesNoDelivery) {
    Story story;
    story.deliver(1);
    story.seen.rollout.generation += 1;
    story.seen.rollout.template_digest = "digest-v2";
    story.run();
    EXPECT_EQ(story.names(), "shop-1");
}

}  // namespace
}  // namespace sluice::policy::delivery::testing
