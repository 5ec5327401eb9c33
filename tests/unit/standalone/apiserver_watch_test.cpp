// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "standalone/apiserver/in_process_transport.hpp"
#include "tests/unit/standalone/support.hpp"

namespace sluice::standalone::apiserver::testing {
namespace {

using namespace std::chrono_literals;
using Names = std::vector<std::string>;

TEST(ApiWatch, TellsEveryChangeAfterAVersionInOrder) {
    TestServer server;
    const Reply made = server.post(pods_url, pod("a"));
    const auto watch = server.stream(pods_url + "?watch=true&resourceVersion=" +
                                     text_at(made.body, {"metadata", "resourceVersion"}));
    EXPECT_EQ(server.names(*watch), Names{});
    server.post(pods_url, pod("b"));
    server.post(config_maps_url, config_map("other"));
    server.merge(pods_url + "/a", {{"metadata", {{"labels", {{"x", "y"}}}}}});
    server.remove(pods_url + "/b");
    EXPECT_EQ(server.names(*watch), (Names{"ADDED b", "MODIFIED a", "DELETED b"}));
    EXPECT_EQ(server.names(*watch), Names{});
}

TEST(ApiWatch, WithoutAVersionBeginsWithWhatIsThere) {
    TestServer server;
    server.post(pods_url, pod("a"));
    for (const char* query : {"?watch=true", "?watch=1&resourceVersion=0"}) {
        const auto watch = server.stream(pods_url + query);
        EXPECT_EQ(server.names(*watch), Names{"ADDED a"}) << query;
    }
}

TEST(ApiWatch, InitialEventsEndWithABookmarkThatSaysSo) {
    TestServer server;
    server.post(pods_url, pod("a"));
    const auto watch = server.stream(pods_url +
                                     "?watch=true&sendInitialEvents=true&resourceVersionMatch="
                                     "NotOlderThan&allowWatchBookmarks=true");
    const auto events = server.events(*watch);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[1]["type"], "BOOKMARK");
    EXPECT_EQ(events[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    EXPECT_EQ(events[1]["object"]["metadata"]["resourceVersion"],
              std::to_string(server.store->version()));
}

TEST(ApiWatch, ObjectsEnterAndLeaveASelector) {
    TestServer server;
    server.post(pods_url, pod("a", {{"app", "x"}}));
    const auto watch = server.stream(pods_url + "?watch=true&labelSelector=app%3Dx");
    EXPECT_EQ(server.names(*watch), Names{"ADDED a"});
    const auto label = [&](const std::string& value) {
        return server.merge(pods_url + "/a", {{"metadata", {{"labels", {{"app", value}}}}}});
    };
    const Reply left = label("y");
    const auto events = server.events(*watch);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["type"], "DELETED");
    EXPECT_EQ(events[0]["object"]["metadata"]["labels"]["app"], "x");
    EXPECT_EQ(events[0]["object"]["metadata"]["resourceVersion"],
              left.body["metadata"]["resourceVersion"]);
    label("z");
    EXPECT_EQ(server.names(*watch), Names{});
    label("x");
    EXPECT_EQ(server.names(*watch), Names{"ADDED a"});
    server.post("/api/v1/namespaces/kube-system/pods", pod("elsewhere", {{"app", "x"}}));
    EXPECT_EQ(server.names(*watch), Names{});
}

TEST(ApiWatch, AVersionThatIsForgottenIsAnErrorEventWith410) {
    TestServer server({.path = ":memory:", .change_limits = {.count = 3, .bytes = 1 << 20}});
    const Reply made = server.post(pods_url, pod("a"));
    const auto watch = server.stream(pods_url + "?watch=true&resourceVersion=" +
                                     text_at(made.body, {"metadata", "resourceVersion"}));
    for (const char* name : {"b", "c", "d", "e"}) server.post(pods_url, pod(name));
    const auto piece = watch->next(server.clock.now());
    EXPECT_TRUE(piece.ended);
    const Json event = parse_json(piece.bytes).value();
    EXPECT_EQ(event["type"], "ERROR");
    EXPECT_EQ(event["object"]["code"], 410);
    EXPECT_EQ(event["object"]["reason"], "Expired");
    EXPECT_TRUE(text_at(event, {"object", "message"}).starts_with("too old resource version: "));
}

TEST(ApiWatch, EndsWhenItsTimeIsUpAndBookmarksAQuietKind) {
    TestServer server;
    const auto watch =
        server.stream(pods_url + "?watch=true&timeoutSeconds=150&allowWatchBookmarks=true");
    EXPECT_EQ(server.names(*watch), Names{});
    server.post(config_maps_url, config_map("other"));
    server.clock.advance(61s);
    const auto events = server.events(*watch);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["object"]["metadata"]["resourceVersion"],
              std::to_string(server.store->version()));
    server.clock.advance(90s);
    EXPECT_TRUE(watch->next(server.clock.now()).ended);
}

TEST(ApiWatch, TablesComeAsOneRowEach) {
    TestServer server;
    HttpRequest request{.method = "GET", .url = pods_url + "?watch=true"};
    request.headers = {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}};
    const auto watch = server.handler.answer(request).stream;
    server.post(pods_url, pod("a"));
    const auto events = server.events(*watch);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["object"]["kind"], "Table");
    EXPECT_EQ(events[0]["object"]["rows"][0]["cells"][0], "a");
}

