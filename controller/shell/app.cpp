// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/app.hpp"


#include "base/text.hpp"
#include "controller/shell/analysis_runs.hpp"
#include "controller/shell/caches.hpp"
#include "controller/shell/controller_metrics.hpp"
#include "controller/shell/deliveries.hpp"
#include "controller/shell/events.hpp"
#include "controller/shell/git_source_decoders.hpp"
#include "controller/shell/git_source_webhook.hpp"
#include "controller/shell/git_sources.hpp"
#include "controller/shell/object_metrics.hpp"
#include "controller/shell/provider_credentials.hpp"
#include "controller/shell/rollouts.hpp"
#include "platform/http/multi_loop.hpp"

namespace sluice::shell {
namespace {

constexpr const char* app_version = "0.1.0";

// Members are wired top down and end bottom up: what decides ends before what it writes through.
class WiredApp final : public App {
public:
    WiredApp(AppOptions options, Connections kubernetes, const Clock& clock, Log& log)
        : usual_(kubernetes.usual, metrics_),
          fast_(kubernetes.traffic, metrics_),
          client_(usual_, "sluice"),
          traffic_(fast_, "sluice"),
          events_(client_, clock, log, "rollouts-controller"),
          caches_(options.ns),
          rollouts_(
              {.done = metrics_.done("rollout"),
               .ended = [this](const auto& duration) { metrics_.ended(duration); }},
              caches_, client_, traffic_, [this](Event event) { tell(std::move(event)); }, clock,
              log),
          runs_({.caches = caches_,
                 .client = client_,
                 .http = measurements_,
                 .clock = clock,
                 .log = log,
                 .events = [this](Event event) { tell(std::move(event)); }},
                {.providers = provider_settings(),
                 .done = metrics_.done("analysisrun")}),
          sources_(
              {.data_dir = options.data_dir,
               .git_program = options.git_program,
               .decoders = manifest_decoders(),
               .done = metrics_.done("gitsource"),
               .wrap =
                   [this, &clock](auto repository) {
                       return measured(std::move(repository), metrics_, clock);
                   }},
              caches_, client_, [this](Event event) { tell(std::move(event)); }, clock, log),
          webhook_(sources_, client_),
          deliveries_(
              {.version = app_version, .done = metrics_.done("delivery")}, caches_, client_,
              [this](const std::string& key) { return sources_.open(key); },
              [this](const std::string& key) { sources_.hint(key); }, clock, log) {
        caches_.start(client_, log);
        rollouts_.start();
        runs_.start();
        sources_.start();
        deliveries_.start();
    }

    // Also where a listener could not be opened and nobody came to stop().
    ~WiredApp() override { WiredApp::stop(); }
    WiredApp(const WiredApp&) = delete;
    WiredApp& operator=(const WiredApp&) = delete;

    bool ready() const override {
        return rollouts_.synced() && runs_.synced() && sources_.synced();
    }
    std::string metrics() override {
        metrics_.forget_unless(
            [this](const auto& key) { return caches_.rollouts.holds(key); },
            [this](const auto& key) { return caches_.analysis_runs.holds(key); });
        MetricText text;
        write_object_metrics(text, {caches_.rollouts, caches_.analysis_runs, caches_.deliveries});
        metrics_.write(text);
        text.family("workqueue_depth", "gauge", "Current depth of workqueue.");
        const auto depth = [&](const char* name, size_t keys) {
            text.sample({{"name", name}}, static_cast<double>(keys));
        };
        depth("rollout", rollouts_.depth());
        depth("analysisrun", runs_.depth());
        depth("gitsource", sources_.depth());
        depth("delivery", deliveries_.depth());
        text.family("argo_rollouts_controller_info", "gauge", "Running Argo-rollouts version");
        text.sample({{"version", concat("sluice-", app_version)}}, 1);
        return text.take();
    }
    HttpResponse webhook(const HttpRequest& request) override { return webhook_.handle(request); }

    void stop() override {
        caches_.stop();
        // Git last: the outboxes keep what it is owed.
        rollouts_.stop();
        runs_.stop();
        sources_.end_git_programs();  // a push that hangs must not hold up the end
        deliveries_.stop();
        sources_.stop();
    }

private:
    void tell(Event event) {
        metrics_.told(event);
        events_.add(std::move(event));
    }

    ControllerMetrics metrics_;  // first: everything counts to the end
    CountingTransport usual_, fast_;
    kube::Client client_;
    kube::Client traffic_;
    EventWriter events_;
    http::MultiLoop measurements_;
    Caches caches_;
    Rollouts rollouts_;
    AnalysisRuns runs_;
    GitSources sources_;
    WebhookHandler webhook_;
    Deliveries deliveries_;
};

}  // namespace

std::unique_ptr<App> start_app(AppOptions options, Connections kubernetes, const Clock& clock,
                               Log& log) {
    return std::make_unique<WiredApp>(std::move(options), kubernetes, clock, log);
}

}  // namespace sluice::shell
