// SPDX-License-Identifier: Apache-2.0
// The local ingress over a real HAProxy, a real API server in process and real sockets.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "platform/clock.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "standalone/ingress/ingress.hpp"
#include "standalone/ingress/runtime_socket.hpp"
#include "tests/integration/ingress_parts.hpp"

namespace sluice::standalone {
namespace ingress_test {
namespace {

using namespace ingress_parts;

class Quiet final : public Log {
public:
    void write(LogLevel level, std::string_view message,
               const std::vector<LogField>& fields) override {
        if (level < LogLevel::Error && !std::getenv("SLUICE_TEST_LOG")) return;
        std::string line(message);
        for (const auto& field : fields) line += concat(" ", field.key, "=", field.value);
        std::fprintf(stderr, "%s\n", line.c_str());
    }
};

std::string haproxy_program() {
    if (const char* tools = std::getenv("SLUICE_TOOLS"))
        if (const std::string path = concat(tools, "/usr/sbin/haproxy");
            std::filesystem::exists(path))
            return path;
    return std::filesystem::exists("/usr/sbin/haproxy") ? "/usr/sbin/haproxy" : "";
}

// Polls until it holds: outcomes in another process have no other sign.
template <class Condition>
bool eventually(Condition condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (std::chrono::steady_clock::now() < until) {
        if (condition()) return true;
        std::this_thread::yield();
    }
    return false;
}

Json value(std::string_view text) {
    auto parsed = parse_json(text);
    return parsed.ok() ? *parsed : Json("not JSON");
}

class LocalIngressTest : public ::testing::Test {
protected:
    void SetUp() override {
        program_ = haproxy_program();
        if (program_.empty()) GTEST_SKIP() << "no haproxy in $SLUICE_TOOLS nor in /usr/sbin";
        char name[] = "/tmp/sluice-ingress-XXXXXX";
        folder_ = ::mkdtemp(name);
        ASSERT_TRUE(handler_.prepare().ok());
        create(resources::namespaces, R"({"metadata":{"name":"shop"}})");
        for (const char* side : {"stable", "canary"})
            create(resources::services, concat(R"({"metadata":{"name":")", side,
                                               R"(","namespace":"shop"},"spec":{"ports":
                     [{"name":"http","port":80,"targetPort":"web"}],"selector":{"app":"web",
                     "side":")",
                                               side, R"("}}})"));
        add_pod("v1-a", "127.64.7.1", "stable", "v1");
        add_pod("v2-a", "127.64.7.2", "canary", "v2");
    }

    void TearDown() override {
        proxy_.reset();
        transport_.close();
        if (!folder_.empty()) std::filesystem::remove_all(folder_);
    }

    void create(const ResourceType& type, const std::string& text) {
        const auto made = client_.create(type, value(text));
        ASSERT_TRUE(made.ok()) << made.error().message;
    }
    void patch(const ResourceType& type, const std::string& name, const std::string& text,
               const std::string& subresource = {}) {
        const auto done =
            client_.patch({type, "shop", name}, kube::PatchType::Merge, value(text), subresource);
        ASSERT_TRUE(done.ok()) << done.error().message;
    }

    // A web server, and the pod that stands for it.
    void add_pod(const std::string& name, const std::string& ip, const std::string& side,
                 const std::string& version) {
        auto server = std::make_unique<TinyServer>(ip, 0, version);
        create(
            resources::pods,
            concat(R"({"metadata":{"name":")", name, R"(","namespace":"shop","labels":{"app":"web",
                 "side":")",
                   side, R"(","rollouts-pod-template-hash":"h)", version, R"("}},"spec":
                 {"containers":[{"name":"web","image":"web:1","ports":[{"name":"web",
                 "containerPort":)",
                   server->port(), "}]}]}}"));
        patch(resources::pods, name,
              concat(R"({"status":{"phase":"Running","podIP":")", ip,
                     R"(","conditions":[{"type":"Ready","status":"True"}]}})"),
              "status");
        servers_[name] = std::move(server);
    }

