// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/informer.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

namespace sluice::kube {
namespace {

using namespace std::chrono_literals;

class NoLog final : public Log {
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

// Lists nothing. Takes each third watch, ends it without an event, and is away for the next two.
class RestlessServer final : public HttpTransport {
public:
    Result<HttpResponse> send(const HttpRequest&) override {
        return HttpResponse{200, {}, R"({"metadata":{"resourceVersion":"7"},"items":[]})"};
    }
    Result<HttpResponse> stream(const HttpRequest&, const OnChunk&, std::stop_token) override {
        std::unique_lock lock(mutex_);
        ++watches_;
        changed_.notify_all();
        if (watches_ % 3 == 0) return HttpResponse{200, {}, ""};
        return unavailable("Couldn't connect to server");
    }
    bool watched(int times, Duration deadline) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, deadline, [&] { return watches_ >= times; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int watches_ = 0;  // guarded by mutex_
};

// Else a kind in which nothing happens is looked at ever more rarely, up to 15 s, though the server
// comes back at once each time.
TEST(Informer, AQuietWatchThatWasTakenStartsTheBackOffAnew) {
    NoLog log;
    RestlessServer server;
    const Client client(server, "test");
    InformerSink sink;
    sink.on_item = [](const Json&) {};
    sink.on_event = [](const WatchEvent&) {};
    const Informer informer(client, resources::rollouts, {}, sink, log);
    EXPECT_TRUE(server.watched(15, 6s));
}

}  // namespace
}  // namespace sluice::kube
