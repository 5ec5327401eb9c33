// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/row_store.hpp"

#include <utility>

namespace sluice::kube {

InformerSink RowStore::sink() {
    return {[this] { begin_list(); }, [this](const Json& document) { stage(document); },
            [this] { end_list(); }, [this](const WatchEvent& event) { apply(event); }};
}

std::optional<Row> RowStore::find(const std::string& key) const {
    const auto [ns, name] = split_key(key);
    const std::lock_guard lock(mutex_);
    return table_.find(ns, name);
}

std::vector<Row> RowStore::in_namespace(const std::string& ns) const {
    std::vector<Row> rows;
    const std::lock_guard lock(mutex_);
    table_.visit_namespace(ns, [&](Row&& row) { rows.push_back(std::move(row)); });
    return rows;
}

std::vector<Row> RowStore::at_home(const std::string& ns, const RowHome& home) const {
    std::vector<Row> rows;
    const std::lock_guard lock(mutex_);
    table_.visit_home(ns, home, [&](Row&& row) { rows.push_back(std::move(row)); });
    return rows;
}

std::vector<Row> RowStore::beginning(const std::string& ns, const std::string& start) const {
    std::vector<Row> rows;
    const std::lock_guard lock(mutex_);
    table_.visit_beginning(ns, start, [&](Row&& row) { rows.push_back(std::move(row)); });
    return rows;
}

void RowStore::visit_at_leisure(const RowTable::Visit& visit) const {
    const auto after = [this](const std::string& key) {
        const std::lock_guard lock(mutex_);
        return table_.block_after(key);
    };
    for (auto block = after(""); block; block = after(block->key)) RowTable::visit(*block, visit);
}

void RowStore::visit(const RowTable::Visit& visit) const {
    const std::lock_guard lock(mutex_);
    table_.visit(visit);
}

void RowStore::visit_in(const std::string& ns, const RowTable::Visit& visit) const {
    const std::lock_guard lock(mutex_);
    if (ns.empty())
        table_.visit(visit);
    else
        table_.visit_namespace(ns, visit);
}

Row RowStore::packed(const Json& document) const {
    Row row = pack_(document);
    row.ns = text_at(document, {"metadata", "namespace"});
    row.name = text_at(document, {"metadata", "name"});
    return row;
}

void RowStore::begin_list() {
    staged_ = {};
    last_staged_.clear();
    const std::lock_guard lock(mutex_);
    table_.clear_marks();
}

// One that cannot be packed stays as it was.
void RowStore::stage(const Json& document) {
    Row row;
    try {
        row = packed(document);
    } catch (...) {
        const std::lock_guard lock(mutex_);
        table_.mark(text_at(document, {"metadata", "namespace"}),
                    text_at(document, {"metadata", "name"}));
        throw;
    }
    const std::string key = key_of(row.ns, row.name);
    const bool ascending = key > last_staged_;
    const std::lock_guard lock(mutex_);
    const auto there = table_.empty() ? std::nullopt : table_.find(row.ns, row.name);
    if (there) table_.mark(row.ns, row.name);
    if (there && *there == row) return;
    // Servers list in order, so each is new; who does not gets what it says last.
    if (ascending)
        staged_.put_new(row);
    else
        staged_.put(row);
    if (ascending) last_staged_ = key;
}

// Told from rows, never from a second copy of the list as values.
void RowStore::end_list() {
    RowTable staged = std::exchange(staged_, {});
    RowTable replaced;
    RowTable gone;
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        table_.visit_unmarked([&](Row&& row) { gone.put_new(row); });
        gone.visit([&](Row&& row) { table_.erase(row.ns, row.name); });
        first = table_.empty();
        if (first) {
            table_ = std::move(staged);
        } else {
            staged.visit([&](Row&& row) {
                if (const auto old = table_.find(row.ns, row.name)) replaced.put_new(*old);
                table_.put(row);
            });
        }
    }
    // Only this thread changes the table, so it may read it without the lock, as listeners do with.
    (first ? table_ : staged).visit([&](Row&& row) {
        const auto old = replaced.find(row.ns, row.name);
        tell(old ? &*old : nullptr, &row);
    });
    gone.visit([&](Row&& row) { tell(&row, nullptr); });
}

void RowStore::apply(const WatchEvent& event) {
    if (event.type == WatchEventType::Bookmark) return;
    const bool deleted = event.type == WatchEventType::Deleted;
    Row fresh;
    if (!deleted) fresh = packed(event.object);
    const std::string ns = text_at(event.object, {"metadata", "namespace"});
    const std::string name = text_at(event.object, {"metadata", "name"});
    std::optional<Row> old;
    {
        const std::lock_guard lock(mutex_);
        old = table_.find(ns, name);
        if (old && !deleted && *old == fresh) return;
        if (deleted)
            table_.erase(ns, name);
        else
            table_.put(fresh);
    }
    // The end of what was never known (a watch that was resumed tells it again) is no change.
    if (old || !deleted) tell(old ? &*old : nullptr, deleted ? nullptr : &fresh);
}

void RowStore::tell(const Row* old, const Row* fresh) const {
    const Row& any = fresh ? *fresh : *old;
    const auto key = key_of(any.ns, any.name);
    for (const auto& listener : listeners_) listener(key, old, fresh);
}

}  // namespace sluice::kube
