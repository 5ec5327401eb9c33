// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/analysis_runs.hpp"

#include <nlohmann/json.hpp>

#include "analysis/arguments.hpp"
#include "analysis/providers/judge.hpp"
#include "base/text.hpp"
#include "controller/shell/packs.hpp"
#include "controller/shell/provider_credentials.hpp"

namespace sluice::shell {
namespace {

ObjectRef ref_of_run(const crds::AnalysisRun& run) {
    return {resources::analysis_runs, run.metadata.ns, run.metadata.name};
}

// The status as the patch starts from it: nothing where none was ever written.
Json status_document(const crds::AnalysisRunStatus& status) {
    if (status == crds::AnalysisRunStatus{}) return Json::object();
    return crds::encode_analysis_run_status(status);
}

// What is known of a measurement that was started elsewhere and is not over (Kayenta's). The judge
// needs nothing: every look sees all.
crds::TextMap earlier_of(const crds::AnalysisRun& run, const crds::Metric& metric) {
    if (analysis::is_judged(metric)) return {};
    for (const auto& result : run.status.metric_results)
        if (result.name == metric.name && !result.measurements.empty() &&
            !crds::completed(result.measurements.back().phase))
            return result.measurements.back().metadata;
    return {};
}

}  // namespace

AnalysisRuns::AnalysisRuns(AnalysisRunsParts parts, AnalysisRunsOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      cache_(parts_.caches.analysis_runs, shell::analysis_run_of),
      measurements_(parts_.http, parts_.clock, options_.providers,
                    [this](const std::string& key) { reconciler_.add(key); }),
      reconciler_(
          {.name = "analysisrun", .workers = options_.workers, .done = options_.done},
          [this](const std::string& key) { return reconcile(key); }, parts_.clock, parts_.log) {
    cache_.listen([this](const std::string& key, const auto* old, const auto* fresh) {
        on_change(key, old, fresh);
    });
}

AnalysisRuns::~AnalysisRuns() {
    stop();
}

void AnalysisRuns::start() {
    reconciler_.start();
}

void AnalysisRuns::stop() {
    measurements_.stop();
    reconciler_.stop();
}

void AnalysisRuns::on_change(const std::string& key, const crds::AnalysisRun* old,
                             const crds::AnalysisRun* fresh) {
    if (old && (!fresh || fresh->metadata.uid != old->metadata.uid))
        measurements_.forget(old->metadata.uid);
    {
        const std::lock_guard lock(mutex_);
        const auto written = written_.find(key);
        const bool caught_up =
            !fresh || (written != written_.end() &&
                       !written->second.superseded.contains(fresh->metadata.resource_version));
        if (caught_up) written_.erase(key);
    }
    if (!fresh) return;
    // A finished run without a time to live needs nothing any more.
    if (crds::completed(fresh->status.phase) && !fresh->spec.ttl) return;
    reconciler_.add(key);
}

AnalysisRunCache::Pointer AnalysisRuns::current(const std::string& key) {
    auto cached = cache_.get(key);
    const std::lock_guard lock(mutex_);
    const auto written = written_.find(key);
    if (written == written_.end()) return cached;
    const bool stale = cached && cached->metadata.uid == written->second.run->metadata.uid &&
                       written->second.superseded.contains(cached->metadata.resource_version);
    if (stale) return written->second.run;
    written_.erase(written);
    return cached;
}

void AnalysisRuns::remember_written(const std::string& key, const crds::AnalysisRun& before,
                                    const Json& document) {
    auto run = std::make_shared<const crds::AnalysisRun>(crds::analysis_run_of(document));
    const std::lock_guard lock(mutex_);
    // The watch may have been faster than the answer to our own call.
    const auto cached = cache_.get(key);
    if (!cached || cached->metadata.resource_version == run->metadata.resource_version) return;
    auto& written = written_[key];
    written.superseded.insert(before.metadata.resource_version);
    written.run = std::move(run);
}

Result<std::optional<Duration>> AnalysisRuns::reconcile(const std::string& key) {
    const auto run = current(key);
    if (!run) return std::optional<Duration>{};
    const auto& uid = run->metadata.uid;
    const auto seen = measurements_.observe(uid);
    const auto now = parts_.clock.now();
    const auto decision = policy::runs::decide(*run, seen, now);
    // Queries leave before the status is written: they take longer.
    const auto started = measure(*run, decision.measure);
    if (!run->status.started && decision.status.started) measurements_.remember_start(uid, now);
    if (decision.status != run->status) {
        TRY(write(key, *run, decision.status));
        measurements_.settled(uid, seen);
        tell(key, *run, decision);
    }
    if (crds::completed(decision.status.phase)) measurements_.forget(uid);
    if (decision.remove) {
        const auto gone =
            parts_.client.remove(ref_of_run(*run), {.uid = uid, .propagation = "Background"});
        if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound)) return gone.error();
    }
    if (!started.ok()) return started.error();
    return decision.look_again_after;
}

