// SPDX-License-Identifier: Apache-2.0
// That no field is lost on the way into a row and back. Whoever adds one must name it below, for
// each structured binding names them all; then these fail until the document says something of it
// and the row carries it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <tuple>

#include "controller/shell/packs.hpp"

namespace sluice::shell {
namespace {

// Nothing in `sample` says what is said where nothing is said.
template <class T, class Fields>
void expect_each_set(const Fields& fields, const T& sample) {
    const T none{};
    const auto given = fields(sample), absent = fields(none);
    const auto compare = [](const auto& one, const auto& other, size_t field) {
        EXPECT_NE(one, other) << "field " << field;
    };
    [&]<size_t... I>(std::index_sequence<I...>) {
        (compare(std::get<I>(given), std::get<I>(absent), I + 1), ...);
    }(std::make_index_sequence<std::tuple_size_v<decltype(fields(none))>>{});
}

kube::Row row_of(kube::Row row, const Json& from) {
    row.ns = text_at(from, {"metadata", "namespace"});
    row.name = text_at(from, {"metadata", "name"});
    return row;
}

Json replica_set() {
    return Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "web-5d8", "uid": "u1", "resourceVersion": "77",
            "generation": 4, "creationTimestamp": "2026-11-20T10:00:00Z",
            "deletionTimestamp": "2026-11-20T10:09:00Z",
            "labels": {"app": "web", "rollouts-pod-template-hash": "5d8"},
            "annotations": {"rollout.argoproj.io/revision": "7", "note": "x",
                            "rollout.argoproj.io/revision-history": "3,5",
                            "rollout.argoproj.io/desired-replicas": "3",
                            "rollout.argoproj.io/ephemeral-metadata": "{\"labels\":{\"a\":\"b\"}}",
                            "scale-down-deadline": "2026-11-20T10:05:00Z"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "u9",
                                 "controller": true}]},
        "spec": {"replicas": 8, "minReadySeconds": 5, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [], "affinity": {"podAntiAffinity": {
              "requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {
                "matchExpressions": [{"key": "rollouts-pod-template-hash", "operator": "In",
                                      "values": ["6f7"]}]},
                "topologyKey": "kubernetes.io/hostname"}]}}}}},
        "status": {"replicas": 9, "readyReplicas": 2, "availableReplicas": 1,
            "observedGeneration": 6,
            "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                            "message": "quota"}]}})");
}

TEST(PackedFields, OfAReplicaSet) {
    const Json json = replica_set();
    auto view = view_replica_set(json);
    expect_each_set(
        [](const ReplicaSetView& v) {
            const auto& [ns, labels, controller, seen] = v;
            return std::tie(ns, labels, controller, seen);
        },
        view);
    expect_each_set(
        [](const policy::rollout::ReplicaSetSeen& v) {
            const auto& [name, uid, version, owned, deleting, hash, digest, wanted, replicas, ready,
                         available, min_ready, generation, observed, created, revision, history,
                         desired, deadline, annotations, anti_affinity, reason, message] = v;
            // Whose it is says the Rollout that looks at it: `owned`.
            return std::tie(name, uid, version, deleting, hash, digest, wanted, replicas, ready,
                            available, min_ready, generation, observed, created, revision, history,
                            desired, deadline, annotations, anti_affinity, reason, message);
        },
        view.seen);
    view.labels.clear();  // kept of one that nobody controls
    EXPECT_EQ(replica_set_of(row_of(pack_replica_set(json), json)), view);
    Json orphan = json;
    orphan["metadata"].erase("ownerReferences");
    EXPECT_EQ(replica_set_of(row_of(pack_replica_set(orphan), orphan)), view_replica_set(orphan));
}

Json analysis_run() {
    return Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "web-5d8-2-1", "uid": "u4",
            "resourceVersion": "12", "creationTimestamp": "2026-11-20T10:00:00Z",
            "deletionTimestamp": "2026-11-20T10:09:00Z",
            "labels": {"rollouts-pod-template-hash": "5d8", "rollout-type": "PrePromotion",
                       "step-index": "1"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "u9",
                                 "controller": true}]},
        "spec": {"terminate": true,
            "ttlStrategy": {"secondsAfterCompletion": 1, "secondsAfterFailure": 2,
                            "secondsAfterSuccess": 3},
            "metrics": [
                {"name": "errors", "failureLimit": 0, "successCondition": "result[0] < 0.1",
                 "provider": {"prometheus": {"query": "x"}}},
                {"name": "late", "failureLimit": 0, "successCondition": "result[0] < 0.1",
                 "provider": {"prometheus": {"query": "y"}}}]},
        "status": {"phase": "Error", "message": "too many", "startedAt": "2026-11-20T10:00:01Z",
            "completedAt": "2026-11-20T10:02:00Z",
            "metricResults": [
                {"name": "errors", "phase": "Error", "error": 9, "consecutiveError": 9,
                 "measurements": [{"phase": "Error", "message": "refused",
                                   "finishedAt": "2026-11-20T10:01:00Z"}]},
                {"name": "late", "phase": "Error", "error": 9, "consecutiveError": 9,
                 "measurements": [{"phase": "Error", "message": "refused",
                                   "finishedAt": "2026-11-20T10:01:00Z"}]}]}})");
}

