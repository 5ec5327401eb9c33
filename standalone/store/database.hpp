// SPDX-License-Identifier: Apache-2.0
// The durable half of the store: SQLite in WAL mode, one row an object, the version in a row of its
// own, changed in one transaction. Internal to standalone/store.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "standalone/store/store.hpp"

namespace sluice::standalone::store {

// One thread at a time.
class Database {
public:
    static Result<std::unique_ptr<Database>> open(const std::string& path, Durability durability);
    ~Database();

    // The version after the last acknowledged change.
    Result<long> read_version();
    using OnRow = std::function<Result<void>(Key key, long version, std::string text)>;
    Result<void> read_all(const OnRow& on_row);

    // Both durable when they return, with the store's version at the record's.
    Result<void> write(const Record& record);
    Result<void> erase(const Record& record);
    // Writes a number that means nothing: whether the disk takes anything.
    Result<void> touch();
    // Takes blocks of the disk in advance, where the file system can: a rollback must be written
    // on a full disk too. NoSpace where there are none.
    Result<void> reserve();

private:
    struct Sqlite;
    Database(std::unique_ptr<Sqlite> sqlite, std::string path);
    Result<long> used_bytes();

    std::unique_ptr<Sqlite> sqlite_;
    std::string path_;
};

}  // namespace sluice::standalone::store
