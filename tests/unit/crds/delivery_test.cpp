// SPDX-License-Identifier: Apache-2.0
#include "crds/delivery.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::crds {
namespace {

TimePoint when(std::string_view text) {
    return parse_rfc3339(text).value();
}

Delivery full_delivery() {
    const auto start = when("2026-11-20T10:30:00.250Z");
    Delivery delivery{
        .ns = "shop", .name = "shop-3", .uid = "u", .resource_version = "7", .retry = "op"};
    delivery.spec = {
        .rollout = "shop",
        .rollout_uid = "ru",
        .number = 3,
        .generation = 5,
        .source = DeliverySource{"shop/app", "https://git/x", "main", "a.yaml", "c", "Ann", "s"},
        .digest = "d",
        .pod_template_hash = "h",
        .revision = "4",
        .attempt = 2,
        .old_image = "shop:v1",
        .new_image = "shop:v2"};
    auto& status = delivery.status;
    status.phase = DeliveryPhase::RolledBack;
    status.message = "rolled back at 5 %";
    status.observed_generation = 6;
    status.started_at = start;
    status.finished_at = start;
    status.steps = {{.index = 0,
                     .weight = 5,
                     .entered_at = start,
                     .left_at = start,
                     .verdict = "Failed",
                     .checks = {{"errors", "run", "q", "0.2", "< 0.1", 3, "Failed"}},
                     .op_id = "x"},
                    {.index = 2, .weight = 20, .entered_at = start}};
    status.cause = DeliveryCause{0, 5, "errors", "0.2", "< 0.1", 3, "why", false, true, start};
    status.traffic = DeliveryTraffic{5, 0, start};
    status.recorded = true;
    status.op_id = "o";
    status.outbox = {{"o1", DeliveryOpKind::RevertSkipped, start, "{\n  \"opId\": \"o1\"\n}"}};
    status.last_write = DeliveryWrite{"o", "c", "refs/heads/x", start};
    status.revert = DeliveryRevert{true, "", "c", start};
    status.quarantine = DeliveryQuarantine{"d", "why", start, true};
    status.conditions = {{"WriteBackPending", "True", "GitTimeout", "m", start}};
    return delivery;
}

TEST(DeliveryDocument, DecodesToWhatWasEncoded) {
    std::vector<Problem> problems;
    EXPECT_EQ(decode_delivery(encode_delivery(full_delivery()), problems), full_delivery());
    EXPECT_TRUE(problems.empty());
    Delivery bare{.ns = "shop", .name = "shop-1"};
    bare.spec.rollout = bare.spec.rollout_uid = bare.spec.pod_template_hash = "x";
    EXPECT_EQ(decode_delivery(encode_delivery(bare), problems), bare);
    EXPECT_TRUE(problems.empty());
}

TEST(DeliveryDocument, BelongsToItsRollout) {
    const Json document = encode_delivery(full_delivery());
    EXPECT_EQ(
        sluice::to_text(document["metadata"]["ownerReferences"]),
        R"([{"apiVersion":"argoproj.io/v1alpha1","blockOwnerDeletion":true,"controller":true,)"
        R"("kind":"Rollout","name":"shop","uid":"ru"}])");
    EXPECT_EQ(document["spec"]["image"]["new"], "shop:v2");
    EXPECT_EQ(document["status"]["startedAt"], "2026-11-20T10:30:00.250000Z");
}

TEST(DeliveryDocument, TellsEveryProblemWithItsPath) {
    const auto document = parse_json(R"({"spec": {"rollout": {"name": 1}, "podTemplateHash": "h"},
        "status": {"phase": "Done", "outbox": [{"opId": "x", "kind": "celebrated"}]}})");
    std::vector<Problem> problems;
    const auto delivery = decode_delivery(*document, problems);
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(to_text(problem));
    EXPECT_EQ(
        texts,
        (std::vector<std::string>{
            "spec.rollout.name: expected a text, found 1", "spec.rollout.uid: is required",
            "status.phase: expected one of Progressing, Promoted, RolledBack, Aborted, Superseded, "
            "found \"Done\"",
            "status.outbox[0].kind: expected one of step, promoted, rolledback, reverted, aborted, "
            "superseded, revert-skipped, found \"celebrated\""}));
    EXPECT_TRUE(delivery.status.outbox.empty());
}

}  // namespace
}  // namespace sluice::crds
