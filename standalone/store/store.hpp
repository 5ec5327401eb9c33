// SPDX-License-Identifier: Apache-2.0
// The embedded cluster's state: JSON documents under (type, namespace, name), one global version
// that every change raises, and the recent changes for watches. SQLite (WAL) makes it durable; what
// is read is read from memory, so a list is one consistent snapshot. It knows nothing of Kubernetes
// but where a document keeps its resourceVersion, its labels and the fields that selectors may
// name.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "standalone/store/change_log.hpp"
#include "standalone/store/record.hpp"

namespace sluice::standalone::store {

// What an acknowledged write survives.
enum class Durability {
    Process,  // the death of this process (kill -9)
    Full,     // loss of power, at some 4 ms a write
};

struct StoreOptions {
    std::string path;  // of the database file; ":memory:" keeps nothing
    Durability durability = Durability::Process;
    ChangeLimits change_limits;
    const Clock* clock = nullptr;  // null: changes do not grow old. It must outlive the store
    Log* log = nullptr;            // told when the disk refuses and when it takes again; same
};

struct Snapshot {
    long version = 0;                // of the whole store at that moment
    std::vector<RecordPtr> records;  // by namespace and name
};

class Database;

// Threads: every method, any thread.
class Store {
public:
    // Unavailable: the file cannot be opened, or another process has it.
    static Result<std::unique_ptr<Store>> open(const StoreOptions& options);
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    [[nodiscard]] long version() const;
    [[nodiscard]] RecordPtr get(const Key& key) const;  // null where absent
    // ns empty: all namespaces.
    [[nodiscard]] Snapshot list(std::string_view type, std::string_view ns = {}) const;
    // Names of types that have objects.
    [[nodiscard]] std::vector<std::string> types() const;

    // Each sets metadata.resourceVersion and returns what is stored now. NoSpace, Unavailable: the
    // disk refused, and nothing has changed; the next write tries again. AlreadyExists.
    Result<RecordPtr> create(const Key& key, Json document);
    // Compare-and-swap: NotFound, or Conflict where the object's version is another.
    Result<RecordPtr> update(const Key& key, long expected_version, Json document);
    // As update; returns the object as it was, with the version of its removal.
    Result<RecordPtr> remove(const Key& key, long expected_version);

    // Ok where the disk takes writes and some room is reserved for more. Else it tries again, so
    // that a store that nobody writes to recovers too; the error says what is wrong and what to do.
    Result<void> check();
    // Writes that the disk has refused since the start.
    [[nodiscard]] long refused() const;

    // Changes of `type` after version `since`, oldest first, at most `limit`. Gone where some of
    // them are forgotten already, or `since` is of the future.
    struct Changes {
        std::vector<ChangePtr> items;
        long up_to = 0;  // every change up to here is in items or before them
    };
    Result<Changes> changes(std::string_view type, long since, size_t limit) const;

    // `wake` is called after each change of `type`, on the writer's thread: it must be quick and
    // must not call the store. The handle ends it: no call is under way once it is destroyed.
    using Handle = std::shared_ptr<void>;
    [[nodiscard]] Handle listen(std::string_view type, std::function<void()> wake);

private:
    struct Listeners;

    Store(std::unique_ptr<Database> database, const StoreOptions& options);
    Result<void> load();
    Result<void> note(Result<void> written);
    Result<void> reserve();
    RecordPtr commit(ChangeKind kind, RecordPtr fresh, RecordPtr old);
    void forget_old_changes() const;
    [[nodiscard]] TimePoint now() const { return clock_ ? clock_->now() : TimePoint{}; }

    const std::string path_;
    const Clock* clock_;
    Log* log_to_;
    mutable std::mutex mutex_;
    std::unique_ptr<Database> database_;             // guarded by mutex_
    std::map<Key, RecordPtr, std::less<>> records_;  // guarded by mutex_
    mutable ChangeLog log_;                          // guarded by mutex_
    mutable size_t let_go_ = 0;                      // bytes, not yet returned; guarded by mutex_
    long version_ = 0;                               // guarded by mutex_
    long refused_ = 0;                               // guarded by mutex_
    bool refuses_ = false;                           // the last write; guarded by mutex_
    bool unreserved_ = false;                        // guarded by mutex_
    std::shared_ptr<Listeners> listeners_;
};

}  // namespace sluice::standalone::store
