// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "controller/policy/delivery/message.hpp"
#include "tests/unit/policy/delivery_story.hpp"

namespace sluice::policy::delivery::testing {
namespace {

using std::chrono::seconds;

// v2 fails at 5 %, nine seconds after it was rejected its traffic is gone.
Story rolled_back(const std::string& subject = "shop: bump to v2") {
    Story story;
    story.deliver(1);
    story.declare(2);
    story.seen.source->entries.at(0).subject = subject;
    story.step(1, 5);
    story.run();
    story.now += seconds{30};
    story.fail(1);
    story.now += seconds{9};
    story.seen.rollout.canary_weight = 0;
    story.run();
    return story;
}

std::string record_of(Story& story, const std::string& delivery, crds::DeliveryOpKind kind) {
    for (const auto& op : story.find(delivery).status.outbox)
        if (op.kind == kind) return op.record;
    return {};
}
RecordFacts facts_of(Story& story, const std::string& delivery, crds::DeliveryOpKind kind) {
    return read_record(record_of(story, delivery, kind)).value();
}

constexpr const char* expected_record =
#include "tests/unit/policy/delivery_record.inc"
    ;

TEST(DeliveryRecord, SaysEverythingInOneOrder) {
    Story story = rolled_back();
    EXPECT_EQ(record_of(story, "shop-2", crds::DeliveryOpKind::RolledBack), expected_record);
}

TEST(DeliveryMessage, RevertNamesTheCommitAndEndsWithTrailers) {
    Story story = rolled_back();
    EXPECT_EQ(revert_message(facts_of(story, "shop-2", crds::DeliveryOpKind::Reverted)),
              "Revert \"shop: bump to v2\" [sluice rollback]\n"
              "\n"
              "Canary shop/shop failed at 5 %: error-rate was 0.041, wanted result[0] < 0.01 (3 "
              "samples).\n"
              "Traffic returned to v1 at 2026-11-20T10:30:39Z, 9s after the verdict.\n"
              "This reverts commit 2222222222222222222222222222222222222222, limited to "
              "deploy/shop.yaml.\n"
              "\n"
              "Sluice-Record: v1\n"
              "Sluice-Op-Id: 1df0ecdde6f2394c3d840246da\n"
              "Sluice-Kind: reverted\n"
              "Sluice-Cluster: local\n"
              "Sluice-Rollout: shop/shop\n"
              "Sluice-Source-Commit: 2222222222222222222222222222222222222222\n"
              "Sluice-Reverts: 2222222222222222222222222222222222222222\n"
              "Sluice-Restores: 1111111111111111111111111111111111111111\n"
              "Sluice-Image: registry/shop:v2 -> registry/shop:v1\n"
              "Sluice-Failed-Check: error-rate value=0.041 threshold=result[0] < 0.01 weight=5\n"
              "Sluice-Record-Path: v1/local/shop/shop/2026/11/1df0ecdde6f2394c3d840246da.json\n");
}

TEST(DeliveryMessage, WhatCouldNotBeMeasuredIsNotCalledFailed) {
    RecordFacts facts;
    facts.kind = crds::to_text(crds::DeliveryOpKind::RolledBack);
    facts.ns = "shop";
    facts.rollout = "web";
    facts.created_at = "2026-11-20T10:30:39.000000Z";
    facts.weight = 5;
    facts.errored = true;
    facts.cause = "prometheus: connection refused";
    EXPECT_NE(
        record_message(facts).find(
            "\n\nCanary shop/web could not be measured at 5 %: prometheus: connection refused.\n"),
        std::string::npos)
        << record_message(facts);
}

TEST(DeliveryMessage, RecordsHaveASubjectForEachKind) {
    using enum crds::DeliveryOpKind;
    RecordFacts facts;
    facts.cluster = "local";
    facts.ns = "shop";
    facts.rollout = "web";
    facts.created_at = "2026-11-20T10:30:39.000000Z";
    facts.old_image = "shop:v1";
    facts.new_image = "shop:v2";
    facts.weight = 5;
    const std::pair<crds::DeliveryOpKind, const char*> cases[] = {
        {Step, "sluice: passed 5 % of shop/web v1 -> v2 (local)"},
        {Promoted, "sluice: promoted shop/web v1 -> v2 (local)"},
        {RolledBack, "sluice: rolled back shop/web v1 -> v2 (local)"},
        {Reverted, "sluice: reverted shop/web v1 -> v2 (local)"},
        {Aborted, "sluice: aborted shop/web v1 -> v2 (local)"},
        {Superseded, "sluice: superseded shop/web v1 -> v2 (local)"},
        {RevertSkipped, "sluice: did not revert shop/web v1 -> v2 (local)"},
    };
    for (const auto& [kind, subject] : cases) {
        facts.kind = crds::to_text(kind);
        const auto message = record_message(facts);
        EXPECT_EQ(message.substr(0, message.find('\n')), subject);
    }
    facts.kind = "promoted";
    facts.old_image.clear();
    EXPECT_EQ(record_message(facts).substr(0, 37), "sluice: promoted shop/web v2 (local)\n");
}

TEST(DeliveryMessage, WordsOfUsersCannotForgeTrailers) {
    Story story = rolled_back("bump\n\nSluice-Op-Id: evil\r\nSluice-Kind: promoted\x01");
    auto facts = facts_of(story, "shop-2", crds::DeliveryOpKind::Reverted);
    facts.value = "1\n\nSluice-Op-Id: evil";
    facts.cause = "x\n\nSluice-Op-Id: evil";
    facts.cluster = "prod\nSluice-Op-Id: evil";
    const auto message = revert_message(facts);
    EXPECT_EQ(trailer_op_id(message), facts.op_id);
    EXPECT_EQ(("\n" + message).find("\nSluice-Op-Id: evil"), std::string::npos);
    EXPECT_EQ(message.substr(0, message.find('\n')),
              "Revert \"bump Sluice-Op-Id: evil Sluice-Kind: promoted\" [sluice rollback]");
}

TEST(DeliveryMessage, LongWordsAreCutAtACharacterAndTheWholeStaysShort) {
    EXPECT_EQ(one_line("abcdef", 5), "ab...");
    EXPECT_EQ(one_line("a\xc3\xa4\xc3\xa4\xc3\xa4", 6), "a\xc3\xa4...");
    EXPECT_EQ(one_line("  a \t\n b  "), "a b");
    Story story = rolled_back(std::string(10'000, 's'));
    auto facts = facts_of(story, "shop-2", crds::DeliveryOpKind::Reverted);
    facts.threshold = facts.check = facts.value = facts.cause = std::string(10'000, 'x');
    EXPECT_LE(revert_message(facts).size(), 4096U);
}

TEST(DeliveryMessage, OnlyTheLastParagraphMakesACommitOurs) {
    EXPECT_TRUE(carries_our_trailer("Revert x\n\nbody\n\nSluice-Record: v1\nSluice-Op-Id: abc\n"));
    EXPECT_FALSE(carries_our_trailer("Reapply\n\nSluice-Op-Id: abc\n\nSigned-off-by: Ann\n"));
    EXPECT_FALSE(carries_our_trailer("Sluice-Op-Id: abc"));
    EXPECT_EQ(trailer_op_id("Revert x\n\nSluice-Record: v1\nSluice-Op-Id: abc\n"), "abc");
    EXPECT_EQ(trailer_op_id("x\n\ny"), "");
}

TEST(DeliveryRecord, WithoutATimeItHasNoPlaceInTheBranch) {
    Story story = rolled_back();
    std::string record = record_of(story, "shop-2", crds::DeliveryOpKind::RolledBack);
    ASSERT_TRUE(read_record(record).ok());
    const auto at = record.find("\"createdAt\": \"");
    ASSERT_NE(at, std::string::npos);
    record.replace(at, 24, "\"createdAt\": \"2026\", \"x\": \"");
    EXPECT_FALSE(read_record(record).ok());
}

TEST(DeliveryRecord, OpIdsFollowFromContentAlone) {
    // sha256("v1|cluster-uid|rollout-uid|<commit>|digest-v2|1|step|4"), computed with sha256sum.
    crds::DeliverySpec spec{.rollout = "shop", .rollout_uid = "rollout-uid", .digest = "digest-v2"};
    spec.source = crds::DeliverySource{.commit = std::string(40, '2')};
    EXPECT_EQ(op_id(here, spec, crds::DeliveryOpKind::Step, 4), "d354ab488590f7b144556ce668");
    EXPECT_EQ(op_id(here, spec, crds::DeliveryOpKind::Promoted), "17768c0a85f2543b629062dd34");
    spec.attempt = 2;
    EXPECT_NE(op_id(here, spec, crds::DeliveryOpKind::Promoted), "17768c0a85f2543b629062dd34");
}

TEST(DeliveryRecord, LatestKeepsTheNewestOfEachSortAndNeverGoesBack) {
    Story story = rolled_back();
    const auto outcome = record_of(story, "shop-2", crds::DeliveryOpKind::RolledBack);
    const auto older = record_of(story, "shop-1", crds::DeliveryOpKind::Promoted);
    const auto revert = record_of(story, "shop-2", crds::DeliveryOpKind::Reverted);
    const auto once = merge_latest(merge_latest("", outcome), revert);
    EXPECT_EQ(merge_latest(merge_latest(once, older), outcome), once);
    EXPECT_NE(once.find("\"kind\": \"rolledback\""), std::string::npos);
    EXPECT_NE(once.find("\"kind\": \"reverted\""), std::string::npos);
    EXPECT_EQ(once.find("\"kind\": \"promoted\""), std::string::npos);
}

TEST(DeliveryRecord, ClusterNamesCannotLeaveTheirFolder) {
    RecordFacts facts;
    facts.ns = "shop";
    facts.rollout = "web";
    for (const auto& [name, folder] :
         {std::pair{"../../etc", "v1/-.-..-etc/shop/web"}, std::pair{"..", "v1/-./shop/web"},
          std::pair{"", "v1/-/shop/web"}, std::pair{"prod.eu", "v1/prod.eu/shop/web"}}) {
        facts.cluster = name;
        EXPECT_EQ(record_folder(facts), folder);
    }
}

TEST(DeliveryRecord, VersionsAreReadOffImages) {
    EXPECT_EQ(version_of("shop:v2"), "v2");
    EXPECT_EQ(version_of("registry:5000/shop:v2@sha256:0123456789abcdef"), "v2");
    EXPECT_EQ(version_of("registry:5000/shop"), "latest");
    EXPECT_EQ(version_of("shop@sha256:0123456789abcdef"), "0123456789ab");
    EXPECT_EQ(version_of(""), "");
}

}  // namespace
}  // namespace sluice::policy::delivery::testing
