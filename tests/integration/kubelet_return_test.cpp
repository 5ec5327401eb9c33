// SPDX-License-Identifier: Apache-2.0
// A kubelet goes and comes back: killed, or stopped in good order.
#include "standalone/kubelet/kubelet.hpp"

#include <gtest/gtest.h>

#include "tests/support/web_pods.hpp"

namespace sluice::test {
namespace {

TEST(Kubelet, ProcessesOutliveTheKubeletAndAreFoundAgain) {
    Cluster cluster;
    make_web(cluster, 1);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const auto before = cluster.pods().front();
    const long pid = pid_of(cluster, before);
    cluster.drop_kubelet();
    EXPECT_TRUE(lives(pid));
    cluster.start_kubelet();
    ASSERT_TRUE(eventually([&] { return cluster.kubelet().ready(); }));
    // A change that only a kubelet that knows the process can bring about.
    cluster.client()
        .remove({resources::pods, "shop", text_at(before, {"metadata", "name"})})
        .value();
    ASSERT_TRUE(eventually([&] {
        return cluster.get(resources::pods, text_at(before, {"metadata", "name"})).is_null();
    }));
    EXPECT_FALSE(lives(pid));
    EXPECT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
}

TEST(Kubelet, ReadyPodStaysReadyWhileTheKubeletComesBack) {
    Cluster cluster;
    make_web(cluster, 1);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const auto before = cluster.pods().front();
    cluster.drop_kubelet();
    cluster.start_kubelet();
    ASSERT_TRUE(eventually([&] { return cluster.kubelet().ready(); }));
    EXPECT_FALSE(eventually([&] { return !pod_ready(cluster.pods().front()); },
                            std::chrono::milliseconds{500}));
    EXPECT_EQ(integer_at(container_status(cluster.pods().front()), {"restartCount"}), 0);
    EXPECT_EQ(pid_of(cluster, before), pid_of(cluster, cluster.pods().front()));
}

TEST(Kubelet, ProcessOfAPodThatVanishedMeanwhileIsEnded) {
    Cluster cluster;
    make_web(cluster, 1);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const auto pod = cluster.pods().front();
    const long pid = pid_of(cluster, pod);
    cluster.drop_kubelet();
    cluster.client()
        .patch({resources::replica_sets, "shop", "web-abc"}, kube::PatchType::Merge,
               {{"spec", {{"replicas", 0}}}})
        .value();
    cluster.client()
        .remove({resources::pods, "shop", text_at(pod, {"metadata", "name"})},
                {.grace_period = std::chrono::seconds{0}})
        .value();
    ASSERT_TRUE(lives(pid));
    cluster.start_kubelet();
    EXPECT_TRUE(eventually([&] { return !lives(pid); }));
}

TEST(Kubelet, ProcessThatDiedMeanwhileIsStartedAgain) {
    Cluster cluster;
    make_web(cluster, 1);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 1; }));
    const long pid = pid_of(cluster, cluster.pods().front());
    cluster.drop_kubelet();
    ::kill(static_cast<pid_t>(pid), SIGKILL);
    cluster.start_kubelet();
    ASSERT_TRUE(eventually([&] {
        const auto status = container_status(cluster.pods().front());
        return integer_at(status, {"restartCount"}) == 1 && bool_at(status, {"ready"});
    }));
    const auto status = container_status(cluster.pods().front());
    EXPECT_EQ(integer_at(status, {"lastState", "terminated", "exitCode"}), 137);
}

TEST(Kubelet, CleanStopEndsPodsAndTheNextStartNeedsNoBackOff) {
    Cluster cluster;
    make_web(cluster, 2);
    ASSERT_TRUE(eventually([&] { return ready_replicas(cluster) == 2; }));
    std::vector<long> pids;
    for (const auto& pod : cluster.pods()) pids.push_back(pid_of(cluster, pod));
    cluster.kubelet().stop_pods(std::chrono::seconds{5});
    for (const long pid : pids) EXPECT_FALSE(lives(pid));
    for (const auto& pod : cluster.pods()) EXPECT_FALSE(pod_ready(pod));
    cluster.drop_kubelet();
    cluster.start_kubelet();
    EXPECT_TRUE(eventually([&] { return ready_replicas(cluster) == 2; }, std::chrono::seconds{5}));
}

}  // namespace
}  // namespace sluice::test
