// SPDX-License-Identifier: Apache-2.0
#include "tests/oracle/servers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "base/text.hpp"
#include "platform/clock.hpp"
#include "platform/http/curl_transport.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "standalone/store/store.hpp"
#include "tests/integration/child.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/git_server.hpp"

namespace sluice::oracle {
namespace {

class Ours final : public Server {
public:
    Ours()
        : store_(standalone::store::Store::open({.path = ":memory:"}).value()),
          handler_(*store_, clock_, log_),
          transport_(handler_, clock_) {
        handler_.prepare().value();
    }
    HttpTransport& transport() override { return transport_; }

private:
    SystemClock clock_;
    test::TestLog log_;
    std::unique_ptr<standalone::store::Store> store_;
    standalone::apiserver::Handler handler_;
    standalone::apiserver::InProcessTransport transport_;
};

// Free until somebody else takes it: good enough on a test machine.
int free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(socket);
    return ntohs(address.sin_port);
}

std::string read_file(const std::string& path) {
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

constexpr const char* token = "oracle-token";

class Theirs final : public Server {
public:
    Theirs(const std::string& apiserver, const std::string& etcd) {
        const std::string etcd_url = concat("http://127.0.0.1:", free_port());
        const std::string peer_url = concat("http://127.0.0.1:", free_port());
        const int port = free_port();
        etcd_ = launch({etcd, "--data-dir", in_folder("etcd"), "--unsafe-no-fsync", "--log-level",
                        "error", "--listen-client-urls", etcd_url, "--advertise-client-urls",
                        etcd_url, "--listen-peer-urls", peer_url, "--initial-advertise-peer-urls",
                        peer_url, "--initial-cluster", "default=" + peer_url},
                       "etcd.log");
        const std::string key = in_folder("sa.key");
        test::shell(concat("openssl genrsa -out ", key, " 2048 2>/dev/null"));
        std::ofstream(in_folder("tokens.csv")) << token << ",admin,admin,\"system:masters\"\n";
        apiserver_ = launch({apiserver,
                             "--etcd-servers",
                             etcd_url,
                             "--bind-address",
                             "127.0.0.1",
                             "--secure-port",
                             std::to_string(port),
                             "--cert-dir",
                             in_folder("certs"),
                             "--token-auth-file",
                             in_folder("tokens.csv"),
                             "--authorization-mode",
                             "RBAC",
                             "--service-account-issuer",
                             "https://127.0.0.1",
                             "--service-account-key-file",
                             key,
                             "--service-account-signing-key-file",
                             key,
                             "--service-cluster-ip-range",
                             "10.96.0.0/16",
                             "--disable-admission-plugins",
                             "ServiceAccount,Priority,DefaultTolerationSeconds"},
                            "apiserver.log");
        connect(concat("https://127.0.0.1:", port));
    }
    HttpTransport& transport() override { return *transport_; }

private:
    using ChildPtr = std::unique_ptr<testing::Child>;

    [[nodiscard]] std::string in_folder(const std::string& name) const {
        return concat(folder_.path(), "/", name);
    }
    // Its output goes to a file: nobody reads the pipe.
    ChildPtr launch(std::vector<std::string> arguments, const std::string& log) const {
        std::vector<std::string> line{"/bin/sh", "-c",
                                      concat("exec \"$@\" >", in_folder(log), " 2>&1"), "sh"};
        line.insert(line.end(), arguments.begin(), arguments.end());
        return std::make_unique<testing::Child>(
            line, std::vector<std::string>{"PATH=/usr/bin:/bin", "HOME=" + folder_.path()});
    }
    void connect(const std::string& url) {
        const auto ready = [&] {
            const std::string ca = read_file(in_folder("certs/apiserver.crt"));
            if (ca.empty()) return false;
            transport_ = http::make_curl_transport(
                {.base_url = url, .ca_pem = ca, .bearer_token = token, .direct = true});
            const auto answer = transport_->send({.url = "/readyz"});
            return answer.ok() && answer->status == 200;
        };
        if (!test::eventually(ready, std::chrono::seconds{60}))
            throw std::runtime_error("kube-apiserver did not become ready: " +
                                     read_file(in_folder("apiserver.log")).substr(0, 4000));
    }

    test::TemporaryFolder folder_;
    ChildPtr etcd_;
    ChildPtr apiserver_;
    std::unique_ptr<HttpTransport> transport_;
};

}  // namespace

std::unique_ptr<Server> start_ours() {
    return std::make_unique<Ours>();
}

std::unique_ptr<Server> start_theirs(std::string& why_not) {
    const char* apiserver = std::getenv("KUBE_APISERVER");
    const char* etcd = std::getenv("ETCD");
    if (!apiserver || !etcd) {
        why_not = "KUBE_APISERVER and ETCD do not name a kube-apiserver and an etcd";
        return nullptr;
    }
    return std::make_unique<Theirs>(apiserver, etcd);
}

}  // namespace sluice::oracle
