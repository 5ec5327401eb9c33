// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/packs.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/caches.hpp"
#include "controller/shell/triggers.hpp"
#include "platform/file.hpp"

namespace sluice::shell {
namespace {

// As they stood after the quickstart.
Json document(const std::string& name) {
    const auto text =
        read_file(concat(SLUICE_SOURCE_DIR, "/tests/bench/documents/", name, ".json")).value();
    return parse_json(text).value();
}

kube::Row row_of(kube::Row row, const Json& from) {
    row.ns = text_at(from, {"metadata", "namespace"});
    row.name = text_at(from, {"metadata", "name"});
    return row;
}

TEST(Packs, ARolloutComesBackAsDecoded) {
    Json json = document("rollout");
    json["spec"]["template"]["spec"]["containers"][0]["unheardOf"] = true;
    json["spec"]["strategy"]["canary"]["steps"].push_back({{"setWeight", "a text"}});
    const auto row = row_of(pack_rollout(json), json);
    auto expected = crds::decode_rollout(json);
    EXPECT_FALSE(expected.problems.empty());
    expected.metadata.annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
    EXPECT_EQ(rollout_of(row), expected);
    EXPECT_EQ(rollout_view_of(row), policy::delivery::view_rollout(json));
    EXPECT_EQ(rollout_figures_of(row), figures_of(expected));
    EXPECT_LE(row.bytes.size(), 3000U);
    json["spec"].erase("template");
    EXPECT_EQ(rollout_view_of(row_of(pack_rollout(json), json)),
              policy::delivery::view_rollout(json));
}

TEST(Packs, ARolloutKnowsWhatItMayUse) {
    const Json json = document("rollout");
    const auto row = row_of(pack_rollout(json), json);
    const auto rollout = crds::decode_rollout(json);
    const auto& canary = *rollout.spec.canary;
    EXPECT_TRUE(may_use(row, mark_of_service(canary.stable_service)));
    EXPECT_TRUE(may_use(row, mark_of_service(canary.canary_service)));
    const auto& ingress = canary.traffic_routing->nginx->stable_ingresses.at(0);
    EXPECT_TRUE(may_use(row, mark_of_ingress(ingress)));
    EXPECT_TRUE(may_use(row, mark_of_ingress(canary_ingress_name(rollout.metadata.name, ingress))));
    EXPECT_FALSE(may_use(row, mark_of_service("of another")));
}

TEST(Packs, AReplicaSetComesBackWithoutTheLabelsOfOneThatIsOwned) {
    Json json = document("replica_set");
    auto expected = view_replica_set(json);
    const auto row = row_of(pack_replica_set(json), json);
    EXPECT_EQ(row.home, home_under(expected.controller));
    expected.labels.clear();
    EXPECT_EQ(replica_set_of(row), expected);
    json["metadata"].erase("ownerReferences");
    json["metadata"]["annotations"]["x"] = "y";
    json["metadata"]["deletionTimestamp"] = "2026-11-20T10:00:00Z";
    json["status"]["conditions"] = {
        {{"type", "ReplicaFailure"}, {"status", "True"}, {"reason", "Quota"}, {"message", "no"}}};
    EXPECT_EQ(replica_set_of(row_of(pack_replica_set(json), json)), view_replica_set(json));
}

TEST(Packs, AnEndedRunKeepsItsVerdictAndARunningOneEverything) {
    Json json = document("analysis_run");
    json["spec"]["ttlStrategy"] = {{"secondsAfterFailure", 60}};
    for (const char* phase : {"Successful", "Failed", "Error", "Inconclusive"}) {
        json["status"]["phase"] = phase;
        json["status"]["message"] = concat("it was ", phase);
        const auto row = row_of(pack_analysis_run(json), json);
        EXPECT_EQ(analysis_run_view_of(row), view_analysis_run(json));
        auto view = policy::delivery::view_run(json);
        view.metrics.clear();
        EXPECT_EQ(run_view_of(row), view);
        const auto run = analysis_run_of(row);
        const auto decoded = crds::analysis_run_of(json);
        EXPECT_EQ(run.metadata.uid, decoded.metadata.uid);
        EXPECT_EQ(run.metadata.resource_version, decoded.metadata.resource_version);
        EXPECT_EQ(run.spec, decoded.spec);
        EXPECT_EQ(run.status.phase, decoded.status.phase);
        EXPECT_EQ(run.status.completed, decoded.status.completed);
    }
    json["status"]["phase"] = "Running";
    const auto row = row_of(pack_analysis_run(json), json);
    EXPECT_EQ(analysis_run_of(row), crds::analysis_run_of(json));
    EXPECT_EQ(run_view_of(row), policy::delivery::view_run(json));
    EXPECT_EQ(run_phase_of(row), crds::AnalysisPhase::Running);
}

TEST(Packs, ARecordedDeliveryKeepsWhatLaterOnesAsk) {
    Json json = document("delivery");
    std::vector<Problem> problems;
    json["status"]["quarantine"] = {{"digest", text_at(json, {"spec", "digest"})},
                                    {"reason", "bad"},
                                    {"since", "2026-11-20T10:00:00Z"}};
    json["status"].erase("outbox");
    json["status"]["recorded"] = true;
    const auto whole = crds::decode_delivery(json, problems);
    ASSERT_FALSE(whole.progressing());
    const auto row = row_of(pack_delivery(json), json);
    EXPECT_EQ(row.home, home_of_deliveries(whole.spec.rollout));
    EXPECT_FALSE(is_whole_delivery(row));
    const auto extract = delivery_of(row);
    EXPECT_EQ(extract.uid, whole.uid);
    EXPECT_EQ(extract.resource_version, whole.resource_version);
    EXPECT_EQ(extract.spec.rollout_uid, whole.spec.rollout_uid);
    EXPECT_EQ(extract.spec.digest, whole.spec.digest);
    EXPECT_EQ(extract.spec.number, whole.spec.number);
    EXPECT_EQ(extract.status.phase, whole.status.phase);
    EXPECT_EQ(extract.status.op_id, whole.status.op_id);
    EXPECT_TRUE(extract.quarantined());
    EXPECT_EQ(extract.status.quarantine->digest, whole.spec.digest);
    EXPECT_LT(row.bytes.size(), 300U);
    json["status"]["recorded"] = false;
    const auto open = row_of(pack_delivery(json), json);
    EXPECT_TRUE(is_whole_delivery(open));
    EXPECT_EQ(delivery_of(open), crds::decode_delivery(json, problems));
}

TEST(Packs, WhatTrafficGoesThroughComesBack) {
    const Json service = document("service");
    EXPECT_EQ(service_of(row_of(pack_service(service), service)), view_service(service));
    const Json slice = document("endpoint_slice");
    EXPECT_EQ(endpoint_slice_of(row_of(pack_endpoint_slice(slice), slice)),
              view_endpoint_slice(slice));
    const Json pod = document("pod");
    EXPECT_EQ(pod_of(row_of(pack_pod(pod), pod)), view_pod(pod));
    Json ingress = document("ingress");
    const auto row = row_of(pack_document(ingress), ingress);
    ingress["metadata"].erase("managedFields");
    if (ingress["metadata"].contains("annotations"))
        ingress["metadata"]["annotations"].erase(
            "kubectl.kubernetes.io/last-applied-configuration");
    EXPECT_EQ(document_of(row).document, ingress);
}

}  // namespace
}  // namespace sluice::shell
