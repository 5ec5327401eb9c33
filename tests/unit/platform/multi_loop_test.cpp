// SPDX-License-Identifier: Apache-2.0
#include "platform/http/multi_loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include "platform/http/server.hpp"

namespace sluice::http {
namespace {

using Answer = Result<HttpResponse>;

std::future<Answer> send(AsyncHttp& http, HttpRequest request) {
    auto promise = std::make_shared<std::promise<Answer>>();
    http.submit({std::move(request)}, [promise](Answer answer) { promise->set_value(answer); });
    return promise->get_future();
}

Answer within(std::future<Answer>& future) {
    if (future.wait_for(std::chrono::seconds{60}) != std::future_status::ready)
        return internal("no answer came");
    return future.get();
}

// Holds requests to /hang until it is opened.
class Gate {
public:
    HttpResponse pass(const HttpRequest& request) {
        std::unique_lock lock(mutex_);
        ++seen_;
        changed_.notify_all();
        if (request.url.starts_with("/hang")) changed_.wait(lock, [&] { return open_; });
        return {200, {}, request.method + " " + request.url + " " + request.body};
    }
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    bool wait_for(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds{60}, [&] { return seen_ >= count; });
    }
    int seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int seen_ = 0;
};

struct World {
    Gate gate;
    std::unique_ptr<Server> server;
    std::string url;

    World() {
        auto started = serve({.listen = "127.0.0.1:0", .threads = 4},
                             [this](const HttpRequest& r) { return gate.pass(r); });
        check(started.ok(), "the test's server did not start");
        server = std::move(*started);
        url = "http://" + server->address();
    }
    ~World() { gate.open(); }
};

TEST(MultiLoop, BringsTheAnswer) {
    World world;
    MultiLoop loop;
    auto answer = send(loop, {.method = "POST", .url = world.url + "/a", .body = "x=1"});
    const auto response = within(answer);
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /a x=1");
}

TEST(MultiLoop, SendsTheSameRequestOnceWhileItIsUnderWay) {
    World world;
    MultiLoop loop;
    auto first = send(loop, {.url = world.url + "/hang"});
    ASSERT_TRUE(world.gate.wait_for(1));
    auto same = send(loop, {.url = world.url + "/hang"});
    auto other = send(loop, {.url = world.url + "/other"});
    ASSERT_TRUE(within(other).ok());
    world.gate.open();
    EXPECT_EQ(within(first)->body, within(same)->body);
    EXPECT_EQ(world.gate.seen(), 2);
}

TEST(MultiLoop, AServerThatHangsDelaysNobodyElse) {
    World hanging;
    World healthy;
    MultiLoop loop({.in_flight_per_server = 2});
    std::vector<std::future<Answer>> stuck;
    for (int i = 0; i < 5; ++i)
        stuck.push_back(send(loop, {.url = hanging.url + "/hang" + std::to_string(i),
                                    .deadline = std::chrono::milliseconds{300}}));
    auto answer = send(loop, {.url = healthy.url + "/fine"});
    EXPECT_EQ(within(answer)->body, "GET /fine ");
    for (auto& one : stuck) {
        const auto late = within(one);
        ASSERT_FALSE(late.ok());
        EXPECT_EQ(late.error().kind, ErrorKind::Timeout);
        EXPECT_TRUE(late.error().message.ends_with(": no answer within 300ms"))
            << late.error().message;
    }
    EXPECT_LE(hanging.gate.seen(), 2);
}

TEST(MultiLoop, SaysWhatIsWrongWithoutTheQueryAndItsSecrets) {
    MultiLoop loop;
    auto refused = send(loop, {.url = "http://me:secret@127.0.0.1:1/x?token=secret"});
    const auto answer = within(refused);
    ASSERT_TRUE(answer.failed_with(ErrorKind::Unavailable));
    EXPECT_EQ(answer.error().message, "GET http://127.0.0.1:1/x: connection refused");
    auto no_url = send(loop, {.url = "ftp://x/"});
    EXPECT_TRUE(within(no_url).failed_with(ErrorKind::Invalid));
}

TEST(MultiLoop, RefusesMoreThanMayWait) {
    World world;
    MultiLoop loop({.in_flight_per_server = 1, .waiting_per_server = 1});
    auto first = send(loop, {.url = world.url + "/hang1"});
    ASSERT_TRUE(world.gate.wait_for(1));
    auto second = send(loop, {.url = world.url + "/hang2"});
    auto third = send(loop, {.url = world.url + "/hang3"});
    EXPECT_TRUE(within(third).failed_with(ErrorKind::Unavailable));
    world.gate.open();
    EXPECT_TRUE(within(first).ok());
    EXPECT_TRUE(within(second).ok());
}

TEST(MultiLoop, AnswersWhatIsOpenWhenItEnds) {
    World world;
    std::future<Answer> open;
    {
        MultiLoop loop;
        open = send(loop, {.url = world.url + "/hang"});
        ASSERT_TRUE(world.gate.wait_for(1));
    }
    EXPECT_EQ(within(open).error().message, "the HTTP loop has ended");
}

}  // namespace
}  // namespace sluice::http
