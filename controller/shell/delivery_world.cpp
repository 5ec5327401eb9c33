// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/delivery_world.hpp"

#include <algorithm>

namespace sluice::shell {
namespace {

using namespace policy::delivery;

crds::Delivery decode_leniently(const Json& document) {
    std::vector<Problem> problems;  // one bad object never stops a watch
    return crds::decode_delivery(document, problems);
}

std::string rollout_key(const crds::Delivery& delivery) {
    return key_of(delivery.ns, delivery.spec.rollout);
}

}  // namespace

DeliveryWorld::DeliveryWorld(Wake wake, Owes owes)
    : deliveries(decode_leniently), wake_(std::move(wake)), owes_(std::move(owes)) {
    rollouts.listen(
        [this](const std::string& key, const RolloutView* old, const RolloutView* fresh) {
            if (fresh && (!old || *old != *fresh)) wake_(key);
        });
    runs.listen([this](const std::string& key, const RunView* old, const RunView* fresh) {
        run_changed(key, old, fresh);
    });
    sources.listen([this](const std::string&, const SourceView* old, const SourceView* fresh) {
        source_changed(old, fresh);
    });
    deliveries.listen([this](const std::string& key, const crds::Delivery* old,
                             const crds::Delivery* fresh) { delivery_changed(key, old, fresh); });
}

void DeliveryWorld::index(Index& in, const std::string& owner, const std::string& key,
                          const void* fresh) {
    const std::lock_guard lock(mutex_);
    if (fresh) {
        in[owner].insert(key);
        return;
    }
    const auto found = in.find(owner);
    if (found == in.end()) return;
    found->second.erase(key);
    if (found->second.empty()) in.erase(found);
}

std::set<std::string> DeliveryWorld::indexed(const Index& in, const std::string& owner) const {
    const std::lock_guard lock(mutex_);
    const auto found = in.find(owner);
    return found == in.end() ? std::set<std::string>{} : found->second;
}

void DeliveryWorld::delivery_changed(const std::string& key, const crds::Delivery* old,
                                     const crds::Delivery* fresh) {
    const crds::Delivery& any = fresh ? *fresh : *old;
    index(by_rollout_, rollout_key(any), key, fresh);
    if (!fresh || !old || *old != *fresh) wake_(rollout_key(any));
    if (fresh && !fresh->status.outbox.empty() &&
        (!old || old->status.outbox != fresh->status.outbox))
        owes_(*fresh);
}

void DeliveryWorld::run_changed(const std::string& key, const RunView* old, const RunView* fresh) {
    const RunView& any = fresh ? *fresh : *old;
    if (any.rollout_uid.empty()) return;
    index(runs_by_uid_, any.rollout_uid, key, fresh);
    // Measurements are evidence only once the step ends; a run that ends may end a wait for it.
    if (fresh && (!old || old->phase != fresh->phase)) wake_(key_of(any.ns, any.rollout));
}

void DeliveryWorld::source_changed(const SourceView* old, const SourceView* fresh) {
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
    for (const auto& delivery : deliveries.all())
        if (!delivery->status.outbox.empty() && delivery->spec.source &&
            delivery->spec.source->git_source == fresh->key)
            owes_(*delivery);
}

std::optional<SourceView> DeliveryWorld::source(const std::string& key) const {
    const auto found = sources.get(key);
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
    for (const auto& candidate : sources.all()) {
        auto entries = entries_in(*candidate);
        if (entries.empty() && candidate->key != named) continue;
        if (candidate->key != named && sources.get(named)) continue;
        auto found = source(candidate->key);
        if (!found) continue;
        found->entries = std::move(entries);
        return found;
    }
    return std::nullopt;
}

std::optional<Observation> DeliveryWorld::observe(const std::string& key) const {
    const auto rollout = rollouts.get(key);
    if (!rollout) return std::nullopt;
    Observation seen{
        .rollout = *rollout, .source = source_of(*rollout), .deliveries = {}, .runs = {}};
    for (const auto& name : indexed(by_rollout_, key))
        if (const auto delivery = deliveries.get(name)) seen.deliveries.push_back(*delivery);
    for (const auto& name : indexed(runs_by_uid_, rollout->uid))
        if (const auto run = runs.get(name)) seen.runs.push_back(*run);
    return seen;
}

}  // namespace sluice::shell
