// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "platform/kube/client.hpp"

namespace sluice::kube {
namespace {

// Answers every request with the same value and keeps what was asked.
class OneAnswer final : public HttpTransport {
public:
    explicit OneAnswer(HttpResponse answer) : answer_(std::move(answer)) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
        asked = request;
        return answer_;
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token) override {
        asked = request;
        // In pieces that respect no line, as a network does.
        for (size_t at = 0; at < answer_.body.size(); at += 7)
            if (!on_chunk(std::string_view(answer_.body).substr(at, 7))) break;
        return HttpResponse{answer_.status, {}, {}};
    }
    HttpRequest asked;

private:
    HttpResponse answer_;
};

const ObjectRef web{resources::rollouts, "shop", "web"};

TEST(KubeClient, SaysWhatWasAttemptedAndWhatCameBack) {
    OneAnswer transport(
        {404, {}, R"({"reason":"NotFound","message":"rollouts.argoproj.io \"web\" not found"})"});
    const auto answer = Client(transport, "sluice").get(web);
    ASSERT_TRUE(answer.failed_with(ErrorKind::NotFound));
    EXPECT_EQ(answer.error().message,
              "get rollout shop/web: 404: rollouts.argoproj.io \"web\" not found");
    EXPECT_EQ(transport.asked.url, "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web");
}

TEST(KubeClient, TellsLostRacesFromTakenNames) {
    const auto kind = [](int status, const std::string& reason) {
        OneAnswer transport({status, {}, R"({"reason":")" + reason + R"(","message":"m"})"});
        const Client client(transport, "sluice");
        return client.create(resources::rollouts, Json::object()).error().kind;
    };
    EXPECT_EQ(kind(409, "AlreadyExists"), ErrorKind::AlreadyExists);
    EXPECT_EQ(kind(409, "Conflict"), ErrorKind::Conflict);
    EXPECT_EQ(kind(410, "Expired"), ErrorKind::Gone);
    EXPECT_EQ(kind(403, "Forbidden"), ErrorKind::Denied);
    EXPECT_EQ(kind(429, "TooManyRequests"), ErrorKind::Unavailable);
    EXPECT_EQ(kind(422, "Invalid"), ErrorKind::Invalid);
}

TEST(KubeClient, AnEvictionThatABudgetForbidsIsNoError) {
    const auto evict = [](int status) {
        OneAnswer transport({status, {}, R"({"message":"m"})"});
        return Client(transport, "sluice").evict({resources::pods, "shop", "p"}, "u");
    };
    EXPECT_EQ(evict(201).value(), true);
    EXPECT_EQ(evict(429).value(), false);
    EXPECT_TRUE(evict(404).failed_with(ErrorKind::NotFound));
    OneAnswer transport({201, {}, "{}"});
    ASSERT_TRUE(Client(transport, "sluice").evict({resources::pods, "shop", "p"}, "u").ok());
    EXPECT_EQ(transport.asked.url, "/api/v1/namespaces/shop/pods/p/eviction");
}

TEST(KubeClient, WatchReadsEventsAcrossChunks) {
    OneAnswer transport(
        {200,
         {},
         R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}})"
         "\n"
         R"({"type":"DELETED","object":{"metadata":{"name":"a","resourceVersion":"2"}}})"
         "\n"});
    std::string seen;
    const auto ended =
        Client(transport, "sluice")
            .watch(resources::pods, {}, "0",
                   [&](const WatchEvent& event) {
                       seen += text_at(event.object, {"kind"});
                       seen += text_at(event.object, {"metadata", "resourceVersion"});
                       seen += event.type == WatchEventType::Deleted ? "-" : "+";
                   },
                   {});
    EXPECT_TRUE(ended.ok());
    EXPECT_EQ(seen, "Pod1+Pod2-");
}

TEST(KubeClient, WatchSaysWhenToListAnew) {
    OneAnswer transport(
        {200,
         {},
         R"~({"type":"ERROR","object":{"code":410,"message":"too old resource version: 1 (9)"}})~"
         "\n"});
    const auto ended =
        Client(transport, "sluice").watch(resources::pods, {}, "1", [](const WatchEvent&) {}, {});
    ASSERT_TRUE(ended.failed_with(ErrorKind::Gone));
    EXPECT_EQ(ended.error().message, "watch pods: 410: too old resource version: 1 (9)");
}

}  // namespace
}  // namespace sluice::kube