    void add_ingresses() {
        for (const char* side : {"stable", "canary"})
            create(
                resources::ingresses,
                concat(R"({"metadata":{"name":")", side, R"(","namespace":"shop","annotations":)",
                       std::string_view(side) == "canary"
                           ? R"({"nginx.ingress.kubernetes.io/canary":"true",
                                   "nginx.ingress.kubernetes.io/canary-weight":"0"})"
                           : "{}",
                       R"(},"spec":{"ingressClassName":"nginx","rules":[{"host":"shop.test","http":
                          {"paths":[{"path":"/","pathType":"Prefix","backend":{"service":
                          {"name":")",
                       side, R"(","port":{"number":80}}}}]}}]}})"));
    }
    void set_weight(int weight) {
        patch(resources::ingresses, "canary",
              concat(R"({"metadata":{"annotations":{"nginx.ingress.kubernetes.io/canary-weight":")",
                     weight, R"("}}})"));
    }

    void start() {
        auto started =
            start_local_ingress({program_, folder_, "127.0.0.1", 0}, client_, clock_, log_);
        ASSERT_TRUE(started.ok()) << started.error().message;
        proxy_ = std::move(*started);
        port_ =
            static_cast<int>(*parse_integer(proxy_->url().substr(proxy_->url().rfind(':') + 1)));
        ASSERT_TRUE(eventually([&] { return proxy_->ready(); }));
    }

    [[nodiscard]] ingress::RuntimeSocket socket() const {
        return ingress::RuntimeSocket(folder_ + "/ingress/haproxy.sock");
    }
    [[nodiscard]] std::string shares(const std::string& key) const {
        const auto state = socket().read_state(folder_ + "/ingress");
        if (!state.ok()) return {};
        const auto found = state->prefix.find(key);
        return found == state->prefix.end() ? "" : found->second;
    }
    // The canary's share in force, in parts of 10,000; -1 where there is no route.
    [[nodiscard]] long share_in_force() const {
        const auto text = shares("shop.test/");
        return text.empty() ? -1 : parse_integer(split(text, ':').front()).value_or(-1);
    }
    [[nodiscard]] int servers() const {
        int number = 0;
        if (const auto state = socket().read_state(folder_ + "/ingress"); state.ok())
            for (const auto& [slot, names] : state->servers)
                number += static_cast<int>(names.size());
        return number;
    }
    [[nodiscard]] std::string haproxy_pid() const {
        const auto info = socket().ask("show info");
        return info.ok() ? ingress::info_field(*info, "Pid") : "";
    }

    Quiet log_;
    SystemClock clock_;
    std::unique_ptr<store::Store> store_ = std::move(*store::Store::open({":memory:"}));
    apiserver::Handler handler_{*store_, clock_, log_};
    apiserver::InProcessTransport transport_{handler_, clock_};
    kube::Client client_{transport_, "sluice-ingress"};
    std::string program_, folder_;
    std::map<std::string, std::unique_ptr<TinyServer>> servers_;
    std::unique_ptr<LocalIngress> proxy_;
    int port_ = 0;
};

TEST_F(LocalIngressTest, EveryWeightIsTheShareThatClientsSee) {
    add_ingresses();
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0; }));
    for (const int weight : {0, 5, 50, 100, 0}) {
        const auto asked = std::chrono::steady_clock::now();
        set_weight(weight);
        ASSERT_TRUE(eventually([&] { return share_in_force() == weight * 100; }));
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - asked);
        RecordProperty(concat("microseconds_to_", weight), std::to_string(took.count()));
        Counts counts = send_by_many(port_, "shop.test", 4, 2400);
        EXPECT_EQ(counts.lost, 0);
        EXPECT_EQ(counts.by_code[200], 2400);
        const double share = 100.0 * counts.by_version["v2"] / 2400;
        if (weight == 0 || weight == 100)
            EXPECT_EQ(share, weight);
        else
            EXPECT_NEAR(share, weight, 3.5);
    }
}

