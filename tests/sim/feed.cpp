// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/feed.hpp"

#include "base/text.hpp"

namespace sluice::sim {
namespace {

using standalone::store::ChangeKind;

kube::WatchEventType type_of(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::Added: return kube::WatchEventType::Added;
        case ChangeKind::Modified: return kube::WatchEventType::Modified;
        case ChangeKind::Deleted: return kube::WatchEventType::Deleted;
    }
    return kube::WatchEventType::Modified;
}

}  // namespace

void Journal::pull() {
    if (stage_.store->version() == seen_) return;
    const auto changes = stage_.store->changes(store_type(type_), seen_, 100'000).value();
    for (const auto& change : changes.items) {
        Json document = parse_json(change->object->text).value();
        const std::string key = key_of(change->object->key.ns, change->object->key.name);
        if (change->kind == ChangeKind::Deleted)
            live_.erase(key);
        else
            live_[key] = document;
        entries_.push_back(
            {change->version, stage_.now(), {type_of(change->kind), std::move(document)}});
    }
    seen_ = changes.up_to;
}

Journal& Journals::of(const ResourceType& type) {
    return all_.try_emplace(store_type(type), stage_, type).first->second;
}

const Json* Journals::find(const ResourceType& type, const std::string& name) {
    const auto& live = of(type).live();
    const auto found = live.find(key_of("shop", name));
    return found == live.end() ? nullptr : &found->second;
}

void Feed::list() {
    std::vector<Json> items;
    for (const auto& [key, document] : journal_.live()) items.push_back(document);
    next_ = journal_.size();
    arrives_.reset();
    watch_.sink.on_list(items);
}

std::optional<TimePoint> Feed::due() {
    if (next_ == journal_.size()) return std::nullopt;
    if (!arrives_) {
        auto& chance = stage_.chance;
        Duration late = chance.between(Duration{1}, lag_.usual);
        if (chance.permille(lag_.stall_permille)) late += chance.between(Duration{0}, lag_.stall);
        arrives_ = std::max(stage_.now(), journal_.entries()[next_].when + late);
    }
    return arrives_;
}

void Feed::deliver() {
    arrives_.reset();
    if (stage_.chance.permille(lag_.relist_permille)) return list();
    const auto& event = journal_.entries()[next_].event;
    ++next_;
    watch_.sink.on_event(event);
    if (stage_.chance.permille(lag_.twice_permille)) watch_.sink.on_event(event);
}

long Feed::horizon(long newest) const {
    return next_ == journal_.size() ? newest : journal_.entries()[next_].version - 1;
}

}  // namespace sluice::sim
