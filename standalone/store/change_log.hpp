// SPDX-License-Identifier: Apache-2.0
// The recent changes, in order, bounded in number and in bytes: the one queue that all watches
// share. A watcher is a version in it; one that is too slow finds its place gone. Old ones are
// forgotten, as etcd's compaction does every five minutes: what a busy hour left is no burden for
// ever. Not for several threads.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "standalone/store/record.hpp"

namespace sluice::standalone::store {

enum class ChangeKind { Added, Modified, Deleted };

struct Change {
    ChangeKind kind;
    long version;
    RecordPtr object;    // for Deleted: the last state, with the version of the removal
    RecordPtr previous;  // null for Added
};
using ChangePtr = std::shared_ptr<const Change>;

struct ChangeLimits {
    size_t count = 10'000;
    size_t bytes = 16U << 20;  // of document text
    Duration age = std::chrono::minutes{5};
};

class ChangeLog {
public:
    // Knows nothing of what happened up to version `start`.
    explicit ChangeLog(ChangeLimits limits) : limits_(limits) {}
    void start_at(long version) { start_ = version; }

    void append(Change change, TimePoint now);
    // Those older than the limit; the bytes of text that this let go.
    size_t forget_old(TimePoint now);
    // Nothing where some changes of that type after `since` are forgotten.
    [[nodiscard]] std::optional<std::vector<ChangePtr>> after(std::string_view type, long since,
                                                              size_t limit) const;

private:
    struct Entry {
        TimePoint at;
        ChangePtr change;
    };
    struct OfType {
        std::deque<ChangePtr> items;
        long forgotten = 0;  // the version of the newest change that was dropped
    };

    void forget_oldest();

    ChangeLimits limits_;
    long start_ = 0;
    size_t bytes_ = 0;
    std::deque<Entry> all_;
    std::map<std::string, OfType, std::less<>> by_type_;
};

}  // namespace sluice::standalone::store
