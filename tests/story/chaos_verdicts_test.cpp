// SPDX-License-Identifier: Apache-2.0
// What tests/chaos asks after its kills: each promise must be able to break.
#include "tests/chaos/verdicts.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/chaos/clerk.hpp"

namespace chaos {
namespace {

using sluice::TimePoint;
using story::WeightChange;

TimePoint at(long second) {
    return TimePoint{std::chrono::seconds{second}};
}

std::string said(const Result<void>& outcome) {
    return outcome.ok() ? "" : outcome.error().message;
}

std::vector<WeightChange> route(const std::vector<int>& weights) {
    std::vector<WeightChange> changes;
    for (size_t i = 0; i < weights.size(); ++i)
        changes.push_back({at(static_cast<long>(10 * i)), weights[i]});
    return changes;
}

std::string weights_said(const std::vector<int>& weights) {
    return said(check_weights(route(weights), at(0), at(1000), {5, 20, 50, 100}));
}

TEST(ChaosVerdicts, WeightsOnlyRiseAndThenAreGone) {
    EXPECT_EQ(weights_said({0, 5, 20, 50, 100, 0}), "");
    EXPECT_EQ(weights_said({5, 50, 0}), "") << "not every change is seen";
    EXPECT_EQ(weights_said({5, 20, 5, 20}), "weights: they went back and forth: 5, 20, 5, 20");
    EXPECT_EQ(weights_said({5, 0, 5}), "weights: they went back and forth: 5, 0, 5");
    EXPECT_EQ(weights_said({5, 30}),
              "weights: a weight of 30 % is no step's: the route told 5, 30");
}

sluice::Json record(const char* kind, int weight) {
    return {
        {"kind", kind}, {"source", {{"commit", "0123456789"}}}, {"steps", {{{"weight", weight}}}}};
}

TEST(ChaosVerdicts, EachOutcomeIsRecordedOnce) {
    std::vector<sluice::Json> records{record("step", 5), record("promoted", 100)};
    EXPECT_EQ(said(check_records(records, "0123456789", {"promoted"}, {5})), "");
    EXPECT_NE(said(check_records(records, "0123456789", {"promoted"}, {5, 20})), "");
    records.push_back(record("promoted", 100));
    EXPECT_EQ(said(check_records(records, "0123456789", {"promoted"}, {5})),
              "records: of 01234567 there must be one of each of promoted and steps 5, and there "
              "are 2 × promoted, 1 × step at 5");
}

TEST(ChaosVerdicts, AnOperationIsCommittedOnce) {
    story::Commit commit{
        .id = "a", .message = "x\n\nSluice-Op-Id: 77\n", .author = {}, .files = {}};
    auto again = commit;
    again.id = "b";
    EXPECT_EQ(said(check_op_ids({commit})), "");
    EXPECT_EQ(said(check_op_ids({commit, again})),
              "op-ids: operation 77 was committed twice, as a and b");
}

TEST(ChaosVerdicts, ClientsNeverSeeMoreThanTheWeight) {
    story::Counts counts;
    counts.add({at(1), at(5), {{"v1", 900}, {"v2", 100}}, {}});
    const auto ten = said(check_shares(counts, "v2", route({5, 0}), at(0), at(100), 3));
    EXPECT_EQ(ten, "share: at 5 % clients saw 100 of 1000 answers of v2");
    EXPECT_EQ(said(check_shares(counts, "v2", route({20, 0}), at(0), at(100), 3)), "");
}

TEST(Clerk, MissesWhatWasAcknowledged) {
    const Entry written{.acknowledged = 3, .tried = 4};
    EXPECT_EQ(contradiction("e", written, 3), "");
    EXPECT_EQ(contradiction("e", written, 4), "") << "landed, though its answer was lost";
    EXPECT_EQ(contradiction("e", written, 2), "e: write 3 was acknowledged, and it holds write 2");
    EXPECT_EQ(contradiction("e", written, 0), "e: write 3 was acknowledged, and it is absent");
    EXPECT_EQ(contradiction("e", written, 5), "e: it holds write 5, and only 4 were ever sent");
    const Entry gone{.acknowledged = 3, .tried = 3, .removal_tried = true, .removed = true};
    EXPECT_EQ(contradiction("e", gone, 0), "");
    EXPECT_EQ(contradiction("e", gone, 3), "e: its removal was acknowledged, and it is there");
}

}  // namespace
}  // namespace chaos
