// SPDX-License-Identifier: Apache-2.0
// What every part of the simulated world stands on: virtual time, an agenda of what will happen,
// the shipped API server over its store in memory, and a trace.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "platform/kube/client.hpp"
#include "standalone/apiserver/handler.hpp"
#include "standalone/apiserver/in_process_transport.hpp"
#include "tests/sim/chance.hpp"

namespace sluice::sim {

using namespace std::chrono_literals;

class VirtualClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const override { return now_; }
    void set(TimePoint when) { now_ = std::max(now_, when); }

private:
    TimePoint now_{Duration{1'800'000'000'000}};  // 2027-01-15T08:00:00Z
};

// Lines go to stderr while `on`, each with the virtual time since the beginning.
class Trace final : public Log {
public:
    Trace(const Clock& clock, bool on) : clock_(clock), on_(on), begin_(clock.now()) {}
    void write(LogLevel level, std::string_view message,
               const std::vector<LogField>& fields) override;
    void say(std::string_view line) const;
    [[nodiscard]] bool on() const { return on_; }

private:
    const Clock& clock_;
    bool on_;
    TimePoint begin_;
};

// What happens when. Things of one moment happen in the order in which they were planned.
class Agenda {
public:
    using Deed = std::function<void()>;
    void at(TimePoint when, Deed deed) { deeds_.emplace(when, std::move(deed)); }
    [[nodiscard]] std::optional<TimePoint> next() const {
        return deeds_.empty() ? std::nullopt : std::optional(deeds_.begin()->first);
    }
    // Does the first thing that is due; false where none is.
    bool step(TimePoint now) {
        if (deeds_.empty() || deeds_.begin()->first > now) return false;
        const auto first = deeds_.extract(deeds_.begin());
        first.mapped()();
        return true;
    }

private:
    std::multimap<TimePoint, Deed> deeds_;
};

// Tells after each write that the server took.
class NotingTransport final : public HttpTransport {
public:
    NotingTransport(HttpTransport& inner, std::function<void(const HttpRequest&)> wrote)
        : inner_(inner), wrote_(std::move(wrote)) {}
    Result<HttpResponse> send(const HttpRequest& request) override {
        auto answer = inner_.send(request);
        if (request.method != "GET" && answer.ok() && answer->status / 100 == 2) wrote_(request);
        return answer;
    }
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& chunk,
                                std::stop_token stop) override {
        return inner_.stream(request, chunk, std::move(stop));
    }

private:
    HttpTransport& inner_;
    std::function<void(const HttpRequest&)> wrote_;
};

struct Stage {
    Stage(std::uint64_t seed, bool trace_on);

    VirtualClock clock;
    Trace trace;
    Chance chance;
    Agenda agenda;
    int by_controller = 0;  // whose call is under way: the first, the second; 0 is anybody else
    // Called after each accepted write, whoever made it.
    std::function<void(const HttpRequest&)> on_write = [](const HttpRequest&) {};

    std::unique_ptr<standalone::store::Store> store;
    standalone::apiserver::Handler handler;
    standalone::apiserver::InProcessTransport server;
    NotingTransport transport{server, [this](const HttpRequest& r) { on_write(r); }};
    kube::Client outside{transport, "outside"};  // users, pods, workload controllers

    [[nodiscard]] TimePoint now() const { return clock.now(); }
    void after(Duration delay, Agenda::Deed deed) { agenda.at(now() + delay, std::move(deed)); }
};

// "rollouts.argoproj.io": as the store names a kind.
std::string store_type(const ResourceType& type);

}  // namespace sluice::sim
