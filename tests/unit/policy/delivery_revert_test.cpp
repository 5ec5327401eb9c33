// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/overloaded.hpp"
#include "controller/policy/delivery/revert.hpp"

namespace sluice::policy::delivery {
namespace {

RevertSight healthy() {
    return {.op_id = "our-op",
            .tip_blob = "bad",
            .bad_blob = "bad",
            .good_blob = "good",
            .bad_message = "shop: bump to v3\n",
            .ours_since = {},
            .tip_digest = {},
            .bad_digest = "digest-v3"};
}

std::string text_of(const RevertPlan& plan) {
    return match(
        plan, [](const RestoreGood&) { return std::string("restore"); },
        [](const RevertLanded& landed) { return "landed " + landed.commit; },
        [](const SkipRevert& skip) { return skip.reason; });
}

struct RevertCase {
    const char* name;
    void (*bend)(RevertSight&);
    const char* expected;
};

const RevertCase revert_cases[] = {
    {"TipIsBad", [](RevertSight&) {}, "restore"},
    {"OurRevertIsThere",
     [](RevertSight& sight) {
         sight.tip_blob = "good", sight.ours_since = {{"c1", "our-op"}};
     },
     "landed c1"},
    {"APersonRevertedOurRevert",
     [](RevertSight& sight) {
         sight.ours_since = {{"c1", "our-op"}};
     },
     "landed c1"},
    {"AnotherOperationOfOursIsNotThisOne",
     [](RevertSight& sight) {
         sight.ours_since = {{"c1", "other-op"}};
     },
     "restore"},
    {"TipIsGood", [](RevertSight& sight) { sight.tip_blob = "good"; },
     "already-restored: the branch holds the promoted file"},
    {"TipDeclaresANewerVersion",
     [](RevertSight& sight) { sight.tip_blob = "other", sight.tip_digest = "digest-v4"; },
     "superseded: a newer commit declares another version"},
    {"TipChangedBesideTheVersion",
     [](RevertSight& sight) { sight.tip_blob = "other", sight.tip_digest = "digest-v3"; },
     "conflict: the file changed beside the rejected version"},
    {"TipCannotBeRead", [](RevertSight& sight) { sight.tip_blob = "other"; },
     "conflict: the file changed beside the rejected version"},
    {"FileIsGone", [](RevertSight& sight) { sight.tip_blob.reset(); },
     "superseded: the file is gone from the branch"},
    {"NothingGoodIsKnown", [](RevertSight& sight) { sight.good_blob.reset(); },
     "nothing-to-restore: the promoted file is not known"},
    {"TheBadCommitIsOurs",
     [](RevertSight& sight) {
         sight.bad_message = "Revert\n\nSluice-Record: v1\nSluice-Op-Id: x\n";
     },
     "robot-commit: the commit to revert is our own"},
};

class PlanRevert : public testing::TestWithParam<RevertCase> {};

TEST_P(PlanRevert, DecidesOnBlobs) {
    auto sight = healthy();
    GetParam().bend(sight);
    EXPECT_EQ(text_of(plan_revert(sight)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Cases, PlanRevert, testing::ValuesIn(revert_cases),
                         [](const auto& test) { return test.param.name; });

TEST(DeclaredDigest, FindsTheRolloutAmongOtherDocuments) {
    const char* file =
        "kind: Service\nmetadata: {name: shop}\n---\n"
        "kind: Rollout\nmetadata: {name: other}\nspec: {template: {spec: {containers: [{image: "
        "'a:1'}]}}}\n---\n"
        "kind: Rollout\nmetadata: {name: shop}\nspec: {template: {spec: {containers: [{image: "
        "'a:2'}]}}}\n";
    const auto digest = declared_digest(file, "shop", "shop");
    EXPECT_EQ(digest.size(), 64U);
    EXPECT_NE(digest, declared_digest(file, "shop", "other"));
    EXPECT_EQ(declared_digest(file, "shop", "third"), "");
    EXPECT_EQ(declared_digest("a: [", "shop", "shop"), "");
}

crds::Delivery promoted(long number, const char* digest, const char* revision, const char* commit) {
    crds::Delivery delivery{.ns = "shop", .name = "shop-" + std::to_string(number)};
    delivery.spec.number = number;
    delivery.spec.digest = digest;
    delivery.spec.revision = revision;
    delivery.spec.source = crds::DeliverySource{.commit = commit};
    delivery.status.phase = crds::DeliveryPhase::Promoted;
    return delivery;
}

TEST(PlanUndo, GoesBackToTheNewestOtherVersion) {
    const std::vector<crds::Delivery> all = {
        promoted(1, "d1", "1", "c1"), promoted(2, "d2", "2", "c2"), promoted(3, "d3", "3", "c3")};
    EXPECT_EQ(plan_undo(all, "d3", std::nullopt)->name, "shop-2");
    EXPECT_EQ(plan_undo(all, "d2", std::nullopt)->name, "shop-3");
    EXPECT_EQ(plan_undo(all, "d3", 1)->name, "shop-1");
    EXPECT_EQ(plan_undo(all, "d3", 7).error().message,
              "no promoted delivery of revision 7 other than what is declared now");
    EXPECT_EQ(plan_undo({}, "d3", std::nullopt).error().message,
              "no promoted delivery of another version is known");
    EXPECT_EQ(plan_undo({promoted(4, "d4", "4", "")}, "d3", std::nullopt).error().message,
              "delivery shop-4 was not declared in git");
}

}  // namespace
}  // namespace sluice::policy::delivery
