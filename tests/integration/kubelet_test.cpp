// SPDX-License-Identifier: Apache-2.0
// From a ReplicaSet to processes that serve, and back: the API server, the workload controllers and
// the kubelet together, with real processes.
#include "standalone/kubelet/kubelet.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <sstream>

#include "platform/http/curl_transport.hpp"
#include "tests/support/cluster.hpp"

namespace sluice {
namespace {

using test::Cluster;
using test::eventually;

// A web server in the Perl that every Debian has. /healthz fails while the file "sick" lies in the
// work folder; /env tells the environment.
constexpr auto web_server = R"(#!/usr/bin/perl
use strict; use IO::Socket::INET; $| = 1;
my $port = $ENV{PORT} || 8080;
print "serving on $ENV{POD_IP}:$port as $<\n";
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { print "bye\n"; exit 0 };
my $s = IO::Socket::INET->new(LocalAddr => $ENV{POD_IP}, LocalPort => $port, Listen => 16,
                              ReuseAddr => 1) or die "bind: $!";
while (1) {
    my $c = $s->accept or next;
    my $line = <$c>;
    while (my $h = <$c>) { last if $h =~ /^\r?\n$/ }
    my $body = $line =~ m{/env} ? join("", map { "$_=$ENV{$_}\n" } sort keys %ENV) : "ok\n";
    my $code = ($line =~ m{/healthz} && -e "sick") ? "500 Sick" : "200 OK";
    print $c "HTTP/1.1 $code\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
    close $c;
}
)";

Json replica_set(int replicas, Json container) {
    container["name"] = "web";
    return {
        {"metadata", {{"name", "web-abc"}, {"namespace", "shop"}}},
        {"spec",
         {{"replicas", replicas},
          {"selector", {{"matchLabels", {{"app", "web"}}}}},
          {"template",
           {{"metadata", {{"labels", {{"app", "web"}, {"track", "stable"}}}}},
            {"spec",
             {{"terminationGracePeriodSeconds", 5}, {"containers", Json::array({container})}}}}}}}};
}

Json web_container() {
    return {{"image", "web:v1"},
            {"ports", Json::array({{{"name", "http"}, {"containerPort", 8080}}})},
            {"readinessProbe", {{"httpGet", {{"path", "/healthz"}, {"port", "http"}}}}}};
}

Json web_service() {
    return {{"metadata", {{"name", "web"}, {"namespace", "shop"}}},
            {"spec",
             {{"selector", {{"app", "web"}}},
              {"ports", Json::array({{{"name", "http"}, {"port", 80}, {"targetPort", "http"}}})}}}};
}

bool pod_ready(const Json& pod) {
    const Json* conditions = find(pod, {"status", "conditions"});
    if (!conditions) return false;
    for (const auto& condition : *conditions)
        if (text_at(condition, {"type"}) == "Ready")
            return text_at(condition, {"status"}) == "True";
    return false;
}

Json container_status(const Json& pod) {
    const Json* statuses = find(pod, {"status", "containerStatuses"});
    return statuses && !statuses->empty() ? statuses->front() : Json{};
}

long ready_replicas(const Cluster& cluster) {
    return integer_at(cluster.get(resources::replica_sets, "web-abc"), {"status", "readyReplicas"});
}

// Addresses of the Service's slices whose condition `which` is true.
std::vector<std::string> endpoints(const Cluster& cluster, std::string_view which) {
    std::vector<std::string> addresses;
    const auto slices =
        cluster.client()
            .list(resources::endpoint_slices,
                  {.ns = "shop", .label_selector = "kubernetes.io/service-name=web"})
            .value()
            .items;
    for (const auto& slice : slices)
        for (const auto& endpoint : slice.at("endpoints"))
            if (bool_at(endpoint, {"conditions", which}))
                addresses.push_back(endpoint["addresses"][0].get<std::string>());
    return addresses;
}

long pid_of(const Cluster& cluster, const Json& pod) {
    std::ifstream file(cluster.folder() + "/data/pods/" + text_at(pod, {"metadata", "uid"}) +
                       "/state.json");
    std::stringstream text;
    text << file.rdbuf();
    const auto state = parse_json(text.str());
    if (!state.ok()) return 0;
    return integer_at((*state)["containers"][0], {"running", "pid"});
}

bool lives(long pid) {
    return pid > 0 && ::kill(static_cast<pid_t>(pid), 0) == 0;
}

// Zombies that nobody has reaped yet do not count.
bool group_gone(long group) {
    std::error_code problem;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", problem)) {
        std::ifstream file(entry.path().string() + "/stat");
        std::string text;
        if (!std::getline(file, text) || text.rfind(')') == std::string::npos) continue;
        const auto fields = split(text.substr(text.rfind(')') + 2), ' ');
        if (fields.size() > 2 && fields[2] == std::to_string(group) && fields[0] != "Z")
            return false;
    }
    return true;
}

std::string fetch(const std::string& url) {
    const auto transport = http::make_curl_transport({});
    const auto response = transport->send({.url = url, .deadline = std::chrono::seconds{2}});
    return response.ok() ? response->body : response.error().message;
}

std::string log_of(Cluster& cluster, const Json& pod, bool previous = false) {
    auto stream = cluster.kubelet().logs().open({.ns = "shop",
                                                 .pod = text_at(pod, {"metadata", "name"}),
                                                 .pod_uid = text_at(pod, {"metadata", "uid"}),
                                                 .container = "web",
                                                 .previous = previous});
    if (!stream.ok()) return stream.error().message;
    std::string text;
    while (true) {
        auto piece = (*stream)->next(cluster.clock().now());
        text += piece.bytes;
        if (piece.ended) return text;
    }
}

void make_web(Cluster& cluster, int replicas, const Json& container = web_container()) {
    cluster.add_image("web", "v1", web_server);
    cluster.client().create(resources::services, web_service()).value();
    cluster.client().create(resources::replica_sets, replica_set(replicas, container)).value();
    cluster.start();
}

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
}  // namespace sluice
