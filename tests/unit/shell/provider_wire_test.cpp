// SPDX-License-Identifier: Apache-2.0
// Each provider's question over a real connection: to a server that answers, and to one that takes
// the connection and never says anything.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "base/text.hpp"
#include "platform/http/multi_loop.hpp"
#include "platform/http/server.hpp"
#include "tests/unit/analysis/provider_days.hpp"

namespace sluice::shell {
namespace provider_wire_test {
namespace {

using analysis::provider_test::all_days;
using analysis::provider_test::Days;
using Answer = Result<HttpResponse>;

// Listens, and that is all: the kernel takes connections in.
class SilentServer {
public:
    SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        check(::bind(socket_, generic, size) == 0 && ::listen(socket_, 100) == 0 &&
                  ::getsockname(socket_, generic, &size) == 0,
              "no socket for the silent server");
        url = concat("http://127.0.0.1:", ntohs(address.sin_port));
    }
    ~SilentServer() { ::close(socket_); }
    SilentServer(const SilentServer&) = delete;
    SilentServer& operator=(const SilentServer&) = delete;
    std::string url;

private:
    int socket_;
};

crds::Metric metric_of(const Days& days) {
    return {.name = "m", .providers = {{days.provider, days.config}}};
}

// The provider's question, with another server in it.
HttpRequest request_to(const std::string& server, const Days& days) {
    const auto query = analysis::build_query(
        metric_of(days), {}, *parse_rfc3339("2026-11-20T12:00:00Z"), days.credentials);
    EXPECT_TRUE(query.ok()) << query.error().message;
    if (!query.ok()) return {};
    HttpRequest request = query->request;
    const auto host = request.url.find("://") + 3;
    const auto path = std::min(request.url.find('/', host), request.url.size());
    request.url = server + request.url.substr(path);
    return request;
}

Answer answer_to(http::MultiLoop& loop, HttpRequest request) {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto future = promise->get_future();
    loop.submit({std::move(request)}, [promise](Answer answer) { promise->set_value(answer); });
    if (future.wait_for(std::chrono::seconds{30}) != std::future_status::ready)
        return internal("no answer came");
    return future.get();
}

TEST(ProviderWire, AnAnswerComesBackAsItWasSent) {
    std::string body;
    auto server = http::serve({.listen = "127.0.0.1:0"}, [&](const HttpRequest&) {
        return HttpResponse{200, {}, body};
    });
    ASSERT_TRUE(server.ok()) << server.error().message;
    http::MultiLoop loop;
    for (const auto& days : all_days()) {
        const testing::ScopedTrace trace(days.page, 1, days.provider);
        body = days.good;
        const auto answer =
            answer_to(loop, request_to(concat("http://", (*server)->address()), days));
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        const auto reading = analysis::parse_reading(metric_of(days), *answer);
        ASSERT_TRUE(reading.ok()) << reading.error().message;
        EXPECT_EQ(reading->text, days.value);
    }
}

TEST(ProviderWire, AServerThatHangsIsGivenUp) {
    const SilentServer silent;
    http::MultiLoop loop;
    for (const auto& days : all_days()) {
        auto request = request_to(silent.url, days);
        request.deadline = std::chrono::milliseconds{50};
        const auto answer = answer_to(loop, std::move(request));
        EXPECT_TRUE(answer.failed_with(ErrorKind::Timeout)) << days.page;
    }
}

}  // namespace
}  // namespace provider_wire_test
}  // namespace sluice::shell
