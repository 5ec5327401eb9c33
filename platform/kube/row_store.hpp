// SPDX-License-Identifier: Apache-2.0
// What a watch last said of one kind, as rows; and typed views of them. Several readers that want
// different things of one kind read the same rows, so nothing is kept twice (DESIGN D9).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/resource.hpp"
#include "platform/kube/informer.hpp"
#include "platform/kube/rows.hpp"

namespace sluice::kube {

// Any thread may read. A list is compared with the rows that are there as it comes: what has not
// changed is not kept a second time, and nobody is told of it.
class RowStore {
public:
    // Of the row, all but namespace and name. What it throws is for the informer's log.
    using Pack = std::function<Row(const Json& document)>;
    // old or fresh is null for an object that appears or vanishes. Called without the lock held.
    using Listener = std::function<void(const std::string& key, const Row* old, const Row* fresh)>;

    explicit RowStore(Pack pack) : pack_(std::move(pack)) {}

    // Before the watch starts.
    void listen(Listener listener) { listeners_.push_back(std::move(listener)); }
    [[nodiscard]] InformerSink sink();

    // By "namespace/name".
    [[nodiscard]] std::optional<Row> find(const std::string& key) const;
    [[nodiscard]] std::vector<Row> in_namespace(const std::string& ns) const;
    [[nodiscard]] std::vector<Row> at_home(const std::string& ns, const RowHome& home) const;
    [[nodiscard]] bool holds(const std::string& key) const { return find(key).has_value(); }
    // Those whose names begin with `start`, which is not empty.
    [[nodiscard]] std::vector<Row> beginning(const std::string& ns, const std::string& start) const;
    // Without the lock held, so that 100,000 keep nobody waiting. One that comes, goes or changes
    // its owner meanwhile may be missed or seen twice.
    void visit_at_leisure(const RowTable::Visit& visit) const;
    // With the lock held: short, and without calls to other stores.
    void visit(const RowTable::Visit& visit) const;
    // Those of one namespace, or all where it is empty.
    void visit_in(const std::string& ns, const RowTable::Visit& visit) const;

private:
    Row packed(const Json& document) const;
    void begin_list();
    void stage(const Json& document);
    void end_list();
    void apply(const WatchEvent& event);
    void tell(const Row* old, const Row* fresh) const;

    Pack pack_;
    std::vector<Listener> listeners_;
    // New or changed in the list under way; the informer's thread only.
    RowTable staged_;
    std::string last_staged_;
    mutable std::mutex mutex_;
    RowTable table_;  // guarded by mutex_
};

// The rows of a store as values of T, made anew at each look.
template <class T>
class RowView {
public:
    using Pointer = std::shared_ptr<const T>;
    using Expand = T (*)(const Row& row);
    using Listener = std::function<void(const std::string& key, const T* old, const T* fresh)>;

    RowView(RowStore& store, Expand expand) : store_(&store), expand_(expand) {}

    void listen(Listener listener) {
        store_->listen([expand = expand_, listener = std::move(listener)](
                           const std::string& key, const Row* old, const Row* fresh) {
            const auto before = old ? std::optional<T>(expand(*old)) : std::nullopt;
            const auto after = fresh ? std::optional<T>(expand(*fresh)) : std::nullopt;
            listener(key, before ? &*before : nullptr, after ? &*after : nullptr);
        });
    }
    [[nodiscard]] Pointer get(const std::string& key) const {
        const auto row = store_->find(key);
        return row ? std::make_shared<const T>(expand_(*row)) : nullptr;
    }
    [[nodiscard]] std::vector<Pointer> in_namespace(const std::string& ns) const {
        return expanded(store_->in_namespace(ns));
    }
    [[nodiscard]] std::vector<Pointer> at_home(const std::string& ns, const RowHome& home) const {
        return expanded(store_->at_home(ns, home));
    }
    // As rows, for their names.
    [[nodiscard]] std::vector<Row> beginning(const std::string& ns,
                                             const std::string& start) const {
        return store_->beginning(ns, start);
    }
    // Calls `visit` with the key and value of each one of a namespace.
    template <class Visit>
    void visit_namespace(const std::string& ns, const Visit& visit) const {
        for (const auto& row : store_->in_namespace(ns))
            visit(key_of(row.ns, row.name), expand_(row));
    }
    // For kinds of few objects.
    [[nodiscard]] std::vector<Pointer> all() const {
        std::vector<Row> rows;
        store_->visit([&](Row&& row) { rows.push_back(std::move(row)); });
        return expanded(rows);
    }

private:
    [[nodiscard]] std::vector<Pointer> expanded(const std::vector<Row>& rows) const {
        std::vector<Pointer> items;
        items.reserve(rows.size());
        for (const auto& row : rows) items.push_back(std::make_shared<const T>(expand_(row)));
        return items;
    }

    RowStore* store_;
    Expand expand_;
};

}  // namespace sluice::kube
