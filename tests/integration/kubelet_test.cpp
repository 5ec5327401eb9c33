// SPDX-License-Identifier: Apache-2.0
// From a ReplicaSet to processes that serve, and back: the API server, the workload controllers and
// the kubelet together, with real processes.
#include "standalone/kubelet/kubelet.hpp"

#include <gtest/gtest.h>

#include "tests/support/web_pods.hpp"

namespace sluice::test {
namespace {

TEST(Kubelet, ReplicaSetBecomesProcessesBehindAService) {
    Cluster cluster;
    make_web(cluster, 2);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 2; }));
    ASSERT_TRUE(eventually([&] { return endpoints(cluster, "ready").size() == 2; }));
    const auto rs = cluster.get(resources::replica_sets, "web-abc");
    EXPECT_EQ(integer_at(rs, {"status", "replicas"}), 2);
    EXPECT_EQ(integer_at(rs, {"status", "availableReplicas"}), 2);
    EXPECT_EQ(cluster.pods().size(), 2U);
    for (const auto& ip : endpoints(cluster, "ready")) {
        EXPECT_TRUE(ip.starts_with("127.")) << ip;
        EXPECT_EQ(fetch("http://" + ip + ":8080/"), "ok\n");
    }
}

TEST(Kubelet, EnvironmentIsTheDeclaredOneAndNothingElse) {
    ::setenv("SLUICE_TEST_SECRET", "leak", 1);
    Cluster cluster;
    cluster.client()
        .create(resources::config_maps, {{"metadata", {{"name", "conf"}, {"namespace", "shop"}}},
                                         {"data", {{"color", "blue"}}}})
        .value();
    auto container = web_container();
    container["env"] =
        Json::array({{{"name", "PORT"}, {"value", "8080"}},
                     {{"name", "WHERE"}, {"value", "$(POD_IP):$(PORT)"}},
                     {{"name", "TRACK"},
                      {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.labels['track']"}}}}}},
                     {{"name", "COLOR"},
                      {"valueFrom", {{"configMapKeyRef", {{"name", "conf"}, {"key", "color"}}}}}}});
    make_web(cluster, 1, container);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const auto pod = cluster.pods().front();
    const auto ip = text_at(pod, {"status", "podIP"});
    const auto environment = fetch("http://" + ip + ":8080/env");
    EXPECT_NE(environment.find("WHERE=" + ip + ":8080\n"), std::string::npos) << environment;
    EXPECT_NE(environment.find("TRACK=stable\n"), std::string::npos);
    EXPECT_NE(environment.find("COLOR=blue\n"), std::string::npos);
    EXPECT_NE(environment.find("POD_NAME=" + text_at(pod, {"metadata", "name"}) + "\n"),
              std::string::npos);
    EXPECT_EQ(environment.find("SLUICE_TEST_SECRET"), std::string::npos);
}

TEST(Kubelet, PodsDoNotRunAsRoot) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root, so nothing to give up";
    Cluster cluster;
    make_web(cluster, 1);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const auto expected = std::getenv("SUDO_UID") ? std::string(std::getenv("SUDO_UID")) : "65534";
    EXPECT_NE(log_of(cluster, cluster.pods().front()).find(":8080 as " + expected + "\n"),
              std::string::npos);
}

TEST(Kubelet, DeletedPodDrainsBeforeItEnds) {
    Cluster cluster;
    make_web(cluster, 1);
    ASSERT_TRUE(eventually([&] { return endpoints(cluster, "ready").size() == 1; }));
    const auto pod = cluster.pods().front();
    const long pid = pid_of(cluster, pod);
    cluster.client()
        .patch({resources::replica_sets, "shop", "web-abc"}, kube::PatchType::Merge,
               {{"spec", {{"replicas", 0}}}})
        .value();
    ASSERT_TRUE(eventually([&] { return endpoints(cluster, "terminating").size() == 1; }));
    EXPECT_TRUE(endpoints(cluster, "ready").empty());
    EXPECT_TRUE(lives(pid)) << "it must serve on until proxies have heard";
    ASSERT_TRUE(eventually([&] { return cluster.pods().empty(); }));
    EXPECT_FALSE(lives(pid));
    EXPECT_TRUE(eventually([&] { return endpoints(cluster, "serving").empty(); }));
}

TEST(Kubelet, CrashingContainerBacksOff) {
    Cluster cluster;
    auto container = web_container();
    container["command"] = Json::array({"/bin/sh", "-c", "echo dying on $(POD_IP); exit 3"});
    container.erase("readinessProbe");
    make_web(cluster, 1, container);
    ASSERT_TRUE(eventually([&] {
        const auto status =
            container_status(cluster.pods().empty() ? Json{} : cluster.pods().front());
        return text_at(status, {"state", "waiting", "reason"}) == "CrashLoopBackOff";
    }));
    const auto pod = cluster.pods().front();
    const auto status = container_status(pod);
    EXPECT_EQ(integer_at(status, {"restartCount"}), 1);
    EXPECT_EQ(integer_at(status, {"lastState", "terminated", "exitCode"}), 3);
    EXPECT_EQ(text_at(status, {"lastState", "terminated", "reason"}), "Error");
    EXPECT_FALSE(pod_ready(pod));
    const auto line = "dying on " + text_at(pod, {"status", "podIP"}) + "\n";
    EXPECT_EQ(log_of(cluster, pod), line);
    EXPECT_EQ(log_of(cluster, pod, true), line);
}

TEST(Kubelet, UnhealthyContainerIsRestarted) {
    Cluster cluster;
    auto container = web_container();
    container["livenessProbe"] = {{"httpGet", {{"path", "/healthz"}, {"port", 8080}}},
                                  {"periodSeconds", 1},
                                  {"failureThreshold", 1}};
    container["readinessProbe"] = {{"tcpSocket", {{"port", 8080}}}};
    make_web(cluster, 1, container);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const auto uid = text_at(cluster.pods().front(), {"metadata", "uid"});
    const auto sick = cluster.folder() + "/data/pods/" + uid + "/web/sick";
    std::ofstream(sick) << "x";
    ASSERT_TRUE(eventually([&] {
        return integer_at(container_status(cluster.pods().front()), {"restartCount"}) == 1;
    }));
    std::filesystem::remove(sick);
    EXPECT_TRUE(eventually([&] {
        const auto status = container_status(cluster.pods().front());
        return find(status, {"state", "running"}) && bool_at(status, {"ready"});
    }));
    EXPECT_NE(log_of(cluster, cluster.pods().front(), true).find("bye\n"), std::string::npos);
}

TEST(Kubelet, MissingImageIsNamedAndFoundOnceItIsThere) {
    Cluster cluster;
    cluster.client().create(resources::replica_sets, replica_set(1, web_container())).value();
    cluster.start();
    ASSERT_TRUE(eventually([&] {
        const auto pods = cluster.pods();
        return !pods.empty() && text_at(container_status(pods.front()),
                                        {"state", "waiting", "reason"}) == "ErrImagePull";
    }));
    EXPECT_EQ(text_at(container_status(cluster.pods().front()), {"state", "waiting", "message"}),
              "image \"web:v1\": no executable " + cluster.folder() + "/images/web/v1/run");
    cluster.add_image("web", "v1", web_server);
    EXPECT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
}

TEST(Kubelet, RootIsRefusedByName) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root, so nobody can be root";
    Cluster cluster;
    auto container = web_container();
    container["securityContext"] = {{"runAsUser", 0}};
    make_web(cluster, 1, container);
    ASSERT_TRUE(eventually([&] {
        const auto pods = cluster.pods();
        return !pods.empty() &&
               text_at(container_status(pods.front()), {"state", "waiting", "reason"}) ==
                   "CreateContainerConfigError";
    }));
    EXPECT_EQ(text_at(container_status(cluster.pods().front()), {"state", "waiting", "message"}),
              "runAsUser 0 is refused: sluice standalone runs no pod as root unless it is started "
              "with --allow-root");
}

