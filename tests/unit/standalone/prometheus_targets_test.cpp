// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "standalone/prometheus_targets.hpp"

namespace sluice::standalone {
namespace {

TEST(PrometheusTargets, AreThePortsOfPodsThatHaveAnAddress) {
    const Json ready = {
        {"metadata",
         {{"namespace", "shop"},
          {"name", "shop-5d8-abcde"},
          {"uid", "u1"},
          {"labels", {{"rollouts-pod-template-hash", "5d8"}}}}},
        {"spec",
         {{"containers",
           {{{"name", "shop"}, {"ports", {{{"name", "http"}, {"containerPort", 8080}}}}}}}}},
        {"status", {{"podIP", "127.64.0.2"}, {"phase", "Running"}}}};
    Json pending = ready;
    pending["status"] = {{"phase", "Pending"}};
    EXPECT_EQ(
        prometheus_targets({ready, pending}),
        R"([{"labels":{"__meta_kubernetes_namespace":"shop",)"
        R"("__meta_kubernetes_pod_container_name":"shop",)"
        R"("__meta_kubernetes_pod_container_port_name":"http",)"
        R"("__meta_kubernetes_pod_container_port_number":"8080",)"
        R"("__meta_kubernetes_pod_ip":"127.64.0.2",)"
        R"("__meta_kubernetes_pod_label_rollouts_pod_template_hash":"5d8",)"
        R"("__meta_kubernetes_pod_name":"shop-5d8-abcde",)"
        R"("__meta_kubernetes_pod_phase":"Running","__meta_kubernetes_pod_uid":"u1"},)"
        R"("targets":["127.64.0.2:8080"]}])");
}

}  // namespace
}  // namespace sluice::standalone
