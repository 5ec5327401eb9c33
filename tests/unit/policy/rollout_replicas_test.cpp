// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/replicas.hpp"

#include <gtest/gtest.h>

namespace sluice::policy::rollout {
namespace rollout_replicas_test {

IntOrString text(const char* value) {
    return {std::nullopt, value};
}
IntOrString number(long value) {
    return {value, {}};
}

ReplicaSetSeen set(const char* hash, long replicas, long available) {
    return {.name = hash,
            .hash = hash,
            .template_digest = hash,
            .spec_replicas = replicas,
            .replicas = replicas,
            .ready_replicas = available,
            .available_replicas = available,
            .created = TimePoint{std::chrono::seconds{hash[1] - '0'}}};
}

// A Rollout at its first step, of a stable v1 and a new v2.
struct Setting {
    crds::RolloutSpec spec;
    crds::CanaryStrategy canary;
    crds::RolloutStatus status{
        .current_pod_hash = "v2", .current_step_index = 0, .stable_rs = "v1"};
    Observation seen{.rollout = {.template_hash = "v2", .template_digest = "v2"}};

    ReplicaCounts counts(std::optional<crds::TrafficWeights> weights = {}) {
        const Pass pass(spec, canary, status, seen, TimePoint{});
        return wanted_counts(pass, weights);
    }
};

struct Basic {
    long replicas, weight;
    const char *surge, *unavailable;
    int promote_full, aborted;
    long stable, stable_available, canary, canary_available, older, older_available;
    ReplicaCounts wanted;
};

const Basic basics[] = {
#define COUNTS(r, w, s, u, full, abort, ss, sa, cs, ca, os, oa, ws, wc) \
    {r, w, s, u, full, abort, ss, sa, cs, ca, os, oa, {wc, ws}},
#define APPROXIMATE(...)
#include "tests/unit/policy/rollout_counts.inc"
#undef COUNTS
#undef APPROXIMATE
};

IntOrString fence(const std::string& text) {
    return text.ends_with('%') ? IntOrString{std::nullopt, text} : number(std::stol(text));
}

TEST(BasicCanary, CountsAsUpstreamsTableDoes) {
    ASSERT_GT(std::size(basics), 30U);
    for (const auto& row : basics) {
        Setting setting;
        setting.spec.replicas = row.replicas;
        setting.canary.max_surge = fence(row.surge);
        setting.canary.max_unavailable = fence(row.unavailable);
        setting.canary.steps = {crds::SetWeightStep{row.weight}};
        setting.status.promote_full = row.promote_full != 0;
        setting.status.abort = row.aborted != 0;
        setting.seen.replica_sets = {set("v0", row.older, row.older_available),
                                     set("v1", row.stable, row.stable_available),
                                     set("v2", row.canary, row.canary_available)};
        const auto found = setting.counts();
        EXPECT_EQ(found, row.wanted)
            << row.replicas << " at " << row.weight << ": stable " << row.stable << " canary "
            << row.canary << " gave " << found.stable << "/" << found.canary;
    }
}

TEST(BasicCanary, ReplacesCrashLoopingStablePods) {
    Setting setting;
    setting.spec.replicas = 10;
    setting.canary.max_surge = number(1);
    setting.canary.max_unavailable = number(0);
    setting.canary.steps = {crds::SetWeightStep{100}};
    setting.seen.replica_sets = {set("v1", 10, 0), set("v2", 1, 1)};
    EXPECT_EQ(setting.counts(), (ReplicaCounts{1, 9}));
}

TEST(BasicCanary, WaitsUntilOlderVersionsAreGone) {
    Setting setting;
    setting.spec.replicas = 10;
    setting.canary.max_surge = number(1);
    setting.canary.max_unavailable = number(0);
    setting.canary.steps = {crds::SetWeightStep{50}};
    setting.seen.replica_sets = {set("v0", 2, 2), set("v1", 8, 8), set("v2", 0, 0)};
    EXPECT_EQ(setting.counts(), (ReplicaCounts{1, 8}));
}

struct Approximation {
    long replicas, weight, max_weight, surge;
    ReplicaCounts wanted;
};

const Approximation approximations[] = {
#define COUNTS(...)
#define APPROXIMATE(r, w, max, s, wc, ws) {r, w, max, s, {wc, ws}},
#include "tests/unit/policy/rollout_counts.inc"
#undef COUNTS
#undef APPROXIMATE
};

TEST(ApproximateCounts, FindTheNearestShareAsUpstreamsTableDoes) {
    ASSERT_GT(std::size(approximations), 50U);
    for (const auto& row : approximations)
        EXPECT_EQ(approximate_counts(row.replicas, row.weight, row.max_weight, row.surge),
                  row.wanted)
            << row.replicas << " at " << row.weight << " surge " << row.surge;
}

TEST(Fenceposts, RoundSurgeUpAndUnavailableDown) {
    EXPECT_EQ(fenceposts({}, 10), (Fenceposts{3, 2}));  // 25% each
    EXPECT_EQ(fenceposts({.max_surge = text("25"), .max_unavailable = text("25")}, 10),
              (Fenceposts{3, 2}));
    EXPECT_EQ(fenceposts({.max_surge = text("0%"), .max_unavailable = text("25%")}, 2),
              (Fenceposts{0, 1}));
    EXPECT_EQ(fenceposts({.max_surge = number(2), .max_unavailable = number(9)}, 3),
              (Fenceposts{2, 3}));
}

TEST(RoutedCanary, HasPodsForItsWeightAndStableStaysWhole) {
    Setting setting;
    setting.spec.replicas = 6;
    setting.canary.traffic_routing = crds::TrafficRouting{.nginx = crds::NginxConfig{}};
    setting.canary.steps = {crds::SetWeightStep{5}, crds::SetCanaryScaleStep{.replicas = 4},
                            crds::SetCanaryScaleStep{.weight = 50}, crds::SetWeightStep{80},
                            crds::SetCanaryScaleStep{.match_traffic_weight = true}};
    setting.seen.replica_sets = {set("v1", 6, 6), set("v2", 0, 0)};
    const std::pair<long, long> wanted[] = {{0, 1}, {1, 4}, {2, 3}, {3, 3}, {4, 5}, {5, 6}};
    for (const auto& [step, pods] : wanted) {
        setting.status.current_step_index = step;
        EXPECT_EQ(setting.counts(), (ReplicaCounts{pods, 6})) << "step " << step;
    }
    setting.canary.min_pods_per_replica_set = 2;
    setting.status.current_step_index = 0;
    EXPECT_EQ(setting.counts().canary, 2);
    setting.status.abort = true;
    EXPECT_EQ(setting.counts().canary, 0);
}

TEST(RoutedCanary, ShrinksStableOnlyAfterItsRecordedTraffic) {
    Setting setting;
    setting.spec.replicas = 4;
    setting.canary.traffic_routing = crds::TrafficRouting{.nginx = crds::NginxConfig{}};
    setting.canary.dynamic_stable_scale = true;
    setting.canary.steps = {crds::SetWeightStep{75}};
    setting.seen.replica_sets = {set("v1", 4, 4), set("v2", 0, 0)};
    EXPECT_EQ(setting.counts(crds::TrafficWeights{{25}, {75}}), (ReplicaCounts{3, 3}));
    EXPECT_EQ(setting.counts(crds::TrafficWeights{{75}, {25}}), (ReplicaCounts{3, 1}));
    setting.status.abort = true;
    EXPECT_EQ(setting.counts(crds::TrafficWeights{{75}, {25}}), (ReplicaCounts{3, 4}));
}

TEST(ProgressThreshold, CountsAsItSays) {
    Setting setting;
    setting.spec.replicas = 10;
    const ReplicaSetSeen seven = set("v2", 10, 7);
    const auto enough = [&](std::optional<crds::ProgressThreshold> threshold, long desired) {
        setting.canary.replica_progress_threshold = threshold;
        const Pass pass(setting.spec, setting.canary, setting.status, setting.seen, TimePoint{});
        return enough_available(pass, &seven, desired);
    };
    EXPECT_FALSE(enough(std::nullopt, 10));
    EXPECT_TRUE(enough(crds::ProgressThreshold{true, 70}, 10));
    EXPECT_FALSE(enough(crds::ProgressThreshold{true, 71}, 10));
    EXPECT_TRUE(enough(crds::ProgressThreshold{true, 100}, 0));
    EXPECT_TRUE(enough(crds::ProgressThreshold{false, 7}, 10));
    EXPECT_FALSE(enough(crds::ProgressThreshold{false, 8}, 10));
}

}  // namespace rollout_replicas_test
}  // namespace sluice::policy::rollout
