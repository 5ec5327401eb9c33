// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/gate.hpp"

#include <gtest/gtest.h>

namespace sluice::standalone::apiserver {
namespace {

int refusal(const Gate& gate, const std::string& url, std::vector<HttpHeader> headers,
            bool certificate = false) {
    const auto refused =
        gate.refuse({.method = "GET", .url = url, .headers = std::move(headers)}, certificate);
    return refused ? refused->code : 0;
}

const Gate home{.listen_host = "127.0.0.1", .token = "secret"};

TEST(Gate, LetsTheTokenAndTheCertificatePass) {
    const HttpHeader host{"Host", "127.0.0.1:6443"};
    EXPECT_EQ(refusal(home, "/api", {host, {"Authorization", "Bearer secret"}}), 0);
    EXPECT_EQ(refusal(home, "/api", {host, {"authorization", "bearer secret"}}), 0);
    EXPECT_EQ(refusal(home, "/api", {host}, true), 0);
    EXPECT_EQ(refusal(home, "/api", {host}), 401);
    EXPECT_EQ(refusal(home, "/api", {host, {"Authorization", "Bearer secre"}}), 401);
    EXPECT_EQ(refusal(home, "/api", {host, {"Authorization", "Bearer "}}), 401);
    EXPECT_EQ(refusal(home, "/api", {host, {"Authorization", "Basic secret"}}), 401);
}

TEST(Gate, HealthAndVersionNeedNoSecret) {
    const HttpHeader host{"Host", "localhost"};
    for (const char* url : {"/readyz", "/livez?verbose", "/healthz", "/version?timeout=5s"})
        EXPECT_EQ(refusal(home, url, {host}), 0) << url;
    for (const char* url : {"/readyz/x", "/versions", "/", "/api/v1/pods?x=/readyz"})
        EXPECT_EQ(refusal(home, url, {host}), 401) << url;
}

TEST(Gate, RefusesHostsThatItIsNot) {
    const auto code = [](const char* host) { return refusal(home, "/readyz", {{"Host", host}}); };
    for (const char* host : {"localhost:6443", "LOCALHOST", "127.0.0.1:1", "127.9.9.9",
                             "[::1]:6443", "kubernetes.default.svc"})
        EXPECT_EQ(code(host), 0) << host;
    for (const char* host : {"evil.example", "localhost.evil.example", "10.0.0.1",
                             "127.0.0.1.evil.example", "127.0.0.evil", ""})
        EXPECT_EQ(code(host), 403) << host;
    EXPECT_EQ(refusal(home, "/readyz", {}), 403);
    const Gate everywhere{.listen_host = "0.0.0.0", .token = "secret"};
    EXPECT_EQ(refusal(everywhere, "/readyz", {{"Host", "10.0.0.1:6443"}}), 0);
    EXPECT_EQ(refusal(everywhere, "/readyz", {{"Host", "evil.example"}}), 403);
}

TEST(Gate, RefusesOtherOrigins) {
    const auto code = [](const char* origin) {
        return refusal(home, "/readyz", {{"Host", "localhost:6443"}, {"Origin", origin}});
    };
    EXPECT_EQ(code("https://localhost:6443"), 0);
    for (const char* origin :
         {"http://localhost:6443", "https://localhost:1", "https://evil.example", "null", ""})
        EXPECT_EQ(code(origin), 403) << origin;
}

TEST(Gate, ReadsListenAddresses) {
    EXPECT_EQ(parse_listen("127.0.0.1:6443").value().host, "127.0.0.1");
    EXPECT_EQ(parse_listen("127.0.0.1:6443").value().port, 6443);
    EXPECT_EQ(parse_listen("[::1]:0").value().host, "::1");
    EXPECT_EQ(parse_listen("localhost:1").value().host, "localhost");
    for (const char* text : {"", "127.0.0.1", ":6443", "x:", "x:70000", "x:-1"})
        EXPECT_FALSE(parse_listen(text).ok()) << text;
    EXPECT_EQ(parse_listen("nope").error().message,
              "expected an address such as 127.0.0.1:6443, found \"nope\"");
}

}  // namespace
}  // namespace sluice::standalone::apiserver