TEST_F(LocalIngressTest, NothingIsLostWhileEverythingChanges) {
    add_ingresses();
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0; }));
    Load load(port_, "Shop.Test:8080", 6);
    const auto let_through = [&](int requests) {
        const int from = load.done();
        return eventually([&] { return load.done() >= from + requests; });
    };
    for (int round = 0; round < 15; ++round) {
        for (const int weight : {100, 0, 50}) {
            set_weight(weight);
            ASSERT_TRUE(eventually([&] { return share_in_force() == weight * 100; }));
            ASSERT_TRUE(let_through(100));
        }
        const std::string extra = concat("v1-x", round);
        add_pod(extra, concat("127.64.8.", round + 1), "stable", "v1");
        ASSERT_TRUE(eventually([&] { return servers() == 3; }));
        ASSERT_TRUE(let_through(100));
        // The two services change their pods, as at a promotion and back.
        for (const char* stable : {"canary", "stable"}) {
            const char* canary = std::string_view(stable) == "canary" ? "stable" : "canary";
            patch(resources::services, "stable",
                  concat(R"({"spec":{"selector":{"side":")", stable, R"("}}})"));
            patch(resources::services, "canary",
                  concat(R"({"spec":{"selector":{"side":")", canary, R"("}}})"));
            ASSERT_TRUE(let_through(100));
        }
        ASSERT_TRUE(client_.remove({resources::pods, "shop", extra}).ok());
        ASSERT_TRUE(eventually([&] { return servers() == 2; }));
        servers_.erase(extra);
    }
    Counts counts = load.stop();
    EXPECT_EQ(counts.lost, 0);
    EXPECT_EQ(counts.by_code.size(), 1u);
    EXPECT_EQ(counts.by_code[200], counts.all());
    EXPECT_GT(counts.all(), 5000);
    RecordProperty("requests", counts.all());
}

TEST_F(LocalIngressTest, ARequestUnderWayOnADrainedServerIsAnswered) {
    add_ingresses();
    add_pod("v1-b", "127.64.7.3", "stable", "v1b");
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0 && servers() == 3; }));
    set_weight(100);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 10000; }));
    Reply held;
    std::jthread slow([&] { held = fetch(port_, "shop.test", "/held"); });
    ASSERT_TRUE(eventually([&] { return servers_["v2-a"]->held() == 1; }));
    set_weight(0);
    ASSERT_TRUE(client_.remove({resources::pods, "shop", "v2-a"}).ok());
    ASSERT_TRUE(eventually([&] { return fetch(port_, "shop.test", "/").version == "v1b"; }));
    EXPECT_EQ(servers(), 3);  // it waits for its last request
    servers_["v2-a"]->release();
    slow.join();
    EXPECT_EQ(held.code, 200);
    EXPECT_EQ(held.version, "v2");
    EXPECT_TRUE(eventually([&] { return servers() == 2; }));
}

TEST_F(LocalIngressTest, ANewLifeAdoptsTheProxyOfTheOldOne) {
    add_ingresses();
    start();
    set_weight(100);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 10000; }));
    const std::string pid = haproxy_pid();
    const int port = port_;
    Load load(port_, "shop.test", 4);
    proxy_->leave_running();
    proxy_.reset();
    set_weight(50);  // while nobody looks
    start();
    EXPECT_TRUE(eventually([&] { return share_in_force() == 5000; }));
    EXPECT_EQ(haproxy_pid(), pid);
    EXPECT_EQ(port_, port);
    EXPECT_EQ(load.stop().lost, 0);
}

TEST_F(LocalIngressTest, ADeadProxyIsStartedAgainWithEverything) {
    add_ingresses();
    start();
    set_weight(50);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 5000; }));
    const std::string pid = haproxy_pid();
    ::kill(static_cast<int>(*parse_integer(pid)), SIGKILL);
    EXPECT_TRUE(eventually([&] { return haproxy_pid() != pid && share_in_force() == 5000; }));
    EXPECT_TRUE(eventually([&] { return proxy_->ready(); }));
    EXPECT_EQ(send_requests(port_, "shop.test", 50).by_code[200], 50);
}

