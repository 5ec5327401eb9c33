// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "platform/kube/cache.hpp"

namespace sluice::kube {
namespace {

class QuietLog final : public Log {
public:
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

// Lists two objects, and watches without any news.
class TwoObjects final : public HttpTransport {
public:
    Result<HttpResponse> send(const HttpRequest&) override {
        return HttpResponse{200, {}, R"({"metadata": {"resourceVersion": "9"}, "items": [
            {"metadata": {"namespace": "shop", "name": "bad"}},
            {"metadata": {"namespace": "shop", "name": "good"}}]})"};
    }
    Result<HttpResponse> stream(const HttpRequest&, const OnChunk&, std::stop_token stop) override {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        never.wait(lock, stop, [] { return false; });
        return HttpResponse{200, {}, {}};
    }
};

TEST(Informer, OneObjectThatCannotBeTakenDoesNotHideTheOthers) {
    TwoObjects transport;
    const Client client(transport, "test");
    QuietLog log;
    Cache<std::string> cache([](const Json& document) {
        auto name = text_at(document, {"metadata", "name"});
        if (name == "bad") throw std::runtime_error("undecodable");
        return name;
    });
    const Informer informer(client, resources::pods, {}, cache.sink(), log);
    ASSERT_TRUE(wait_for_sync({&informer}, {}));
    ASSERT_TRUE(cache.get("shop/good"));
    EXPECT_FALSE(cache.get("shop/bad"));
}

}  // namespace
}  // namespace sluice::kube
