// SPDX-License-Identifier: Apache-2.0
#include "crds/injected.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "crds/pod_template.hpp"

namespace sluice::crds {
namespace injected_test {

const PodMetadata canary{{{"role", "canary"}}, {{"note", "watch"}}};
const PodMetadata stable{{{"role", "stable"}}, {}};

TEST(PodMetadata, IsWrittenAsUpstreamWritesIt) {
    EXPECT_EQ(pod_metadata_text(canary),
              R"({"labels":{"role":"canary"},"annotations":{"note":"watch"}})");
    EXPECT_EQ(pod_metadata_text(stable), R"({"labels":{"role":"stable"}})");
    EXPECT_EQ(read_pod_metadata(pod_metadata_text(canary)), canary);
    EXPECT_TRUE(read_pod_metadata("no json").empty());
    EXPECT_TRUE(read_pod_metadata("null").empty());
}

TEST(PodMetadata, ChangesOnlyWhatWasInjected) {
    const Json pod = {{"labels", {{"app", "shop"}, {"role", "canary"}}},
                      {"annotations", {{"sidecar", "yes"}, {"note", "watch"}}}};
    EXPECT_EQ(metadata_patch(pod, canary, stable),
              (Json{{"labels", {{"role", "stable"}}}, {"annotations", {{"note", nullptr}}}}));
    EXPECT_EQ(metadata_patch(pod, canary, canary), Json::object());
    // What is gone already is not taken away again.
    EXPECT_EQ(metadata_patch(Json::object(), canary, {}), Json::object());
}

Json replica_set() {
    return {{"metadata",
             {{"annotations", {{ephemeral_metadata_annotation, pod_metadata_text(canary)}}}}},
            {"spec",
             {{"template",
               {{"metadata",
                 {{"labels",
                   {{"app", "shop"}, {"role", "canary"}, {"rollouts-pod-template-hash", "5d8"}}},
                  {"annotations", {{"note", "watch"}}}}},
                {"spec", {{"containers", Json::array()}}}}}}}};
}

TEST(DeclaredTemplate, IsWithoutWhatTheControllerAdded) {
    Json set = replica_set();
    add_anti_affinity(set["spec"]["template"]["spec"], {false, 0, "stable"}, "shop");
    EXPECT_EQ(declared_template(set), (Json{{"metadata", {{"labels", {{"app", "shop"}}}}},
                                            {"spec", {{"containers", Json::array()}}}}));
    EXPECT_EQ(template_digest(declared_template(set)),
              template_digest({{"metadata", {{"labels", {{"app", "shop"}}}}},
                               {"spec", {{"containers", Json::array()}}}}));
}

TEST(AntiAffinity, StandsBesideWhatUsersWrote) {
    const Json own = {{"weight", 5}, {"podAffinityTerm", {{"topologyKey", "zone"}}}};
    Json spec;
    spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"] = {own};
    const Json before = spec;
    add_anti_affinity(spec, {true, 7, "5d8"}, "shop");
    const Json& terms =
        spec["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
    ASSERT_EQ(terms.size(), 2U);
    EXPECT_EQ(to_text(terms[1]),
              R"({"podAffinityTerm":{"labelSelector":{"matchExpressions":[)"
              R"({"key":"rollouts-pod-template-hash","operator":"In","values":["5d8"]}]},)"
              R"("namespaces":["shop"],"topologyKey":"kubernetes.io/hostname"},"weight":7})");
    EXPECT_EQ(anti_affinity_hash(spec), "5d8");
    drop_anti_affinity(spec);
    EXPECT_EQ(spec, before);
    EXPECT_EQ(anti_affinity_hash(spec), "");
}

}  // namespace injected_test
}  // namespace sluice::crds