TEST_F(LocalIngressTest, TheProxyInheritsNoneOfOurSockets) {
    // It outlives a kill -9 of ours, and would keep our port from the next life.
    const int ours = ::socket(AF_INET, SOCK_STREAM, 0);
    const auto socket_name = std::filesystem::read_symlink(concat("/proc/self/fd/", ours));
    start();
    for (const auto& file :
         std::filesystem::directory_iterator(concat("/proc/", haproxy_pid(), "/fd"))) {
        std::error_code vanished;
        EXPECT_NE(std::filesystem::read_symlink(file.path(), vanished), socket_name);
    }
    ::close(ours);
}

TEST_F(LocalIngressTest, ACleanStopEndsTheProxy) {
    start();
    const std::string pid = haproxy_pid();
    proxy_.reset();
    EXPECT_FALSE(std::filesystem::exists("/proc/" + pid));
}

TEST_F(LocalIngressTest, SubsetsOfAVirtualServiceArePodsByLabel) {
    create(resources::services, R"({"metadata":{"name":"web","namespace":"shop"},"spec":{"ports":[
      {"port":80,"targetPort":"web"}],"selector":{"app":"web"}}})");
    create(resources::destination_rules, R"({"metadata":{"name":"web","namespace":"shop"},"spec":{
      "host":"web","subsets":[{"name":"stable","labels":{"rollouts-pod-template-hash":"hv1"}},
      {"name":"canary","labels":{"rollouts-pod-template-hash":"hv2"}}]}})");
    create(resources::virtual_services, R"({"metadata":{"name":"web","namespace":"shop"},"spec":{
      "hosts":["mesh.test"],"http":[{"route":[{"destination":{"host":"web","subset":"stable"},
      "weight":80},{"destination":{"host":"web","subset":"canary"},"weight":20}]}]}})");
    start();
    ASSERT_TRUE(eventually([&] { return servers() == 2; }));
    Counts counts = send_by_many(port_, "mesh.test", 4, 2400);
    EXPECT_EQ(counts.lost, 0);
    EXPECT_EQ(counts.by_code[200], 2400);
    EXPECT_NEAR(100.0 * counts.by_version["v2"] / 2400, 20, 3.5);
}

TEST_F(LocalIngressTest, MetricsCountWhatClientsSaw) {
    add_ingresses();
    start();
    set_weight(100);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 10000; }));
    send_requests(port_, "shop.test", 40);
    EXPECT_EQ(fetch(port_, "elsewhere.test", "/").code, 404);
    const std::string labels =
        R"(namespace="shop",service="canary",rollouts_pod_template_hash="hv2")";
    EXPECT_TRUE(eventually([&] {
        const std::string text = proxy_->metrics();
        return text.find(concat("sluice_ingress_requests_total{", labels, ",code=\"200\"} 40\n")) !=
                   std::string::npos &&
               text.find(concat("sluice_ingress_request_duration_seconds_bucket{", labels,
                                ",le=\"+Inf\"} 40\n")) != std::string::npos &&
               text.find(R"(rollouts_pod_template_hash="",code="404"} 1)") != std::string::npos;
    })) << proxy_->metrics();
}

TEST_F(LocalIngressTest, NoRouteIs404AndNoEndpointsIs503) {
    add_ingresses();
    start();
    ASSERT_TRUE(eventually([&] { return share_in_force() == 0; }));
    EXPECT_EQ(fetch(port_, "elsewhere.test", "/").code, 404);
    patch(resources::pods, "v1-a",
          R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})", "status");
    EXPECT_TRUE(eventually([&] { return fetch(port_, "shop.test", "/").code == 503; }));
    const auto ingress = client_.get({resources::ingresses, "shop", "stable"});
    EXPECT_EQ(text_at((*ingress)["status"]["loadBalancer"]["ingress"].at(0), {"ip"}), "127.0.0.1");
}

}  // namespace
}  // namespace ingress_test
}  // namespace sluice::standalone