Result<void> AnalysisRuns::measure(const crds::AnalysisRun& run,
                                   const std::vector<policy::runs::Measure>& due) {
    if (due.empty()) return {};
    const std::string key = key_of(run.metadata.ns, run.metadata.name);
    const auto secrets = read_secrets(run);
    if (!secrets.ok()) {
        // What is not there ends the run; a server that fails now is asked again.
        const auto kind = secrets.error().kind;
        if (kind != ErrorKind::NotFound && kind != ErrorKind::Invalid) return secrets.error();
        measurements_.remember_argument_problem(run.metadata.uid, secrets.error().message);
        reconciler_.add(key);
        return {};
    }
    // Runs of a Rollout carry their shares already; others share among their own metrics.
    const size_t sharing = analysis::sharing_false_alarm(run.spec.metrics);
    for (const auto& one : due) {
        auto metric = analysis::resolve_metric(
            analysis::with_false_alarm_share(run.spec.metrics[one.index], sharing), run.spec.args,
            *secrets);
        if (!metric.ok()) {
            measurements_.remember_argument_problem(
                run.metadata.uid, analysis::redact(metric.error().message, *secrets));
            reconciler_.add(key);
            return {};
        }
        // The name that results go by was made without secrets.
        metric->name = one.metric;
        MeasurementOrder order{key, run.metadata.uid, std::move(*metric), *secrets};
        add_credentials(parts_.client, options_.providers, run.metadata.ns, order);
        order.earlier = earlier_of(run, order.metric);
        measurements_.start(order);
    }
    return {};
}

Result<std::map<std::string, std::string>> AnalysisRuns::read_secrets(
    const crds::AnalysisRun& run) {
    std::map<std::string, std::string> secrets;
    for (const auto& arg : run.spec.args) {
        if (!arg.secret) continue;
        const auto secret =
            parts_.client.get({resources::secrets, run.metadata.ns, arg.secret->name});
        if (secret.failed_with(ErrorKind::NotFound))
            return not_found(concat("secrets \"", arg.secret->name, "\" not found"));
        if (!secret.ok()) return secret.error();
        const Json* encoded = find(*secret, {"data", arg.secret->key});
        const auto content = encoded && encoded->is_string()
                                 ? base64_decode(encoded->get<std::string>())
                                 : std::nullopt;
        if (!content)
            return invalid(concat("key '", arg.secret->key, "' does not exist in secret '",
                                  arg.secret->name, "'"));
        secrets[arg.name] = *content;
    }
    return secrets;
}

Result<void> AnalysisRuns::write(const std::string& key, const crds::AnalysisRun& run,
                                 const crds::AnalysisRunStatus& status) {
    const Json patch = {{"metadata", {{"resourceVersion", run.metadata.resource_version}}},
                        {"status", diff_merge_patch(status_document(run.status),
                                                    crds::encode_analysis_run_status(status))}};
    const auto written = parts_.client.patch(ref_of_run(run), kube::PatchType::Merge, patch);
    // Deleted in the meantime: the watch will say so.
    if (written.failed_with(ErrorKind::NotFound)) return {};
    if (!written.ok()) return written.error();
    remember_written(key, run, *written);
    return {};
}

void AnalysisRuns::tell(const std::string& key, const crds::AnalysisRun& run,
                        const policy::runs::Decision& decision) {
    for (const auto& change : decision.changes) {
        const bool of_run = change.metric.empty();
        std::vector<LogField> fields{{"analysisrun", key}};
        if (!of_run) fields.emplace_back("metric", change.metric);
        fields.emplace_back("from", crds::phase_text(change.from));
        fields.emplace_back("to", crds::phase_text(change.to));
        if (!change.message.empty()) fields.emplace_back("reason", change.message);
        parts_.log.info(of_run ? "analysis run changed phase" : "metric changed phase", fields);
    }
    if (!parts_.events) return;
    for (const auto& event : decision.events)
        parts_.events(
            {ref_of_run(run), run.metadata.uid, event.warning, event.reason, event.message});
}

}  // namespace sluice::shell
