// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "controller/shell/projections.hpp"

namespace sluice::shell {
namespace {

Json document(const char* text) {
    auto parsed = parse_json(text);
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    return *parsed;
}

TEST(ViewReplicaSet, KeepsWhatDecisionsRead) {
    const auto view = view_replica_set(document(R"({
        "metadata": {"namespace": "shop", "name": "web-5d8", "uid": "u1", "generation": 4,
            "creationTimestamp": "2026-11-20T10:00:00Z",
            "labels": {"app": "web", "rollouts-pod-template-hash": "5d8"},
            "annotations": {"rollout.argoproj.io/revision": "7",
                            "rollout.argoproj.io/desired-replicas": "3",
                            "scale-down-deadline": "2026-11-20T10:05:00Z"},
            "ownerReferences": [{"kind": "Other", "name": "x", "uid": "u0"},
                                {"kind": "Rollout", "name": "web", "uid": "u9", "controller": true}]},
        "spec": {"replicas": 3, "minReadySeconds": 5, "template": {"spec": {"containers": []}}},
        "status": {"replicas": 3, "readyReplicas": 2, "availableReplicas": 1, "observedGeneration": 4,
            "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                            "message": "quota"}]}})"));
    EXPECT_EQ(view.controller, (Controller{"Rollout", "web", "u9"}));
    EXPECT_EQ(view.seen.hash, "5d8");
    EXPECT_EQ(view.seen.revision, 7);
    EXPECT_EQ(view.seen.desired_replicas, 3);
    EXPECT_EQ(view.seen.spec_replicas, 3);
    EXPECT_EQ(view.seen.available_replicas, 1);
    EXPECT_EQ(view.seen.scale_down_deadline, *parse_rfc3339("2026-11-20T10:05:00Z"));
    EXPECT_EQ(view.seen.failure_reason, "FailedCreate");
    EXPECT_FALSE(view.seen.template_digest.empty());
}

TEST(ViewReplicaSet, IsTheSameVersionWithWhatWasInjected) {
    const auto plain = view_replica_set(document(
        R"({"spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {}}}})"));
    const auto dressed = view_replica_set(document(R"({
        "metadata": {"annotations": {"rollout.argoproj.io/ephemeral-metadata":
            "{\"labels\":{\"role\":\"canary\"}}"}},
        "spec": {"template": {"metadata": {"labels": {"app": "web", "role": "canary"}},
            "spec": {}}}})"));
    EXPECT_EQ(dressed.seen.template_digest, plain.seen.template_digest);
}

TEST(ViewPod, KeepsWhatRestartsAndInjectedMetadataAsk) {
    const auto view = view_pod(document(R"({
        "metadata": {"namespace": "shop", "name": "web-5d8-x", "uid": "p",
            "creationTimestamp": "2026-11-20T10:00:00Z", "deletionTimestamp": "2026-11-20T11:00:00Z",
            "labels": {"rollouts-pod-template-hash": "5d8"}, "annotations": {"note": "watch"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8", "uid": "u1",
                                 "controller": true}]},
        "status": {"conditions": [{"type": "Ready", "status": "True",
                                   "lastTransitionTime": "2026-11-20T10:00:05Z"}]}})"));
    EXPECT_EQ(view.owner, owner_mark("u1"));
    EXPECT_EQ(view.created, *parse_rfc3339("2026-11-20T10:00:00Z"));
    EXPECT_EQ(view.ready_since, *parse_rfc3339("2026-11-20T10:00:05Z"));
    EXPECT_TRUE(view.deleting);
    EXPECT_EQ(view.marks.size(), 2U);
    EXPECT_TRUE(
        std::ranges::binary_search(view.marks, policy::rollout::annotation_mark("note", "watch")));
    EXPECT_FALSE(view_pod(document(R"({"status": {"conditions": [{"type": "Ready",
        "status": "False", "lastTransitionTime": "2026-11-20T10:00:05Z"}]}})"))
                     .ready_since);
}

TEST(ViewReplicaSet, TakesADeadlineThatIsNoTimeAsPast) {
    const auto view = view_replica_set(
        document(R"({"metadata": {"annotations": {"scale-down-deadline": "soon"}}})"));
    EXPECT_EQ(view.seen.scale_down_deadline, TimePoint{});
}

TEST(ViewEndpointSlice, CountsAnAbsentReadyAsReady) {
    const auto view = view_endpoint_slice(document(R"({
        "metadata": {"namespace": "shop", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [
            {"addresses": ["127.64.0.2"], "targetRef": {"kind": "Pod", "name": "a"}},
            {"conditions": {"ready": false}, "targetRef": {"kind": "Pod", "name": "b"}},
            {"conditions": {"ready": true}, "targetRef": {"kind": "Pod", "name": "c"}}]})"));
    EXPECT_EQ(view.service, "web");
    EXPECT_EQ(view.ready_pods, (std::vector<std::string>{"a", "c"}));
}

TEST(ViewAnalysisRun, ReadsItsPlaceInTheRollout) {
    const auto view = view_analysis_run(document(R"({
        "metadata": {"namespace": "shop", "name": "web-5d8-2-1", "uid": "r1",
            "labels": {"rollout-type": "Background", "step-index": "1"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "u9", "controller": true}]},
        "spec": {"terminate": true}, "status": {"phase": "Failed", "message": "m"}})"));
    EXPECT_EQ(view.seen.type, policy::rollout::RunType::Background);
    EXPECT_EQ(view.seen.step_index, 1);
    EXPECT_EQ(view.seen.phase, policy::rollout::RunPhase::Failed);
    EXPECT_TRUE(view.seen.terminate);
}

TEST(ViewAnalysisRun, KeepsWhyItGivesNoGoodVerdict) {
    Json run = document(R"({"metadata": {"namespace": "shop", "name": "web-5d8-2-1"},
        "spec": {"metrics": [{"name": "up", "provider": {"prometheus": {"query": "up"}}}]},
        "status": {"phase": "Running", "metricResults": [{"name": "up", "phase": "Running",
            "consecutiveError": 1, "measurements": [{"phase": "Error", "message": "refused",
            "startedAt": "2026-11-20T10:00:00Z"}]}]}})");
    const auto view = view_analysis_run(run);
    ASSERT_TRUE(view.seen.trouble);
    EXPECT_EQ(view.seen.trouble->metric, "up");
    EXPECT_EQ(view.seen.trouble->found, "refused");
    // Good measurements change nothing that wakes the Rollout.
    run["status"]["metricResults"][0]["consecutiveError"] = 0;
    EXPECT_FALSE(view_analysis_run(run).seen.trouble);
}

}  // namespace
}  // namespace sluice::shell
