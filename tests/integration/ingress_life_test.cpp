// SPDX-License-Identifier: Apache-2.0
// The proxy's lives: adopted, replaced, started again, ended.
#include "tests/integration/ingress_fixture.hpp"

namespace sluice::standalone {
namespace ingress_test {
namespace {

class LocalIngressLife : public LocalIngressTest {};

TEST_F(LocalIngressLife, ANewLifeAdoptsTheProxyOfTheOldOne) {
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

TEST_F(LocalIngressLife, AProxyWithAnotherConfigurationIsReplacedWithoutALostRequest) {
    add_ingresses();
    start();
    set_weight(50);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 5000; }));
    const int port = port_;
    Load load(port_, "shop.test", 4);
    std::string pid = haproxy_pid();
    for (int life = 0; life < 3; ++life) {
        const int enough = load.done() + 300;
        ASSERT_TRUE(eventually([&] { return load.done() > enough; }));
        proxy_->leave_running();
        proxy_.reset();
        std::ifstream ports(folder_ + "/ingress/ports");
        int log_port = 0;
        ASSERT_TRUE(ports >> log_port);
        const int taken = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(log_port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        start();
        ::close(taken);
        EXPECT_EQ(port_, port);
        ASSERT_NE(haproxy_pid(), pid);
        pid = haproxy_pid();
        EXPECT_TRUE(eventually([&] { return share_in_force() == 5000; }));
        EXPECT_EQ(servers(), 2);
    }
    // What was inherited can be changed like the rest.
    set_weight(100);
    ASSERT_TRUE(eventually([&] { return share_in_force() == 10000; }));
    ASSERT_TRUE(client_.remove({resources::pods, "shop", "v1-a"}).ok());
    EXPECT_TRUE(eventually([&] { return servers() == 1; }));
    const Counts counts = load.stop();
    EXPECT_EQ(counts.lost, 0);
    EXPECT_EQ(counts.by_code, (std::map<int, int>{{200, counts.all()}}));
    RecordProperty("requests", counts.all());
}

TEST_F(LocalIngressLife, ADeadProxyIsStartedAgainWithEverything) {
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

TEST_F(LocalIngressLife, TheProxyInheritsNoneOfOurSockets) {
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

TEST_F(LocalIngressLife, ACleanStopEndsTheProxy) {
    start();
    const std::string pid = haproxy_pid();
    proxy_.reset();
    EXPECT_FALSE(std::filesystem::exists("/proc/" + pid));
}

}  // namespace
}  // namespace ingress_test
}  // namespace sluice::standalone
