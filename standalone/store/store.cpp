// SPDX-License-Identifier: Apache-2.0
#include "standalone/store/store.hpp"

#include <malloc.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.hpp"
#include "standalone/store/database.hpp"

namespace sluice::standalone::store {
namespace {

constexpr long writes_between_reserves = 256;
constexpr size_t worth_returning = 1U << 20;  // bytes; a trim takes milliseconds

std::string key_text(const Key& key) {
    return concat(key.type, " ", key.ns.empty() ? "" : key.ns + "/", key.name);
}

Error version_conflict(const Key& key, long expected, long found) {
    return {ErrorKind::Conflict,
            concat(key_text(key), ": expected version ", expected, ", found ", found)};
}

}  // namespace

// Shared with the handles, so that one may outlive the store.
struct Store::Listeners {
    std::mutex mutex;
    long next_id = 0;
    std::map<std::string, std::map<long, std::function<void()>>, std::less<>> by_type;

    void wake(std::string_view type) {
        const std::lock_guard lock(mutex);
        const auto found = by_type.find(type);
        if (found == by_type.end()) return;
        for (const auto& [id, call] : found->second) call();
    }
};

Store::Store(std::unique_ptr<Database> database, const StoreOptions& options)
    : path_(options.path),
      clock_(options.clock),
      log_to_(options.log),
      database_(std::move(database)),
      log_(options.change_limits),
      listeners_(std::make_shared<Listeners>()) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options) {
    auto database = TRY(Database::open(options.path, options.durability));
    std::unique_ptr<Store> store(new Store(std::move(database), options));
    TRY(store->load());
    return store;
}

Result<void> Store::load() {
    const std::lock_guard lock(mutex_);
    version_ = TRY(database_->read_version());
    log_.start_at(version_);
    // A disk that is full already: reads are served all the same.
    static_cast<void>(note(database_->touch()).ok());
    static_cast<void>(reserve().ok());
    return database_->read_all([&](Key key, long version, std::string text) -> Result<void> {
        RecordPtr record = TRY(read_record(std::move(key), version, std::move(text)));
        records_.emplace(record->key, record);
        return {};
    });
}

long Store::version() const {
    const std::lock_guard lock(mutex_);
    return version_;
}

RecordPtr Store::get(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(key);
    return found == records_.end() ? nullptr : found->second;
}

Snapshot Store::list(std::string_view type, std::string_view ns) const {
    const std::lock_guard lock(mutex_);
    Snapshot snapshot{.version = version_, .records = {}};
    auto at = records_.lower_bound(Key{std::string(type), std::string(ns), ""});
    for (; at != records_.end() && at->first.type == type; ++at) {
        if (!ns.empty() && at->first.ns != ns) break;
        snapshot.records.push_back(at->second);
    }
    return snapshot;
}

std::vector<std::string> Store::types() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> types;
    for (const auto& [key, record] : records_)
        if (types.empty() || types.back() != key.type) types.push_back(key.type);
    return types;
}

RecordPtr Store::commit(ChangeKind kind, RecordPtr fresh, RecordPtr old) {
    version_ = fresh->version;
    if (kind == ChangeKind::Deleted)
        records_.erase(fresh->key);
    else
        records_[fresh->key] = fresh;
    log_.append({kind, fresh->version, fresh, std::move(old)}, now());
    return fresh;
}

// mutex_ is held. On a full disk what was reserved is left, for the writes that bring users back.
Result<void> Store::reserve() {
    auto reserved = database_->reserve();
    const bool failed = reserved.failed_with(ErrorKind::NoSpace);
    if (failed) {
        Error error = std::move(reserved).error();
        error.message +=
            "; the store lives on what it reserved before; free space there or raise "
            "the quota";
        reserved = std::move(error);
    }
    if (failed != std::exchange(unreserved_, failed) && log_to_) {
        if (failed)
            log_to_->warning("the disk is full", {{"error", reserved.error().message}});
        else
            log_to_->info("the disk has room again");
    }
    return failed ? std::move(reserved) : Result<void>{};
}

