// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/patience.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/text.hpp"
#include "platform/file.hpp"
#include "platform/kube/config.hpp"

namespace sluice::kube {
namespace {

using std::chrono::seconds;

// A server that says "later" so many times, and what its caller did.
struct Busy {
    int busy_for = 0;
    std::string retry_after = "2";
    std::vector<HttpRequest> asked;
    std::vector<Duration> waited;

    class Transport final : public HttpTransport {
    public:
        explicit Transport(Busy& server) : server_(server) {}
        Result<HttpResponse> send(const HttpRequest& request) override {
            server_.asked.push_back(request);
            if (server_.busy_for-- <= 0) return HttpResponse{200, {}, "done"};
            HttpResponse later{429, {}, "later"};
            if (!server_.retry_after.empty())
                later.headers.push_back({"Retry-After", server_.retry_after});
            return later;
        }
        Result<HttpResponse> stream(const HttpRequest& request, const OnChunk&,
                                    std::stop_token) override {
            return send(request);
        }

    private:
        Busy& server_;
    };

    std::unique_ptr<HttpTransport> transport(Patience patience = {}) {
        patience.wait = [this](Duration duration) { waited.push_back(duration); };
        return with_patience(std::make_unique<Transport>(*this), std::move(patience));
    }
};

TEST(KubePatience, ComesBackWhenItIsTold) {
    Busy server{.busy_for = 2};
    const auto answer = server.transport()->send({.url = "/api/v1/pods"});
    EXPECT_EQ(answer->body, "done");
    ASSERT_EQ(server.waited.size(), 2U);
    for (const auto wait : server.waited) {
        EXPECT_GE(wait, seconds{2});
        EXPECT_LE(wait, Duration{2200}) << "at most a tenth more";
    }
}

TEST(KubePatience, EndsAtTheDeadlineWithWhatItWasTold) {
    Busy server{.busy_for = 100};
    const auto answer = server.transport()->send({.url = "/", .deadline = seconds{7}});
    EXPECT_EQ(answer->status, 429);
    EXPECT_EQ(server.waited.size(), 3U) << "2 s three times; a fourth would be too late";
    EXPECT_LE(server.asked.back().deadline, seconds{1});
}

TEST(KubePatience, EndsAfterTenTimes) {
    Busy server{.busy_for = 100, .retry_after = "0"};
    EXPECT_EQ(server.transport()->send({.url = "/"})->status, 429);
    EXPECT_EQ(server.asked.size(), 11U);
}

TEST(KubePatience, AsksOnceWhereNobodySaidWhen) {
    for (const char* after : {"", "soon", "-1"}) {
        Busy server{.busy_for = 1, .retry_after = after};
        EXPECT_EQ(server.transport()->send({.url = "/"})->status, 429) << after;
    }
}

TEST(KubePatience, ABudgetsNoIsTheAnswer) {
    Busy server{.busy_for = 1};
    const auto answer = server.transport()->send(
        {.method = "POST", .url = "/api/v1/namespaces/a/pods/p/eviction?dryRun=All"});
    EXPECT_EQ(answer->status, 429);
}

class KubeToken : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = "/tmp/sluice-token-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        put("one");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    void put(const std::string& token) {
        ASSERT_TRUE(write_file(folder_ + "/token", token + "\n", 0600).ok());
    }
    std::string sent(HttpTransport& transport) {
        static_cast<void>(transport.send({.url = "/"}));
        return header(server_.asked.back().headers, "Authorization").value_or("");
    }
    std::string folder_;
    Busy server_;
};

TEST_F(KubeToken, IsTheOneThatTheFileHoldsNow) {
    const auto transport =
        server_.transport({.token_file = folder_ + "/token", .token = "one", .wait = {}});
    EXPECT_EQ(sent(*transport), "Bearer one");
    put("two");
    EXPECT_EQ(sent(*transport), "Bearer two");
    static_cast<void>(transport->stream({.url = "/"}, [](std::string_view) { return true; }, {}));
    EXPECT_EQ(header(server_.asked.back().headers, "Authorization"), "Bearer two");
    std::filesystem::remove(folder_ + "/token");
    EXPECT_EQ(sent(*transport), "Bearer two") << "the last one that could be read";
    put("");
    EXPECT_EQ(sent(*transport), "Bearer two") << "an empty file is one that is being written";
    put("three");
    EXPECT_EQ(sent(*transport), "Bearer three");
}

TEST_F(KubeToken, OfAKubeconfigIsKnownByItsFile) {
    const std::string config = folder_ + "/config";
    ASSERT_TRUE(
        write_file(config,
                   "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                   "clusters: [{name: k, cluster: {server: \"http://127.0.0.1:1\"}}]\n"
                   "users: [{name: u, user: {tokenFile: token}}]\n",
                   0600)
            .ok());
    const auto access = load_access(config, "");
    ASSERT_TRUE(access.ok()) << access.error().message;
    EXPECT_EQ(access->token, "one");
    EXPECT_EQ(access->token_file, folder_ + "/token");
}

}  // namespace
}  // namespace sluice::kube
