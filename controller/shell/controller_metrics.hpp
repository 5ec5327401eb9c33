// SPDX-License-Identifier: Apache-2.0
// What the controller counts while it works: upstream's names first (argo-rollouts.md 1.12), then
// sluice_…. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/http.hpp"
#include "base/metrics.hpp"
#include "controller/shell/events.hpp"
#include "crds/rollout_duration.hpp"
#include "platform/git/repository.hpp"
#include "platform/kube/reconciler.hpp"

namespace sluice::shell {

class ControllerMetrics {
public:
    ControllerMetrics();

    // For kube::Reconciler: how long one key took, and whether it came to rest.
    [[nodiscard]] kube::Reconciler::Done done(const std::string& controller);
    void told(const Event& event);
    // One answered call of the API server; 0 where none came.
    void asked(const HttpRequest& request, int status);
    // A watch that has to be taken up again.
    void watch_ended(const HttpRequest& request);
    void ended(const crds::RolloutDuration& duration);
    void git(const char* operation, double seconds, bool ok);

    // Whether there is an object of this key ("namespace/name"). Must not block.
    using Exists = std::function<bool(const std::string& key)>;
    // Series about other Rollouts and runs are gone.
    void forget_unless(const Exists& rollout, const Exists& run);
    void write(MetricText& text) const;

private:
    HistogramFamily rollout_reconcile_, run_reconcile_, work_, git_, total_, active_, paused_;
    CounterFamily rollout_errors_, run_errors_, events_, requests_, watches_;
};

// Counts what goes through it; both must outlive it.
class CountingTransport final : public HttpTransport {
public:
    CountingTransport(HttpTransport& inner, ControllerMetrics& metrics)
        : inner_(inner), metrics_(metrics) {}
    Result<HttpResponse> send(const HttpRequest& request) override;
    Result<HttpResponse> stream(const HttpRequest& request, const OnChunk& on_chunk,
                                std::stop_token stop) override;

private:
    HttpTransport& inner_;
    ControllerMetrics& metrics_;
};

// Measures what goes over the network. The metrics and the clock must outlive it.
std::unique_ptr<git::Repository> measured(std::unique_ptr<git::Repository> inner,
                                          ControllerMetrics& metrics, const Clock& clock);

}  // namespace sluice::shell