// mutex_ is held.
Result<void> Store::note(Result<void> written) {
    if (written.ok() && version_ % writes_between_reserves == 0) static_cast<void>(reserve().ok());
    const bool refuses = !written.ok();
    if (refuses) {
        ++refused_;
        Error error = std::move(written).error().while_doing(path_);
        error.message += error.kind == ErrorKind::NoSpace
                             ? concat(
                                   "; nothing was changed; free space there or raise the quota, "
                                   "writes then go on by themselves")
                             : "; nothing was changed";
        written = std::move(error);
    }
    if (refuses != std::exchange(refuses_, refuses) && log_to_) {
        if (refuses)
            log_to_->error("the store cannot write", {{"error", written.error().message}});
        else
            log_to_->info("the store writes again", {{"refused", refused_}});
    }
    return written;
}

Result<void> Store::check() {
    const std::lock_guard lock(mutex_);
    if (refuses_) TRY(note(database_->touch()));
    return unreserved_ ? reserve() : Result<void>{};
}

long Store::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

Result<RecordPtr> Store::create(const Key& key, Json document) {
    RecordPtr fresh;
    {
        const std::lock_guard lock(mutex_);
        if (records_.contains(key))
            return Error{ErrorKind::AlreadyExists, concat(key_text(key), " exists already")};
        fresh = make_record(key, version_ + 1, std::move(document));
        TRY(note(database_->write(*fresh)));
        commit(ChangeKind::Added, fresh, nullptr);
    }
    listeners_->wake(key.type);
    return fresh;
}

Result<RecordPtr> Store::update(const Key& key, long expected_version, Json document) {
    RecordPtr fresh;
    {
        const std::lock_guard lock(mutex_);
        const auto found = records_.find(key);
        if (found == records_.end()) return not_found(concat(key_text(key), " is absent"));
        const RecordPtr old = found->second;
        if (old->version != expected_version)
            return version_conflict(key, expected_version, old->version);
        fresh = make_record(key, version_ + 1, std::move(document));
        TRY(note(database_->write(*fresh)));
        commit(ChangeKind::Modified, fresh, old);
    }
    listeners_->wake(key.type);
    return fresh;
}

Result<RecordPtr> Store::remove(const Key& key, long expected_version) {
    RecordPtr fresh;
    {
        const std::lock_guard lock(mutex_);
        const auto found = records_.find(key);
        if (found == records_.end()) return not_found(concat(key_text(key), " is absent"));
        const RecordPtr old = found->second;
        if (old->version != expected_version)
            return version_conflict(key, expected_version, old->version);
        Json document = TRY(parse_json(old->text));
        fresh = make_record(key, version_ + 1, std::move(document));
        TRY(note(database_->erase(*fresh)));
        commit(ChangeKind::Deleted, fresh, old);
    }
    listeners_->wake(key.type);
    return fresh;
}

// Every watch comes by at least once a minute, for its bookmark. The heap keeps what was freed
// between living objects until it is told to return it.
void Store::forget_old_changes() const {
    if (!clock_) return;
    {
        const std::lock_guard lock(mutex_);
        let_go_ += log_.forget_old(clock_->now());
        if (let_go_ < worth_returning) return;
        let_go_ = 0;
    }
    ::malloc_trim(0);
}

Result<Store::Changes> Store::changes(std::string_view type, long since, size_t limit) const {
    forget_old_changes();
    const std::lock_guard lock(mutex_);
    if (since > version_)
        return Error{ErrorKind::Gone,
                     concat("version ", since, " is of the future: the newest is ", version_)};
    auto items = log_.after(type, since, limit);
    if (!items) return Error{ErrorKind::Gone, concat("too old resource version: ", since)};
    const long up_to = items->size() == limit ? items->back()->version : version_;
    return Changes{std::move(*items), up_to};
}

Store::Handle Store::listen(std::string_view type, std::function<void()> wake) {
    const std::lock_guard lock(listeners_->mutex);
    const long id = ++listeners_->next_id;
    listeners_->by_type[std::string(type)][id] = std::move(wake);
    const auto forget = [listeners = listeners_, type = std::string(type), id](void*) {
        const std::lock_guard inner(listeners->mutex);
        const auto found = listeners->by_type.find(type);
        found->second.erase(id);
        if (found->second.empty()) listeners->by_type.erase(found);
    };
    // The address only has to be non-null; what counts is the deleter.
    return {static_cast<void*>(listeners_.get()), forget};
}

}  // namespace sluice::standalone::store