TEST(PackedFields, OfARunThatHasEnded) {
    const Json json = analysis_run();
    const auto view = view_analysis_run(json);
    expect_each_set(
        [](const AnalysisRunView& v) {
            const auto& [ns, controller, seen] = v;
            return std::tie(ns, controller, seen);
        },
        view);
    expect_each_set(
        [](const policy::rollout::AnalysisRunSeen& v) {
            const auto& [name, uid, type, step, hash, phase, message, terminate, deleting, created,
                         trouble] = v;
            return std::tie(name, uid, type, step, hash, phase, message, terminate, deleting,
                            created, trouble);
        },
        view.seen);
    ASSERT_TRUE(view.seen.trouble);
    expect_each_set(
        [](const analysis::Trouble& v) {
            const auto& [phase, metric, others, found, rule, since, exact] = v;
            return std::tie(phase, metric, others, found, rule, since, exact);
        },
        *view.seen.trouble);
    const auto row = row_of(pack_analysis_run(json), json);
    ASSERT_TRUE(has_ended(row));
    EXPECT_EQ(analysis_run_view_of(row), view);
    const auto run = analysis_run_of(row), whole = crds::analysis_run_of(json);
    EXPECT_EQ(run.spec.ttl, whole.spec.ttl);
    EXPECT_EQ(run.status.started, whole.status.started);
    EXPECT_EQ(run.status.completed, whole.status.completed);
}

TEST(PackedFields, OfAPod) {
    const Json json = Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "web-5d8-x", "uid": "p",
            "creationTimestamp": "2026-11-20T10:00:00Z",
            "deletionTimestamp": "2026-11-20T11:00:00Z",
            "labels": {"rollouts-pod-template-hash": "5d8"}, "annotations": {"note": "watch"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d8", "uid": "u1",
                                 "controller": true}]},
        "status": {"conditions": [{"type": "Ready", "status": "True",
                                   "lastTransitionTime": "2026-11-20T10:00:09Z"}]}})");
    const auto view = view_pod(json);
    expect_each_set(
        [](const PodView& v) {
            const auto& [hash, owner, created, ready, marks, deleting] = v;
            return std::tie(hash, owner, created, ready, marks, deleting);
        },
        view);
    EXPECT_EQ(view.marks.size(), 2U);
    EXPECT_EQ(pod_of(row_of(pack_pod(json), json)), view);
}

TEST(PackedFields, OfAServiceAndItsSlices) {
    const Json service = Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "stable",
            "annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "web"}},
        "spec": {"selector": {"app": "web"}}})");
    const auto view = view_service(service);
    expect_each_set(
        [](const ServiceView& v) {
            const auto& [ns, name, selector, managed_by] = v;
            return std::tie(ns, name, selector, managed_by);
        },
        view);
    EXPECT_EQ(service_of(row_of(pack_service(service), service)), view);
    const Json slice = Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "stable-4",
            "labels": {"kubernetes.io/service-name": "stable"}},
        "endpoints": [{"targetRef": {"kind": "Pod", "name": "a"}},
                      {"targetRef": {"kind": "Pod", "name": "b"}}]})");
    const auto ready = view_endpoint_slice(slice);
    expect_each_set(
        [](const EndpointSliceView& v) {
            const auto& [ns, name, pods] = v;
            return std::tie(ns, name, pods);
        },
        ready);
    EXPECT_EQ(endpoint_slice_of(row_of(pack_endpoint_slice(slice), slice)), ready);
}

// All but the pod template, the document is kept: what is packed are its facts, and the figures.
TEST(PackedFields, OfARollout) {
    const Json json = Json::parse(R"({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u9"},
        "spec": {"replicas": 5, "unheard": 1,
            "template": {"metadata": {"labels": {"app": "web"}},
                         "spec": {"containers": [{"name": "web", "image": "web:v2"}]}},
            "strategy": {"canary": {"trafficRouting": {"nginx": {}}}}},
        "status": {"replicas": 6, "availableReplicas": 3, "updatedReplicas": 2}})");
    const auto rollout = crds::decode_rollout(json);
    expect_each_set(
        [](const crds::Rollout& v) {
            const auto& [metadata, spec, status, pod_template, step_hash, problems] = v;
            return std::tie(metadata, spec, status, pod_template, step_hash, problems);
        },
        rollout);
    expect_each_set(
        [](const crds::PodTemplateFacts& v) {
            const auto& [hash, digest, labels, containers] = v;
            return std::tie(hash, digest, labels, containers);
        },
        rollout.pod_template);
    const auto row = row_of(pack_rollout(json), json);
    EXPECT_EQ(rollout_of(row), rollout);
    const auto figures = figures_of(rollout);
    expect_each_set(
        [](const RolloutFigures& v) {
            const auto& [ns, name, phase, strategy, router, desired, replicas, available, updated] =
                v;
            return std::tie(ns, name, phase, strategy, router, desired, replicas, available,
                            updated);
        },
        figures);
    EXPECT_EQ(rollout_figures_of(row), figures);
}

}  // namespace
}  // namespace sluice::shell
