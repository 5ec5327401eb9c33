// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/deliveries.hpp"

#include <algorithm>
#include <condition_variable>

#include "base/text.hpp"
#include "controller/shell/delivery_execute.hpp"

namespace sluice::shell {
namespace {

using namespace policy::delivery;

// For a write that lost its compare-and-swap; the watch brings what won.
constexpr Duration wait_for_watch = std::chrono::milliseconds{100};
constexpr Duration cluster_id_pause = std::chrono::seconds{1};

crds::Delivery decode_leniently(const Json& document) {
    std::vector<Problem> problems;  // one bad object never stops a watch
    return crds::decode_delivery(document, problems);
}

std::string rollout_key(const crds::Delivery& delivery) {
    return key_of(delivery.ns, delivery.spec.rollout);
}

}  // namespace

Deliveries::Deliveries(Options options, const kube::Client& client, RepositoryFactory open,
                       SourceHint hint, const Clock& clock, Log& log)
    : options_(std::move(options)),
      client_(client),
      open_(std::move(open)),
      hint_(std::move(hint)),
      clock_(clock),
      log_(log),
      deliveries_(decode_leniently),
      reconciler_(
          {.name = "delivery", .workers = options_.workers},
          [this](const std::string& key) { return reconcile(key); }, clock, log) {
    who_ = {options_.cluster_id, options_.cluster_name, options_.version, options_.instance};
    writers_ = std::make_unique<DeliveryWriters>(
        options_.writers,
        [this](const std::string& key) -> std::optional<SourceView> {
            const auto source = sources_.get(key);
            if (!source) return std::nullopt;
            return *source;
        },
        [this] {
            return std::make_unique<DeliveryWriteBack>(client_, open_, hint_, who_, clock_, log_);
        },
        log);
    listen();
}

Deliveries::~Deliveries() {
    stop();
}

void Deliveries::watch(const ResourceType& type, kube::InformerSink sink) {
    informers_.push_back(std::make_unique<kube::Informer>(
        client_, type, kube::ListOptions{.ns = options_.ns}, std::move(sink), log_));
}

void Deliveries::start() {
    watch(resources::git_sources, sources_.sink());
    watch(resources::deliveries, deliveries_.sink());
    watch(resources::analysis_runs, runs_.sink());
    watch(resources::rollouts, rollouts_.sink());
    starter_ = std::jthread([this](const std::stop_token& stop) { run_start(stop); });
}

void Deliveries::stop() {
    starter_ = {};
    reconciler_.stop();
    writers_->stop();
    informers_.clear();
}

// Without a namespace kube-system (an API server of one's own) the cluster's name is its id.
Result<std::string> Deliveries::find_cluster_id() const {
    const auto system = client_.get({resources::namespaces, "", "kube-system"});
    if (system.failed_with(ErrorKind::NotFound)) return options_.cluster_name;
    if (!system.ok()) return system.error();
    return text_at(*system, {"metadata", "uid"});
}

void Deliveries::run_start(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    while (who_.cluster_id.empty()) {
        auto id = find_cluster_id();
        if (id.ok() && !id->empty()) {
            who_.cluster_id = *std::move(id);
            break;
        }
        log_.warning("no cluster id yet", {{"error", id.ok() ? "empty uid" : id.error().message}});
        std::unique_lock lock(mutex);
        changed.wait_for(lock, stop, cluster_id_pause, [] { return false; });
        if (stop.stop_requested()) return;
    }
    ready_ = true;
    std::vector<const kube::Informer*> all;
    for (const auto& informer : informers_) all.push_back(informer.get());
    if (!kube::wait_for_sync(all, stop)) return;
    reconciler_.start();
    // What an earlier life, or another controller, has left in the outboxes.
    for (const auto& delivery : deliveries_.all()) writers_->add(*delivery);
}

void Deliveries::listen() {
    rollouts_.listen(
        [this](const std::string& key, const RolloutView* old, const RolloutView* fresh) {
            if (fresh && (!old || *old != *fresh)) reconciler_.add(key);
        });
    runs_.listen([this](const std::string& key, const RunView* old, const RunView* fresh) {
        run_changed(key, old, fresh);
    });
    sources_.listen([this](const std::string&, const SourceView* old, const SourceView* fresh) {
        source_changed(old, fresh);
    });
    deliveries_.listen([this](const std::string& key, const crds::Delivery* old,
                              const crds::Delivery* fresh) { delivery_changed(key, old, fresh); });
}

void Deliveries::delivery_changed(const std::string& key, const crds::Delivery* old,
                                  const crds::Delivery* fresh) {
    const crds::Delivery& any = fresh ? *fresh : *old;
    {
        const std::lock_guard lock(mutex_);
        if (fresh) {
            by_rollout_[rollout_key(any)].insert(key);
        } else if (const auto found = by_rollout_.find(rollout_key(any));
                   found != by_rollout_.end()) {
            found->second.erase(key);
            if (found->second.empty()) by_rollout_.erase(found);
        }
    }
    reconciler_.add(rollout_key(any));
    if (fresh && ready_ && (!old || old->status.outbox != fresh->status.outbox))
        writers_->add(*fresh);
}

void Deliveries::run_changed(const std::string& key, const RunView* old, const RunView* fresh) {
    const RunView& any = fresh ? *fresh : *old;
    if (any.rollout_uid.empty()) return;
    {
        const std::lock_guard lock(mutex_);
        if (fresh) {
            runs_by_uid_[any.rollout_uid].insert(key);
        } else if (const auto found = runs_by_uid_.find(any.rollout_uid);
                   found != runs_by_uid_.end()) {
            found->second.erase(key);
            if (found->second.empty()) runs_by_uid_.erase(found);
        }
    }
    // Measurements are evidence only once the step ends; a run that ends may end a wait for it.
    if (fresh && (!old || old->phase != fresh->phase)) reconciler_.add(key_of(any.ns, any.rollout));
}

void Deliveries::source_changed(const SourceView* old, const SourceView* fresh) {
    if (!fresh) return;
    for (const auto& entry : fresh->entries) {
        const bool known =
            old && std::find(old->entries.begin(), old->entries.end(), entry) != old->entries.end();
        if (!known) reconciler_.add(key_of(entry.ns, entry.name));
    }
    const bool same_target = old && old->url == fresh->url && old->branch == fresh->branch &&
                             old->record_branch == fresh->record_branch &&
                             old->write_back == fresh->write_back;
    if (same_target || !ready_) return;
    for (const auto& delivery : deliveries_.all())
        if (delivery->spec.source && delivery->spec.source->git_source == fresh->key)
            writers_->add(*delivery);
}

// The source that the annotation names, else any whose inventory declares the Rollout.
std::optional<SourceView> Deliveries::source_of(const RolloutView& rollout) const {
    if (!rollout.git_source.empty()) {
        const bool qualified = rollout.git_source.find('/') != std::string::npos;
        if (const auto named = sources_.get(qualified ? rollout.git_source
                                                      : key_of(rollout.ns, rollout.git_source)))
            return *named;
    }
    for (const auto& source : sources_.all())
        for (const auto& entry : source->entries)
            if (entry.ns == rollout.ns && entry.name == rollout.name) return *source;
    return std::nullopt;
}

Observation Deliveries::observe(const RolloutView& rollout) const {
    Observation seen{
        .rollout = rollout, .source = source_of(rollout), .deliveries = {}, .runs = {}};
    std::set<std::string> delivery_keys;
    std::set<std::string> run_keys;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = by_rollout_.find(key_of(rollout.ns, rollout.name));
            found != by_rollout_.end())
            delivery_keys = found->second;
        if (const auto found = runs_by_uid_.find(rollout.uid); found != runs_by_uid_.end())
            run_keys = found->second;
    }
    for (const auto& key : delivery_keys)
        if (const auto delivery = deliveries_.get(key)) seen.deliveries.push_back(*delivery);
    for (const auto& key : run_keys)
        if (const auto run = runs_.get(key)) seen.runs.push_back(*run);
    return seen;
}

Result<std::optional<Duration>> Deliveries::reconcile(const std::string& key) {
    const auto rollout = rollouts_.get(key);
    if (!rollout) return std::optional<Duration>{};  // its Deliveries go with it: it owns them
    const auto decision = decide(observe(*rollout), who_, clock_.now());
    const bool done = TRY(execute(client_, decision, log_));
    if (!done) return std::optional{wait_for_watch};
    return decision.look_again;
}

}  // namespace sluice::shell
