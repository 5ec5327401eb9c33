// SPDX-License-Identifier: Apache-2.0
// What an informer last saw of one kind, as typed projections (DESIGN D9): the document is dropped
// once decoded. Changes reach listeners with both sides, so that triggers can be pure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/resource.hpp"
#include "platform/kube/informer.hpp"

namespace sluice::kube {

// T is a projection; `decode` turns a document into one and must not fail: a document that cannot
// be decoded becomes a projection that says so. Any thread may read.
template <class T>
class Cache {
public:
    using Pointer = std::shared_ptr<const T>;
    // old or fresh is null for an object that appears or vanishes. Called without the lock held.
    using Listener = std::function<void(const std::string& key, const T* old, const T* fresh)>;

    explicit Cache(std::function<T(const Json&)> decode) : decode_(std::move(decode)) {}

    // Before the informer starts.
    void listen(Listener listener) { listeners_.push_back(std::move(listener)); }

    [[nodiscard]] InformerSink sink() {
        return {[this] { staged_.clear(); }, [this](const Json& document) { stage(document); },
                [this] { swap_in(); }, [this](const WatchEvent& event) { apply(event); }};
    }

    [[nodiscard]] Pointer get(const std::string& key) const {
        const std::lock_guard lock(mutex_);
        const auto found = items_.find(key);
        return found == items_.end() ? nullptr : found->second;
    }
    [[nodiscard]] std::vector<Pointer> all() const {
        const std::lock_guard lock(mutex_);
        std::vector<Pointer> items;
        for (const auto& [key, item] : items_) items.push_back(item);
        return items;
    }
    // Those of one namespace.
    [[nodiscard]] std::vector<Pointer> in_namespace(const std::string& ns) const {
        const std::lock_guard lock(mutex_);
        std::vector<Pointer> items;
        const std::string prefix = ns + "/";
        for (auto at = items_.lower_bound(prefix);
             at != items_.end() && at->first.compare(0, prefix.size(), prefix) == 0; ++at)
            items.push_back(at->second);
        return items;
    }

    // Calls `visit` with the key and value of each item of one namespace.
    template <class Visit>
    void visit_namespace(const std::string& ns, const Visit& visit) const {
        const std::lock_guard lock(mutex_);
        const std::string prefix = ns + "/";
        for (auto at = items_.lower_bound(prefix);
             at != items_.end() && at->first.compare(0, prefix.size(), prefix) == 0; ++at)
            visit(at->first, *at->second);
    }

private:
    static std::string key_in(const Json& object) {
        return key_of(text_at(object, {"metadata", "namespace"}),
                      text_at(object, {"metadata", "name"}));
    }

    // Staged beside what readers see, until the list has ended.
    void stage(const Json& document) {
        const std::string key = key_in(document);
        try {
            staged_[key] = std::make_shared<const T>(decode_(document));
        } catch (...) {
            if (auto last = get(key)) staged_[key] = std::move(last);
            throw;
        }
    }

    void swap_in() {
        const std::map<std::string, Pointer> fresh = std::exchange(staged_, {});
        std::map<std::string, Pointer> old;
        {
            const std::lock_guard lock(mutex_);
            old = std::exchange(items_, fresh);
        }
        for (const auto& [key, item] : fresh) {
            const auto before = old.find(key);
            tell(key, before == old.end() ? nullptr : before->second.get(), item.get());
        }
        for (const auto& [key, item] : old)
            if (!fresh.contains(key)) tell(key, item.get(), nullptr);
    }

    void apply(const WatchEvent& event) {
        if (event.type == WatchEventType::Bookmark) return;
        const std::string key = key_in(event.object);
        Pointer fresh;
        if (event.type != WatchEventType::Deleted)
            fresh = std::make_shared<const T>(decode_(event.object));
        Pointer old;
        {
            const std::lock_guard lock(mutex_);
            const auto found = items_.find(key);
            if (found != items_.end()) old = found->second;
            if (fresh)
                items_[key] = fresh;
            else
                items_.erase(key);
        }
        // The end of what was never known (a watch that was resumed tells it again) is no change.
        if (old || fresh) tell(key, old.get(), fresh.get());
    }

    void tell(const std::string& key, const T* old, const T* fresh) const {
        for (const auto& listener : listeners_) listener(key, old, fresh);
    }

    std::function<T(const Json&)> decode_;
    std::vector<Listener> listeners_;
    std::map<std::string, Pointer> staged_;  // of a list under way; the informer's thread only
    mutable std::mutex mutex_;
    std::map<std::string, Pointer> items_;  // guarded by mutex_
};

}  // namespace sluice::kube
