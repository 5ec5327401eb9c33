// SPDX-License-Identifier: Apache-2.0
// The local ingress over a real HAProxy, a real API server in process and real sockets.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
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
#include "tests/support/eventually.hpp"

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

using test::eventually;

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

}  // namespace
}  // namespace ingress_test
}  // namespace sluice::standalone
