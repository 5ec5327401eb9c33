// SPDX-License-Identifier: Apache-2.0
// A handler over a store in memory, with a clock that tests move and names that they can foretell.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/text.hpp"
#include "standalone/apiserver/handler.hpp"

namespace sluice::standalone::apiserver::testing {

class SetClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override {
        return TimePoint(Duration(milliseconds_.load()));
    }
    void advance(Duration by) { milliseconds_ += by.count(); }

private:
    std::atomic<long> milliseconds_ = 1'800'000'000'000;  // 2027-01-15T08:00:00Z
};

class SilentLog final : public Log {
public:
    void write(LogLevel, std::string_view, const std::vector<LogField>&) override {}
};

struct Reply {
    int status = 0;
    Json body;
    std::string text;
    std::vector<HttpHeader> headers;

    [[nodiscard]] std::string message() const { return text_at(body, {"message"}); }
    [[nodiscard]] std::string reason() const { return text_at(body, {"reason"}); }
};

// Identities "uid-1", "uid-2", … and suffixes "aaaa1", …
inline Identities counted_identities() {
    auto count = std::make_shared<std::atomic<int>>(0);
    return {[count] { return concat("uid-", ++*count); },
            [count] { return concat("aaaa", *count % 10); }};
}

struct TestServer {
    explicit TestServer(store::StoreOptions options = {.path = ":memory:"})
        : store(store::Store::open(options).value()),
          handler(*store, clock, log, counted_identities()) {
        handler.prepare().value();
    }

    Reply call(const std::string& method, const std::string& url, const Json& body = nullptr,
               const std::string& content_type = "application/json",
               const std::string& accept = {}) {
        HttpRequest request{.method = method, .url = url};
        if (!body.is_null())
            request.body = body.is_string() ? body.get<std::string>() : to_text(body);
        if (!content_type.empty()) request.headers.push_back({"Content-Type", content_type});
        if (!accept.empty()) request.headers.push_back({"Accept", accept});
        HttpResponse response = handler.handle(request);
        Reply reply{response.status, nullptr, response.body, response.headers};
        if (auto document = parse_json(response.body); document.ok())
            reply.body = std::move(*document);
        return reply;
    }
    Reply get(const std::string& url, const std::string& accept = {}) {
        return call("GET", url, nullptr, "", accept);
    }
    Reply post(const std::string& url, const Json& body) { return call("POST", url, body); }
    Reply put(const std::string& url, const Json& body) { return call("PUT", url, body); }
    Reply merge(const std::string& url, const Json& patch) {
        return call("PATCH", url, patch, "application/merge-patch+json");
    }
    Reply remove(const std::string& url, const Json& options = nullptr) {
        return call("DELETE", url, options);
    }

    // A watch, or the log of a pod; null where it was refused.
    std::unique_ptr<BodyStream> stream(const std::string& url) {
        return handler.answer({.method = "GET", .url = url}).stream;
    }
    // The events that are there now, as "ADDED web@12".
    std::vector<Json> events(BodyStream& watch) {
        std::vector<Json> events;
        for (;;) {
            const auto piece = watch.next(clock.now());
            for (const auto& line : split(piece.bytes, '\n'))
                if (!line.empty()) events.push_back(parse_json(line).value());
            if (piece.bytes.empty() || piece.ended) return events;
        }
    }
    std::vector<std::string> names(BodyStream& watch) {
        std::vector<std::string> texts;
        for (const auto& event : events(watch))
            texts.push_back(concat(text_at(event, {"type"}), " ",
                                   text_at(event, {"object", "metadata", "name"})));
        return texts;
    }

    SetClock clock;
    SilentLog log;
    std::unique_ptr<store::Store> store;
    Handler handler;
};

const std::string rollouts_url = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
const std::string pods_url = "/api/v1/namespaces/default/pods";
const std::string services_url = "/api/v1/namespaces/default/services";
const std::string config_maps_url = "/api/v1/namespaces/default/configmaps";

inline Json rollout(const std::string& name, const Json& spec = {{"replicas", 1}}) {
    return {{"apiVersion", "argoproj.io/v1alpha1"},
            {"kind", "Rollout"},
            {"metadata", {{"name", name}}},
            {"spec", spec}};
}

inline Json pod(const std::string& name, const Json& labels = Json::object()) {
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", {{"name", name}, {"labels", labels}}},
            {"spec", {{"containers", {{{"name", "c"}, {"image", "shop:v1"}}}}}}};
}

inline Json config_map(const std::string& name, const Json& data = Json::object()) {
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", {{"name", name}}},
            {"data", data}};
}

}  // namespace sluice::standalone::apiserver::testing