TEST(Kubelet, DeafProcessIsKilledAfterItsGrace) {
    Cluster cluster;
    auto container = web_container();
    container["command"] =
        Json::array({"/bin/sh", "-c", "trap '' TERM; sleep 1000 & wait; sleep 1000"});
    container.erase("readinessProbe");
    auto rs = replica_set(1, container);
    rs["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1;
    cluster.add_image("web", "v1", web_server);
    cluster.client().create(resources::replica_sets, rs).value();
    cluster.start();
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const long pid = pid_of(cluster, cluster.pods().front());
    cluster.client().remove({resources::replica_sets, "shop", "web-abc"}).value();
    ASSERT_TRUE(eventually([&] { return cluster.pods().empty(); })) << "garbage, then SIGKILL";
    EXPECT_FALSE(lives(pid));
    EXPECT_TRUE(eventually([&] { return group_gone(pid); })) << "its group goes with it";
}

TEST(Kubelet, SimulatedPodsDoAsTheirAnnotationSays) {
    Cluster cluster({.simulated = true});
    auto rs = replica_set(1, web_container());
    auto& annotations = rs["spec"]["template"]["metadata"]["annotations"];
    annotations["sluice.dev/simulate"] = "ready-after=100ms exit-after=600ms code=4";
    cluster.client().create(resources::replica_sets, rs).value();
    cluster.start();
    EXPECT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    ASSERT_TRUE(eventually([&] {
        return integer_at(container_status(cluster.pods().front()), {"restartCount"}) == 1;
    }));
    EXPECT_EQ(integer_at(container_status(cluster.pods().front()),
                         {"lastState", "terminated", "exitCode"}),
              4);
}

}  // namespace
}  // namespace sluice::test
