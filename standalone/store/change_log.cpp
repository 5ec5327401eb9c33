// SPDX-License-Identifier: Apache-2.0
#include "standalone/store/change_log.hpp"

#include <algorithm>

namespace sluice::standalone::store {

void ChangeLog::append(Change change, TimePoint now) {
    const auto entry = std::make_shared<const Change>(std::move(change));
    bytes_ += entry->object->text.size();
    all_.push_back({now, entry});
    by_type_[entry->object->key.type].items.push_back(entry);
    while (all_.size() > limits_.count || (bytes_ > limits_.bytes && all_.size() > 1))
        forget_oldest();
}

size_t ChangeLog::forget_old(TimePoint now) {
    const size_t before = bytes_;
    while (!all_.empty() && all_.front().at < now - limits_.age) forget_oldest();
    return before - bytes_;
}

void ChangeLog::forget_oldest() {
    const ChangePtr oldest = std::move(all_.front().change);
    all_.pop_front();
    bytes_ -= oldest->object->text.size();
    OfType& of_type = by_type_[oldest->object->key.type];
    of_type.items.pop_front();
    of_type.forgotten = oldest->version;
}

std::optional<std::vector<ChangePtr>> ChangeLog::after(std::string_view type, long since,
                                                       size_t limit) const {
    std::vector<ChangePtr> changes;
    if (since < start_) return std::nullopt;
    const auto found = by_type_.find(type);
    if (found == by_type_.end()) return changes;
    const OfType& of_type = found->second;
    if (since < of_type.forgotten) return std::nullopt;
    auto at =
        std::upper_bound(of_type.items.begin(), of_type.items.end(), since,
                         [](long version, const ChangePtr& c) { return version < c->version; });
    for (; at != of_type.items.end() && changes.size() < limit; ++at) changes.push_back(*at);
    return changes;
}

}  // namespace sluice::standalone::store
