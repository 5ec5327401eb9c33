// SPDX-License-Identifier: Apache-2.0
// What is open and must end before the server is gone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::standalone::apiserver {

// T has end_soon(), and calls forget(this) when it is destroyed. Any thread.
template <class T>
class OpenSet {
public:
    void add(const std::shared_ptr<T>& item) {
        const std::lock_guard lock(mutex_);
        open_[item.get()] = item;
    }
    void forget(T* item) {
        const std::lock_guard lock(mutex_);
        open_.erase(item);
        changed_.notify_all();
    }
    [[nodiscard]] size_t count() const {
        const std::lock_guard lock(mutex_);
        return open_.size();
    }
    void end_all() {
        std::vector<std::shared_ptr<T>> all;
        {
            const std::lock_guard lock(mutex_);
            for (const auto& [address, weak] : open_)
                if (auto item = weak.lock()) all.push_back(std::move(item));
        }
        for (const auto& item : all) item->end_soon();
    }
    void wait_until_none(std::chrono::milliseconds at_most) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, at_most, [&] { return open_.empty(); });
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<T*, std::weak_ptr<T>> open_;  // guarded by mutex_
};

}  // namespace sluice::standalone::apiserver
