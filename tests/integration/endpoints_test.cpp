// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>

#include "controller/server/endpoints.hpp"
#include "platform/http/curl_transport.hpp"

namespace sluice::server {
namespace {

HttpResponse ask(const http::Server& server, const std::string& path,
                 const std::string& method = "GET") {
    const auto transport = http::make_curl_transport({.base_url = "http://" + server.address()});
    auto answer = transport->send({.method = method, .url = path});
    EXPECT_TRUE(answer.ok());
    return answer.ok() ? *answer : HttpResponse{};
}

TEST(Endpoints, TellHealthReadinessMetricsAndTargets) {
    std::atomic<bool> ready = false;
    const auto server =
        serve_endpoints("127.0.0.1:0", {.metrics = [] { return std::string("up 1\n"); },
                                        .ready = [&] { return ready.load(); },
                                        .targets = [&]() -> Result<std::string> {
                                            if (!ready) return unavailable("no pods known yet");
                                            return std::string("[]");
                                        }});
    ASSERT_TRUE(server.ok()) << server.error().message;
    EXPECT_EQ(ask(**server, "/healthz").status, 200);
    EXPECT_EQ(ask(**server, "/readyz").status, 503);
    EXPECT_EQ(ask(**server, "/targets").status, 503);
    ready = true;
    EXPECT_EQ(ask(**server, "/readyz").status, 200);
    EXPECT_EQ(ask(**server, "/metrics?x=y").body, "up 1\n");
    EXPECT_EQ(ask(**server, "/targets").body, "[]");
    EXPECT_EQ(ask(**server, "/secrets").status, 404);
    EXPECT_EQ(ask(**server, "/metrics", "POST").status, 405);
}

TEST(Endpoints, WithoutAnEmbeddedClusterThereAreNoTargets) {
    const auto server = serve_endpoints(
        "127.0.0.1:0", {.metrics = [] { return std::string(); }, .ready = [] { return true; }});
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(ask(**server, "/targets").status, 404);
}

TEST(Webhooks, ArePostedOnly) {
    const auto server = serve_webhooks("127.0.0.1:0", [](const HttpRequest& request) {
        return HttpResponse{202, {}, request.url};
    });
    ASSERT_TRUE(server.ok());
    EXPECT_EQ(ask(**server, "/hooks/git/shop/shop", "POST").status, 202);
    EXPECT_EQ(ask(**server, "/hooks/git/shop/shop").status, 404);
}

}  // namespace
}  // namespace sluice::server