// Collects what a streaming thread receives.
struct Inbox {
    bool add(std::string_view chunk) {
        const std::lock_guard lock(mutex);
        text += chunk;
        changed.notify_all();
        return true;
    }
    bool wait_for(const std::string& part) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 10s, [&] { return text.find(part) != std::string::npos; });
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::string text;
};

TEST(InProcessTransport, StreamsUntilItIsAskedToStop) {
    TestServer server;
    InProcessTransport transport(server.handler, server.clock);
    Inbox inbox;
    Result<HttpResponse> outcome = HttpResponse{};
    std::jthread watcher([&](const std::stop_token& stop) {
        outcome = transport.stream(
            {.method = "GET", .url = pods_url + "?watch=true"},
            [&](std::string_view chunk) { return inbox.add(chunk); }, stop);
    });
    server.post(pods_url, pod("first"));
    EXPECT_TRUE(inbox.wait_for("\"first\""));
    server.post(pods_url, pod("second"));
    EXPECT_TRUE(inbox.wait_for("\"second\""));
    watcher.request_stop();
    watcher.join();
    EXPECT_EQ(outcome.value().status, 200);
}

TEST(InProcessTransport, CloseEndsStreamsAndRefusesWhatComesAfter) {
    TestServer server;
    InProcessTransport transport(server.handler, server.clock);
    Inbox inbox;
    server.post(pods_url, pod("first"));
    std::jthread watcher([&](const std::stop_token& stop) {
        static_cast<void>(transport.stream(
            {.method = "GET", .url = pods_url + "?watch=true"},
            [&](std::string_view chunk) { return inbox.add(chunk); }, stop));
    });
    EXPECT_TRUE(inbox.wait_for("\"first\""));
    transport.close();
    watcher.join();
    EXPECT_TRUE(
        transport.send({.method = "GET", .url = "/version"}).failed_with(ErrorKind::Unavailable));
}

TEST(InProcessTransport, AnswersThatAreNoStreamComeWhole) {
    TestServer server;
    InProcessTransport transport(server.handler, server.clock);
    std::string body;
    const auto collect = [&](std::string_view chunk) {
        body += chunk;
        return true;
    };
    EXPECT_EQ(transport.stream({.method = "GET", .url = "/readyz"}, collect, {}).value().status,
              200);
    EXPECT_EQ(body, "ok");
    const auto missing =
        transport.stream({.method = "GET", .url = pods_url + "/nope"}, collect, {});
    EXPECT_EQ(missing.value().status, 404);
    EXPECT_NE(missing.value().body.find("not found"), std::string::npos);
}

// A log that says what it was asked for.
class EchoLog final : public LogSource {
public:
    class Stream final : public BodyStream {
    public:
        explicit Stream(std::string text) : text_(std::move(text)) {}
        Piece next(TimePoint) override { return {std::exchange(text_, ""), true}; }
        [[nodiscard]] std::optional<TimePoint> due() const override { return std::nullopt; }
        void on_ready(std::function<void()>) override {}

    private:
        std::string text_;
    };
    Result<std::unique_ptr<BodyStream>> open(const LogQuery& query) override {
        if (query.previous)
            return not_found("previous terminated container \"c\" in pod \"p\" not found");
        return std::unique_ptr<BodyStream>(std::make_unique<Stream>(concat(
            query.pod, "/", query.container, " tail ", query.tail_lines.value_or(-1), " since ",
            query.since ? format_rfc3339(*query.since) : "ever", query.follow ? " follow" : "")));
    }
};

TEST(ApiPodLog, AsksTheLogSource) {
    TestServer server;
    EchoLog log;
    InProcessTransport transport(server.handler, server.clock);
    const auto read = [&](const std::string& query) {
        return transport.send({.method = "GET", .url = pods_url + "/p/log" + query}).value();
    };
    EXPECT_EQ(read("").status, 404);
    server.post(pods_url, pod("p"));
    EXPECT_EQ(read("").status, 503);
    server.handler.set_log_source(&log);
    EXPECT_EQ(read("?tailLines=5&follow=true").body, "p/c tail 5 since ever follow");
    EXPECT_EQ(read("?sinceSeconds=10").body, "p/c tail -1 since 2027-01-15T07:59:50Z");
    EXPECT_EQ(read("?limitBytes=3").body, "p/c");
    EXPECT_EQ(read("?container=x").status, 400);
    EXPECT_EQ(read("?previous=true").status, 400);
}

}  // namespace
}  // namespace sluice::standalone::apiserver::testing
