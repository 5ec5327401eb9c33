// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "platform/http/curl_transport.hpp"
#include "platform/http/server.hpp"

namespace sluice::http {
namespace {

std::unique_ptr<Server> echo_server() {
    auto server =
        serve({.listen = "127.0.0.1:0", .largest_body = 1000}, [](const HttpRequest& request) {
            const auto token = header(request.headers, "authorization").value_or("none");
            return HttpResponse{200,
                                {{"X-Method", request.method}},
                                request.url + "|" + request.body + "|" + token};
        });
    EXPECT_TRUE(server.ok());
    return std::move(*server);
}

std::unique_ptr<HttpTransport> transport_to(const Server& server) {
    return make_curl_transport({.base_url = "http://" + server.address(), .bearer_token = "t0k"});
}

TEST(CurlTransport, CarriesRequestAndAnswer) {
    const auto server = echo_server();
    const auto transport = transport_to(*server);
    for (int i = 0; i < 3; ++i) {
        const auto answer = transport->send({.method = "PUT", .url = "/a/b?c=d", .body = "hello"});
        ASSERT_TRUE(answer.ok()) << answer.error().message;
        EXPECT_EQ(answer->status, 200);
        EXPECT_EQ(answer->body, "/a/b?c=d|hello|Bearer t0k");
        EXPECT_EQ(header(answer->headers, "x-method"), "PUT");
    }
}

TEST(CurlTransport, SaysWhoDidNotAnswer) {
    const auto transport = make_curl_transport({.base_url = "http://127.0.0.1:1"});
    const auto answer = transport->send({.url = "/readyz?x=secret"});
    ASSERT_TRUE(answer.failed_with(ErrorKind::Unavailable));
    EXPECT_EQ(answer.error().message, "GET http://127.0.0.1:1/readyz: Couldn't connect to server");
}

TEST(CurlTransport, ReusesAHandleForAnotherMethod) {
    const auto server = echo_server();
    const auto transport = transport_to(*server);
    ASSERT_TRUE(transport->send({.method = "POST", .url = "/p", .body = "x"}).ok());
    const auto answer = transport->send({.url = "/g"});
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->body, "/g||Bearer t0k");
    EXPECT_EQ(header(answer->headers, "x-method"), "GET");
}

// A server that is killed breaks off its streams; that is no vain attempt, and is resumed at once.
TEST(CurlTransport, AStreamThatBreaksHasEnded) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    const std::jthread server([&] {
        const int connection = ::accept(listener, nullptr, nullptr);
        std::array<char, 4096> request{};
        if (::read(connection, request.data(), request.size()) <= 0) return;
        const std::string text =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
        (void)!::write(connection, text.data(), text.size());
        ::close(connection);
    });
    const auto transport = make_curl_transport(
        {.base_url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port))});
    std::string got;
    const auto collect = [&](std::string_view piece) {
        got += piece;
        return true;
    };
    const auto answer = transport->stream({.url = "/"}, collect, {});
    ::close(listener);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(got, "hello");
}

TEST(HttpServer, RefusesATooLargeBody) {
    const auto server = echo_server();
    const auto answer =
        transport_to(*server)->send({.method = "POST", .url = "/", .body = std::string(2000, 'x')});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->status, 413);
}

TEST(HttpServer, NamesATakenPort) {
    const auto server = echo_server();
    const auto second =
        serve({.listen = server->address()}, [](const HttpRequest&) { return HttpResponse{}; });
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().message,
              "listen on " + server->address() + ": Address already in use");
}

TEST(ParseHostPort, ReadsBothFamilies) {
    EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
    EXPECT_EQ(parse_host_port("127.0.0.1:65535")->port, 65535);
    for (const char* text : {"", "host", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:x"})
        EXPECT_FALSE(parse_host_port(text).ok()) << text;
}

}  // namespace
}  // namespace sluice::http
