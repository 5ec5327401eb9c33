// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_world.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "controller/shell/packs.hpp"

namespace sluice::shell {
namespace {

using namespace policy::delivery;

// What decide() still asks of a finished run's measurements: the evidence of a Delivery that is not
// recorded, and why a run that the Rollout names has failed.
bool is_evidence(const RunView& run, const Observation& seen) {
    if (!run.completed()) return false;
    return std::ranges::any_of(seen.deliveries, [&](const crds::Delivery& delivery) {
        return !delivery.status.recorded && delivery.spec.rollout_uid == run.rollout_uid &&
               (delivery.spec.pod_template_hash == run.hash ||
                std::ranges::any_of(seen.rollout.runs,
                                    [&](const RunRef& ref) { return ref.name == run.name; }));
    });
}

}  // namespace

DeliveryWorld::DeliveryWorld(Caches& caches, Wake wake, Owes owes)
    : rollouts(caches.rollouts, rollout_view_of),
      runs(caches.analysis_runs, run_view_of),
      caches_(caches),
      wake_(std::move(wake)),
      owes_(std::move(owes)) {
    rollouts.listen(
        [this](const std::string& key, const RolloutView* old, const RolloutView* fresh) {
            if (fresh && (!old || *old != *fresh)) wake_(key);
            if (fresh) return;
            const std::lock_guard lock(mutex_);
            evidence_.erase(key);
        });
    runs.listen([this](const std::string&, const RunView* old, const RunView* fresh) {
        run_changed(old, fresh);
    });
    caches.git_sources.listen([this](const std::string& key, const kube::Row*,
                                     const kube::Row* fresh) { source_changed(key, fresh); });
    caches.deliveries.listen([this](const std::string&, const kube::Row* old,
                                    const kube::Row* fresh) { delivery_changed(old, fresh); });
}

std::vector<ResourceType> DeliveryWorld::kinds() {
    return {resources::git_sources, resources::deliveries, resources::analysis_runs,
            resources::rollouts};
}

void DeliveryWorld::delivery_changed(const kube::Row* old, const kube::Row* fresh) {
    const kube::Row& any = fresh ? *fresh : *old;
    wake_(key_of(any.ns, any.home.stem));  // its Rollout's name
    if (!fresh || !is_whole_delivery(*fresh)) return;
    const auto delivery = delivery_of(*fresh);
    if (!delivery.status.outbox.empty() &&
        (!old || delivery_of(*old).status.outbox != delivery.status.outbox))
        owes_(delivery);
}

void DeliveryWorld::run_changed(const RunView* old, const RunView* fresh) {
    // Measurements are evidence only once the step ends; a run that ends may end a wait for it.
    if (fresh && !fresh->rollout_uid.empty() && (!old || old->phase != fresh->phase))
        wake_(key_of(fresh->ns, fresh->rollout));
}

std::vector<crds::Delivery> DeliveryWorld::owing() const {
    std::vector<crds::Delivery> owing;
    caches_.deliveries.visit([&](kube::Row&& row) {
        if (!is_whole_delivery(row)) return;
        if (auto delivery = delivery_of(row); !delivery.status.outbox.empty())
            owing.push_back(std::move(delivery));
    });
    return owing;
}

void DeliveryWorld::source_changed(const std::string& key, const kube::Row* row) {
    const auto fresh =
        row ? std::make_shared<const SourceView>(view_source(document_of(*row).document)) : nullptr;
    SourcePointer old;
    {
        const std::lock_guard lock(mutex_);
        old = std::exchange(sources_[key], fresh);
        if (!fresh) sources_.erase(key);
    }
    if (!fresh) return;
    for (const auto& entry : fresh->entries) {
        const bool known =
            old && std::find(old->entries.begin(), old->entries.end(), entry) != old->entries.end();
        if (!known) wake_(key_of(entry.ns, entry.name));
    }
    const bool same_target = old && old->url == fresh->url && old->branch == fresh->branch &&
                             old->record_branch == fresh->record_branch &&
                             old->write_back == fresh->write_back;
    if (same_target) return;
    for (const auto& delivery : owing())
        if (delivery.spec.source && delivery.spec.source->git_source == fresh->key) owes_(delivery);
}

DeliveryWorld::SourcePointer DeliveryWorld::find_source(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = sources_.find(key);
    return found == sources_.end() ? nullptr : found->second;
}

std::optional<SourceView> DeliveryWorld::source(const std::string& key) const {
    const auto found = find_source(key);
    if (!found) return std::nullopt;
    SourceView copy = *found;
    copy.entries.clear();
    return copy;
}

// The source that the annotation names, else any whose inventory declares the Rollout; with that
// Rollout's entries only.
std::optional<SourceView> DeliveryWorld::source_of(const RolloutView& rollout) const {
    const auto entries_in = [&](const SourceView& candidate) {
        std::vector<SourceEntry> own;
        for (const auto& entry : candidate.entries)
            if (entry.ns == rollout.ns && entry.name == rollout.name) own.push_back(entry);
        return own;
    };
    const bool qualified = rollout.git_source.find('/') != std::string::npos;
    const std::string named =
        qualified ? rollout.git_source : key_of(rollout.ns, rollout.git_source);
    std::vector<SourcePointer> all;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [key, source] : sources_) all.push_back(source);
    }
    for (const auto& candidate : all) {
        auto entries = entries_in(*candidate);
        if (entries.empty() && candidate->key != named) continue;
        if (candidate->key != named && find_source(named)) continue;
        auto found = source(candidate->key);
        if (!found) continue;
        found->entries = std::move(entries);
        return found;
    }
    return std::nullopt;
}

