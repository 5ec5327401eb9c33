// SPDX-License-Identifier: Apache-2.0
// In the place of informers: the store's changes, brought to the shipped caches late, each kind
// lagging on its own, now and then twice or as a new list.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "platform/kube/informer.hpp"
#include "tests/sim/stage.hpp"

namespace sluice::sim {

// All changes of one kind since the beginning, each document parsed once, and what is there now.
class Journal {
public:
    struct Entry {
        long version;
        TimePoint when;
        kube::WatchEvent event;
    };

    Journal(Stage& stage, ResourceType type) : stage_(stage), type_(std::move(type)) {}

    // Reads what has been written since.
    void pull();
    [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }
    [[nodiscard]] const std::map<std::string, Json>& live() const { return live_; }
    // A counter that moves with every change.
    [[nodiscard]] size_t size() const { return entries_.size(); }

private:
    Stage& stage_;
    ResourceType type_;
    long seen_ = 0;
    std::deque<Entry> entries_;
    std::map<std::string, Json> live_;
};

class Journals {
public:
    explicit Journals(Stage& stage) : stage_(stage) {}
    Journal& of(const ResourceType& type);
    void pull() {
        for (auto& [name, journal] : all_) journal.pull();
    }
    // Named objects of one kind in namespace "shop"; null where absent.
    [[nodiscard]] const Json* find(const ResourceType& type, const std::string& name);

private:
    Stage& stage_;
    std::map<std::string, Journal> all_;
};

struct Lag {
    Duration usual{30};
    long stall_permille = 0;  // of events that come late by up to `stall`, and hold up the rest
    Duration stall{0};
    long twice_permille = 0;
    long relist_permille = 0;
};

class Feed {
public:
    Feed(Stage& stage, Journal& journal, kube::Watch watch, const Lag& lag)
        : stage_(stage), journal_(journal), watch_(std::move(watch)), lag_(lag) {}

    void list();
    // When the next event arrives; nothing where all have.
    [[nodiscard]] std::optional<TimePoint> due();
    void deliver();
    // The newest version that has arrived, of a store at `newest`.
    [[nodiscard]] long horizon(long newest) const;
    [[nodiscard]] const ResourceType& type() const { return watch_.type; }

private:
    Stage& stage_;
    Journal& journal_;
    kube::Watch watch_;
    const Lag& lag_;
    size_t next_ = 0;  // index into the journal
    std::optional<TimePoint> arrives_;
};

}  // namespace sluice::sim
