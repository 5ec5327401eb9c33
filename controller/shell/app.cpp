// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/app.hpp"

#include <cstdlib>

#include "controller/shell/analysis_runs.hpp"
#include "controller/shell/deliveries.hpp"
#include "controller/shell/events.hpp"
#include "controller/shell/git_source_decoders.hpp"
#include "controller/shell/git_source_webhook.hpp"
#include "controller/shell/git_sources.hpp"
#include "controller/shell/object_metrics.hpp"
#include "controller/shell/rollouts.hpp"
#include "platform/http/multi_loop.hpp"

namespace sluice::shell {
namespace {

std::string prometheus_address() {
    const char* address = std::getenv("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS");  // upstream's name
    return address ? address : "";
}

// Members are wired top down and end bottom up: what decides ends before what it writes through.
class WiredApp final : public App {
public:
    WiredApp(AppOptions options, Connections kubernetes, const Clock& clock, Log& log)
        : client_(kubernetes.usual, "sluice"),
          traffic_(kubernetes.traffic, "sluice"),
          events_(client_, clock, log, "rollouts-controller"),
          rollouts_(
              {.ns = options.ns}, client_, traffic_,
              [this](Event event) { events_.add(std::move(event)); }, clock, log),
          runs_({.client = client_,
                 .http = measurements_,
                 .clock = clock,
                 .log = log,
                 .events = [this](Event event) { events_.add(std::move(event)); }},
                {.ns = options.ns, .providers = {.prometheus_address = prometheus_address()}}),
          sources_(
              {.data_dir = options.data_dir,
               .git_program = options.git_program,
               .ns = options.ns,
               .decoders = manifest_decoders()},
              client_, [this](Event event) { events_.add(std::move(event)); }, clock, log),
          webhook_(sources_, client_),
          deliveries_(
              {.ns = options.ns, .version = "0.1.0"}, client_,
              [this](const std::string& key) { return sources_.open(key); },
              [this](const std::string& key) { sources_.hint(key); }, clock, log) {
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
    std::string metrics() const override {
        return object_metrics(rollouts_.world().rollouts.all(),
                              rollouts_.world().analysis_runs.all());
    }
    HttpResponse webhook(const HttpRequest& request) override { return webhook_.handle(request); }

    void stop() override {
        // Git last: the outboxes keep what it is owed.
        rollouts_.stop();
        runs_.stop();
        sources_.end_git_programs();  // a push that hangs must not hold up the end
        deliveries_.stop();
        sources_.stop();
    }

private:
    kube::Client client_;
    kube::Client traffic_;
    EventWriter events_;
    http::MultiLoop measurements_;
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