Result<std::optional<std::vector<MetricView>>> DeliveryWorld::evidence_of(
    const kube::Client& client, const std::string& rollout, const RunView& run) {
    const auto row = caches_.analysis_runs.find(key_of(run.ns, run.name));
    const std::string uid = row ? analysis_run_of(*row).metadata.uid : "";
    {
        const std::lock_guard lock(mutex_);
        const auto of_rollout = evidence_.find(rollout);
        if (of_rollout != evidence_.end())
            if (const auto found = of_rollout->second.find(uid); found != of_rollout->second.end())
                return std::optional(found->second);
    }
    const auto document = client.get({resources::analysis_runs, run.ns, run.name});
    if (document.failed_with(ErrorKind::NotFound)) return std::optional<std::vector<MetricView>>{};
    if (!document.ok()) return document.error();
    if (text_at(*document, {"metadata", "uid"}) != uid)
        return std::optional<std::vector<MetricView>>{};
    auto metrics = view_run(*document).metrics;
    const std::lock_guard lock(mutex_);
    evidence_[rollout][uid] = metrics;
    return std::optional(std::move(metrics));
}

// A run that is gone is no evidence any more.
Result<void> DeliveryWorld::recall_evidence(const kube::Client& client, const std::string& rollout,
                                            Observation& seen) {
    bool any = false;
    std::vector<RunView> kept;
    for (auto& run : seen.runs) {
        if (is_evidence(run, seen)) {
            any = true;
            auto metrics = TRY(evidence_of(client, rollout, run));
            if (!metrics) continue;
            run.metrics = *std::move(metrics);
        }
        kept.push_back(std::move(run));
    }
    seen.runs = std::move(kept);
    if (any) return {};
    const std::lock_guard lock(mutex_);
    evidence_.erase(rollout);
    return {};
}

Result<std::optional<Observation>> DeliveryWorld::observe(const kube::Client& client,
                                                          const std::string& key) {
    const auto rollout = rollouts.get(key);
    if (!rollout) return std::optional<Observation>{};
    Observation seen{
        .rollout = *rollout, .source = source_of(*rollout), .deliveries = {}, .runs = {}};
    for (const auto& row :
         caches_.deliveries.at_home(rollout->ns, home_of_deliveries(rollout->name)))
        seen.deliveries.push_back(delivery_of(row));
    const Controller controller{resources::rollouts.kind, rollout->name, rollout->uid};
    for (const auto& run : runs.at_home(rollout->ns, home_under(controller)))
        seen.runs.push_back(*run);
    TRY(recall_evidence(client, key, seen));
    return std::optional(std::move(seen));
}

Result<Decision> DeliveryWorld::decide(const kube::Client& client, Observation seen,
                                       const Identity& who, TimePoint now) const {
    std::set<std::string> read;
    while (true) {
        auto decision = policy::delivery::decide(seen, who, now);
        const auto before = read.size();
        for (const auto& update : decision.updates) {
            const auto row = caches_.deliveries.find(key_of(update.ns, update.name));
            const auto held = std::ranges::find_if(
                seen.deliveries,
                [&](const crds::Delivery& delivery) { return delivery.name == update.name; });
            if (!row || is_whole_delivery(*row) || held == seen.deliveries.end() ||
                !read.insert(update.name).second)
                continue;
            auto document = client.get({resources::deliveries, update.ns, update.name});
            if (document.failed_with(ErrorKind::NotFound))
                return Error{ErrorKind::Conflict, concat("delivery ", update.name, " is gone")};
            if (!document.ok()) return document.error();
            std::vector<Problem> problems;
            *held = crds::decode_delivery(*document, problems);
        }
        if (read.size() == before) return decision;
    }
}

}  // namespace sluice::shell
