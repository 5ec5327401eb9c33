// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/controller_metrics.hpp"

#include "base/text.hpp"

namespace sluice::shell {
namespace {

const std::vector<double> reconcile_bounds{0.01, 0.15, 0.25, 0.5, 1};
const std::vector<double> work_bounds{0.001, 0.01, 0.1, 1, 10};
const std::vector<double> git_bounds{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

double seconds_of(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

struct Target {
    std::string kind = "Unknown";  // the plural, as upstream has it
    std::string ns = "Unknown";
    std::string name = "Unknown";
};

// /api/v1/namespaces/shop/pods/web, /apis/argoproj.io/v1alpha1/rollouts?watch=true …
Target target_of(std::string_view url) {
    const auto start = url.find("/api");
    if (start == std::string_view::npos) return {};
    const auto parts = split(url.substr(start + 1, url.find('?') - start - 1), '/');
    size_t at = parts[0] == "api" ? 2 : 3;
    Target target{.ns = ""};
    if (at + 2 < parts.size() && parts[at] == "namespaces") {
        target.ns = parts[at + 1];
        at += 2;
    }
    if (at >= parts.size()) return {};
    target.kind = parts[at];
    // One series an object would never end; upstream has them and forgets none.
    target.name = "N/A";
    return target;
}

std::string verb_of(const HttpRequest& request) {
    const bool watches = request.url.find("watch=true") != std::string::npos;
    if (request.method == "POST") return "Create";
    if (request.method == "PUT") return "Update";
    if (request.method == "PATCH") return "Patch";
    if (request.method == "DELETE") return "Delete";
    if (request.method != "GET") return "Unknown";
    if (watches) return "Watch";
    return request.url.find("limit=") != std::string::npos ? "List" : "Get";
}

std::string key_in(const MetricValues& values) {
    return key_of(values[0], values[1]);
}

class MeasuredRepository final : public git::Repository {
    // First, for what follows deduces its type from it.
    template <class Call>
    auto measure(const char* operation, const Call& call) {
        const auto start = clock_.steady();
        auto answer = call();
        metrics_.git(operation, seconds_of(clock_.steady() - start), answer.ok());
        return answer;
    }

public:
    MeasuredRepository(std::unique_ptr<git::Repository> inner, ControllerMetrics& metrics,
                       const Clock& clock)
        : inner_(std::move(inner)), metrics_(metrics), clock_(clock) {}

    Result<std::optional<git::Oid>> remote_tip(std::string_view branch) override {
        return measure("look", [&] { return inner_->remote_tip(branch); });
    }
    Result<std::optional<git::Oid>> fetch(std::string_view branch) override {
        return measure("fetch", [&] { return inner_->fetch(branch); });
    }
    Result<git::PushAnswer> push(const std::vector<git::RefUpdate>& updates) override {
        return measure("push", [&] { return inner_->push(updates); });
    }
    Result<std::vector<git::TreeFile>> files(const git::Oid& commit,
                                             const std::vector<std::string>& paths) override {
        return inner_->files(commit, paths);
    }
    Result<std::optional<git::Oid>> blob_at(const git::Oid& commit,
                                            std::string_view path) override {
        return inner_->blob_at(commit, path);
    }
    Result<std::string> read(const git::Oid& blob, size_t limit) override {
        return inner_->read(blob, limit);
    }
    Result<git::CommitInfo> commit_info(const git::Oid& commit) override {
        return inner_->commit_info(commit);
    }
    Result<git::CommitInfo> last_change(const git::Oid& commit, std::string_view path,
                                        int depth) override {
        return inner_->last_change(commit, path, depth);
    }
    Result<bool> contains(const git::Oid& tip, const git::Oid& commit) override {
        return inner_->contains(tip, commit);
    }
    std::optional<git::Oid> last_fetched(std::string_view branch) override {
        return inner_->last_fetched(branch);
    }
    Result<git::Oid> commit(const std::optional<git::Oid>& parent,
                            const std::vector<git::TreeChange>& changes,
                            const git::Signature& author, std::string_view message) override {
        return inner_->commit(parent, changes, author, message);
    }

private:
    std::unique_ptr<git::Repository> inner_;
    ControllerMetrics& metrics_;
    const Clock& clock_;
};

}  // namespace

ControllerMetrics::ControllerMetrics()
    : rollout_reconcile_("rollout_reconcile", "Rollout reconciliation performance.",
                         {"namespace", "name"}, reconcile_bounds),
      run_reconcile_("analysis_run_reconcile", "Analysis Run reconciliation performance.",
                     {"namespace", "name"}, reconcile_bounds),
      work_("workqueue_work_duration_seconds",
            "How long in seconds processing an item from workqueue takes.", {"name"}, work_bounds),
      git_("sluice_git_operation_duration_seconds",
           "How long git took: look (ls-remote), fetch or push.", {"operation", "outcome"},
           git_bounds),
      total_("rollout_duration_seconds",
             "Total wall-clock time for a rollout from start to completion/abort/supersede",
             {"status"}, {30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800}),
      active_("rollout_progression_duration_seconds",
              "Active progression time for a rollout (excluding manual pause time)", {"status"},
              {30, 60, 120, 300, 600, 900, 1800, 3600}),
      paused_("rollout_manual_pause_duration_seconds",
              "Time spent in manual pause waiting for human intervention", {"status"},
              {0, 60, 300, 600, 1800, 3600, 7200, 14400, 28800}),
      rollout_errors_("rollout_reconcile_error", "Error occurring during the rollout",
                      {"namespace", "name"}),
      run_errors_("analysis_run_reconcile_error", "Error occurring during the analysis run",
                  {"namespace", "name"}),
      events_("rollout_events_total", "Count of rollout events",
              {"namespace", "name", "type", "reason"}),
      requests_("controller_clientset_k8s_request_total",
                "Number of kubernetes requests executed during application reconciliation.",
                {"kind", "namespace", "name", "verb", "status_code"}),
      watches_("sluice_watch_restarts_total", "Watches that ended and were taken up again.",
               {"resource"}) {}

kube::Reconciler::Done ControllerMetrics::done(const std::string& controller) {
    return [this, controller](const std::string& key, Duration took, bool ok) {
        work_.observe({controller}, seconds_of(took));
        const bool rollout = controller == "rollout";
        if (!rollout && controller != "analysisrun") return;
        const auto [ns, name] = split_key(key);
        (rollout ? rollout_reconcile_ : run_reconcile_).observe({ns, name}, seconds_of(took));
        if (!ok) (rollout ? rollout_errors_ : run_errors_).add({ns, name});
    };
}

void ControllerMetrics::told(const Event& event) {
    if (event.object.type.kind != resources::rollouts.kind) return;
    events_.add(
        {event.object.ns, event.object.name, event.warning ? "Warning" : "Normal", event.reason});
}

void ControllerMetrics::asked(const HttpRequest& request, int status) {
    const Target target = target_of(request.url);
    requests_.add({target.kind, target.ns, target.name, verb_of(request), std::to_string(status)});
}

void ControllerMetrics::watch_ended(const HttpRequest& request) {
    watches_.add({target_of(request.url).kind});
}

void ControllerMetrics::ended(const crds::RolloutDuration& duration) {
    if (!duration.completed()) return;
    const double total = seconds_of(*duration.finished - *duration.started);
    const auto paused = static_cast<double>(duration.manual_pause_seconds.value_or(0));
    total_.observe({duration.completion}, total);
    active_.observe({duration.completion}, total - paused);
    paused_.observe({duration.completion}, paused);
}

void ControllerMetrics::git(const char* operation, double seconds, bool ok) {
    git_.observe({operation, ok ? "ok" : "failed"}, seconds);
}

void ControllerMetrics::forget_unless(const Exists& rollout, const Exists& run) {
    const auto of_rollout = [&](const auto& values) { return rollout(key_in(values)); };
    const auto of_run = [&](const auto& values) { return run(key_in(values)); };
    rollout_reconcile_.forget_unless(of_rollout);
    rollout_errors_.forget_unless(of_rollout);
    events_.forget_unless(of_rollout);
    run_reconcile_.forget_unless(of_run);
    run_errors_.forget_unless(of_run);
}

void ControllerMetrics::write(MetricText& text) const {
    for (const auto* family :
         {&rollout_reconcile_, &run_reconcile_, &total_, &active_, &paused_, &work_, &git_})
        family->write(text);
    for (const auto* family : {&rollout_errors_, &run_errors_, &events_, &requests_, &watches_})
        family->write(text);
}

Result<HttpResponse> CountingTransport::send(const HttpRequest& request) {
    auto response = inner_.send(request);
    metrics_.asked(request, response.ok() ? response->status : 0);
    return response;
}

Result<HttpResponse> CountingTransport::stream(const HttpRequest& request, const OnChunk& on_chunk,
                                               std::stop_token stop) {
    auto response = inner_.stream(request, on_chunk, stop);
    metrics_.asked(request, response.ok() ? response->status : 0);
    if (!stop.stop_requested()) metrics_.watch_ended(request);
    return response;
}

std::unique_ptr<git::Repository> measured(std::unique_ptr<git::Repository> inner,
                                          ControllerMetrics& metrics, const Clock& clock) {
    return std::make_unique<MeasuredRepository>(std::move(inner), metrics, clock);
}

}  // namespace sluice::shell
