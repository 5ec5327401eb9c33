// SPDX-License-Identifier: Apache-2.0
// How soon a push moves the first weight, and how soon a failed verdict takes it back: real Git
// over HTTP with a webhook, real Prometheus, HAProxy's own word for what users get. Each run is a
// new version that fails its first measurement.
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.hpp"
#include "examples/story/author.hpp"
#include "examples/story/manifests.hpp"
#include "examples/story/watch.hpp"
#include "platform/clock.hpp"
#include "standalone/ingress/runtime_socket.hpp"
#include "tests/bench/report.hpp"
#include "tests/bench/usage.hpp"

namespace bench {
namespace {

using sluice::concat;
using sluice::Result;
using sluice::TimePoint;
namespace ingress = sluice::standalone::ingress;

class NoLog final : public sluice::Log {
    void write(sluice::LogLevel, std::string_view, const std::vector<sluice::LogField>&) override {}
};

// "500:b001:10000:b000": the smaller of two shares is the canary's, in hundredths of a percent.
int canary_share(const std::map<std::string, std::string>& entries) {
    int share = 0;
    for (const auto& [key, text] : entries) {
        const auto parts = sluice::split(text, ':');
        const auto bound = parts.size() == 4 ? sluice::parse_integer(parts[0]) : std::nullopt;
        if (bound) share = static_cast<int>(std::min(*bound, 10'000 - *bound));
    }
    return share;
}

// What the proxy does, asked every few milliseconds.
class ProxyWatch {
public:
    explicit ProxyWatch(const std::string& folder)
        : thread_([this, folder](const std::stop_token& stop) {
              const ingress::RuntimeSocket socket(folder + "/haproxy.sock");
              while (!stop.stop_requested()) {
                  const auto state = socket.read_state(folder);
                  if (state.ok()) note(canary_share(state->prefix) + canary_share(state->exact));
                  let_pass(std::chrono::milliseconds{5});
              }
          }) {}

    // When the canary's share became something, or nothing, after that instant.
    [[nodiscard]] std::optional<TimePoint> changed(bool to_something, TimePoint since) const {
        const std::lock_guard lock(mutex_);
        for (const auto& [at, share] : changes_)
            if (at > since && (share > 0) == to_something) return at;
        return std::nullopt;
    }

private:
    void note(int share) {
        const std::lock_guard lock(mutex_);
        if (changes_.empty() || changes_.back().second != share)
            changes_.push_back({sluice::SystemClock{}.now(), share});
    }
    mutable std::mutex mutex_;
    std::vector<std::pair<TimePoint, int>> changes_;  // guarded by mutex_
    std::jthread thread_;
};

// A gate whose first measurement fails; no wait before it.
story::Options play_of(const Options& options) {
    story::Options play;
    play.source = options.source;
    play.build = options.build;
    play.tools = options.tools;
    play.logs = options.logs;
    play.pace.replacements = {{"duration: 15s", "duration: 1s"},
                              {"failureLimit: 3", "failureLimit: 0"},
                              {"sum(rate(http_requests_total{", "vector(0) or sum(rate(x{"},
                              {"scaleDownDelaySeconds: 30", "scaleDownDelaySeconds: 1"}};
    return play;
}

Result<void> add_image(const story::Stage& stage, const std::string& version) {
    const std::string shop = stage.places().images + "/shop/";
    std::error_code failed;
    std::filesystem::copy(shop + "v2", shop + version, failed);
    if (failed) return sluice::unavailable(concat("copy an image: ", failed.message()));
    return {};
}

struct Latencies {
    std::vector<double> first_weight, first_weight_at_proxy;  // ms from the push
    std::vector<double> zero, zero_at_proxy;                  // ms from the verdict
};

class Player {
public:
    explicit Player(const Options& options)
        : stage_(play_of(options)), timeline_(stage_.options().router), author_(stage_) {}

    Result<void> begin() {
        TRY(stage_.prepare());
        TRY(stage_.start_git());
        TRY(stage_.start_sluice());
        TRY(stage_.start_prometheus());
        const auto source = TRY(story::render_git_source(stage_.options(), stage_.places()));
        TRY(stage_.kubectl({"apply", "--validate=false", "-f", "-"}, source));
        watch_ = std::make_unique<story::Watch>(stage_.cluster(), stage_.options().router,
                                                timeline_, log_);
        (void)TRY(author_.begin());
        TRY(wait("Healthy on v1", std::chrono::seconds{60}, [this] { return healthy_on_v1(); }));
        proxy_ = std::make_unique<ProxyWatch>(stage_.places().data + "/ingress");
        return {};
    }

    Result<void> run(int index) {
        const std::string version = concat("r", index);
        TRY(add_image(stage_, version));
        const auto commit = TRY(author_.set_version("v1", version));
        TimePoint pushed;
        for (const auto& push : TRY(author_.pushes()))
            if (push.to == commit) pushed = push.at;
        std::optional<TimePoint> up, down, verdict, proxy_up, proxy_down;
        TRY(wait("weight 0 again", std::chrono::seconds{60}, [&] {
            const auto picture = timeline_.picture();
            for (const auto& change : picture.weights) {
                if (change.at > pushed && change.canary > 0 && !up) up = change.at;
                if (up && change.at > *up && change.canary == 0 && !down) down = change.at;
            }
            for (const auto& [name, found] : picture.runs)
                if (found.first_seen > pushed && found.failed()) verdict = found.ended;
            proxy_up = proxy_->changed(true, pushed);
            if (proxy_up) proxy_down = proxy_->changed(false, *proxy_up);
            return up && down && verdict && proxy_down;
        }));
        const auto ms = [](TimePoint to, TimePoint from) {
            return static_cast<double>((to - from).count());
        };
        seen_.first_weight.push_back(ms(*up, pushed));
        seen_.first_weight_at_proxy.push_back(ms(*proxy_up, pushed));
        seen_.zero.push_back(ms(*down, *verdict));
        seen_.zero_at_proxy.push_back(ms(*proxy_down, *verdict));
        return back_to_v1(version);
    }

    [[nodiscard]] const Latencies& seen() const { return seen_; }

private:
    bool healthy_on_v1() const {
        const auto rollout = timeline_.picture().rollout;
        return rollout.phase == "Healthy" && rollout.image == "shop:v1" && rollout.observed &&
               rollout.current_hash == rollout.stable_hash;
    }

    // Sluice reverts by itself, but only so often in an hour; then somebody has to.
    Result<void> back_to_v1(const std::string& version) {
        const auto reverted =
            wait("the revert", std::chrono::seconds{5}, [this] { return healthy_on_v1(); });
        if (!reverted.ok()) (void)author_.set_version(version, "v1");
        return wait("Healthy on v1", std::chrono::seconds{30}, [this] { return healthy_on_v1(); });
    }

    template <class Condition>
    Result<void> wait(std::string_view what, sluice::Duration patience, Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!condition()) {
            TRY(stage_.all_alive());
            if (std::chrono::steady_clock::now() > deadline)
                return sluice::unavailable(
                    concat("wait for ", what, ": not within ", sluice::format_duration(patience)));
            let_pass(std::chrono::milliseconds{10});
        }
        return {};
    }

    story::Stage stage_;
    story::Timeline timeline_;
    story::Author author_;
    NoLog log_;
    std::unique_ptr<story::Watch> watch_;
    std::unique_ptr<ProxyWatch> proxy_;
    Latencies seen_;
};

}  // namespace

Result<void> measure_latency(const Options& options) {
    Player player(options);
    TRY(player.begin());
    const double load_began = load();
    for (int i = 1; i <= options.runs; ++i) TRY(player.run(i));
    const auto& seen = player.seen();
    const std::string how = concat("load average ", fixed(load_began), " to ", fixed(load()));
    row("push to first weight, in the route object, ms", "2000", spread(seen.first_weight),
        "webhook; from the push's arrival at the Git server; " + how);
    row("push to first weight, at the proxy, ms", "2000", spread(seen.first_weight_at_proxy),
        "HAProxy's map, asked every 5 ms");
    row("failed verdict to weight 0, in the route object, ms", "1000 (median)", spread(seen.zero),
        "from the event of the AnalysisRun's Failed");
    row("failed verdict to weight 0, at the proxy, ms", "1000 (median)", spread(seen.zero_at_proxy),
        "HAProxy's map");
    return {};
}

}  // namespace bench
