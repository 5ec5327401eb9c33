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

// Three objects in two pages; the second page fails while `broken`.
class TwoPages final : public HttpTransport {
public:
    Result<HttpResponse> send(const HttpRequest& request) override {
        if (request.url.find("continue=") == std::string::npos)
            return HttpResponse{200, {}, R"({"items": [
                {"metadata": {"namespace": "shop", "name": "a"}},
                {"metadata": {"namespace": "shop", "name": "b"}, "items": [{"no": "object"}]}],
                "metadata": {"resourceVersion": "9", "continue": "b"}})"};
        if (broken) return HttpResponse{410, {}, R"({"reason": "Expired"})"};
        return HttpResponse{200, {}, R"({"metadata": {"resourceVersion": "9"}, "items": [
            {"metadata": {"namespace": "shop", "name": "c"}}]})"};
    }
    Result<HttpResponse> stream(const HttpRequest&, const OnChunk&, std::stop_token) override {
        return unavailable("no watch here");
    }
    bool broken = false;
};

TEST(KubeClient, HandsOverEachObjectOfEachPage) {
    TwoPages transport;
    const Client client(transport, "test");
    std::string names;
    const auto version = client.list_each(resources::pods, {}, [&](Json&& item) {
        EXPECT_EQ(text_at(item, {"kind"}), "Pod");
        names += text_at(item, {"metadata", "name"});
    });
    ASSERT_TRUE(version.ok()) << version.error().message;
    EXPECT_EQ(*version, "9");
    EXPECT_EQ(names, "abc");
    transport.broken = true;
    EXPECT_TRUE(client.list_each(resources::pods, {}, [](Json&&) {}).failed_with(ErrorKind::Gone));
}

std::string name_of(const Json& document) {
    return text_at(document, {"metadata", "name"});
}
Json pod(const char* name) {
    return {{"metadata", {{"namespace", "shop"}, {"name", name}}}};
}

TEST(Cache, AListCountsOnlyOnceItHasEnded) {
    Cache<std::string> cache(name_of);
    std::string told;
    cache.listen([&](const std::string& key, const std::string* old, const std::string* fresh) {
        told += (old ? (fresh ? "=" : "-") : "+") + key.substr(5);
    });
    const auto sink = cache.sink();
    sink.on_list({pod("a"), pod("b")});
    EXPECT_EQ(std::exchange(told, ""), "+a+b");
    sink.on_list_begin();
    sink.on_item(pod("x"));
    EXPECT_TRUE(cache.get("shop/a"));
    EXPECT_FALSE(cache.get("shop/x"));
    sink.on_list_begin();  // the other broke off
    sink.on_item(pod("b"));
    sink.on_item(pod("c"));
    sink.on_list_end();
    EXPECT_EQ(told, "=b+c-a");
    EXPECT_FALSE(cache.get("shop/a"));
    EXPECT_FALSE(cache.get("shop/x"));
    EXPECT_TRUE(cache.get("shop/c"));
}

}  // namespace
}  // namespace sluice::kube
