// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/garbage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::workloads {
namespace {

OwnedObject pod_owned_by(const std::vector<std::string>& owners) {
    OwnedObject pod{resources::pods, "shop", "p", "pod-1", {}, false, false};
    for (const auto& uid : owners) pod.owners.push_back({"apps/v1", "ReplicaSet", "rs", uid, true});
    return pod;
}

TEST(Garbage, OnlyWhatHasLostEveryOwnerGoes) {
    using enum OwnerState;
    const auto pod = pod_owned_by({"a", "b"});
    EXPECT_TRUE(is_garbage(pod, {Absent, Absent}));
    EXPECT_FALSE(is_garbage(pod, {Absent, Present}));
    EXPECT_FALSE(is_garbage(pod, {Absent, Unknown}));
    EXPECT_FALSE(is_garbage(pod_owned_by({}), {})) << "what has no owner is nobody's garbage";
    auto going = pod;
    going.deleting = true;
    EXPECT_FALSE(is_garbage(going, {Absent, Absent}));
}

TEST(Garbage, SuspectsAreThoseWhoseOwnerIsNotThere) {
    OwnershipGraph graph;
    graph.put({resources::replica_sets, "shop", "rs", "a", {}, false, false});
    graph.put(pod_owned_by({"a"}));
    EXPECT_TRUE(graph.suspects().empty());
    EXPECT_EQ(graph.dependents("a"), std::vector<std::string>{"pod-1"});
    graph.erase("a");
    EXPECT_EQ(graph.suspects(), std::vector<std::string>{"pod-1"});
    graph.put(pod_owned_by({}));
    EXPECT_TRUE(graph.suspects().empty());
    EXPECT_TRUE(graph.dependents("a").empty());
}

TEST(Garbage, ForegroundDeletionWaitsWithItsFinalizer) {
    Json owner = {{"metadata",
                   {{"name", "rs"},
                    {"namespace", "shop"},
                    {"uid", "a"},
                    {"finalizers", {"foregroundDeletion"}}}}};
    OwnershipGraph graph;
    graph.put(decode_owned(resources::replica_sets, owner));
    EXPECT_FALSE(graph.waiting("a")) << "it is not being deleted yet";
    owner["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z";
    graph.put(decode_owned(resources::replica_sets, owner));
    ASSERT_TRUE(graph.waiting("a"));
    EXPECT_EQ(graph.all_waiting(), std::vector<std::string>{"a"});
    owner["metadata"]["finalizers"] = Json::array();
    graph.put(decode_owned(resources::replica_sets, owner));
    EXPECT_FALSE(graph.waiting("a"));
}

// Else the API server would hold back what nobody releases.
TEST(Garbage, TheServerWaitsForCollectedKindsOnly) {
    for (const auto& resource : apiserver::builtin_resources()) {
        const auto& types = collected_types();
        EXPECT_EQ(resource.collected,
                  std::find(types.begin(), types.end(), resource.type) != types.end())
            << resource.type.kind;
    }
}

TEST(Garbage, OwnersOfUnwatchedKindsAreNotKnown) {
    EXPECT_EQ(*type_of({"argoproj.io/v1alpha1", "Rollout", "r", "u"}), resources::rollouts);
    EXPECT_EQ(*type_of({"v1", "Service", "s", "u"}), resources::services);
    EXPECT_EQ(*type_of({"argoproj.io/v1", "Rollout", "r", "u"}), resources::rollouts)
        << "a version is not part of who somebody is";
    EXPECT_EQ(type_of({"example.com/v1", "Pod", "p", "u"}), nullptr);
    EXPECT_EQ(type_of({"apps/v1", "DaemonSet", "d", "u"}), nullptr);
}

}  // namespace
}  // namespace sluice::standalone::workloads
