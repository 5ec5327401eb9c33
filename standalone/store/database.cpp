// SPDX-License-Identifier: Apache-2.0
#include "standalone/store/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "platform/file.hpp"

namespace sluice::standalone::store {
namespace {

constexpr int schema_version = 1;
// What the log may grow to before it is folded into the file (1,000 pages, SQLite's default).
constexpr off_t log_reserve = 5 << 20;
// The file grows and shrinks by so much at once.
constexpr int file_reserve = 8 << 20;

// `system` is the system's word where it refused: SQLite knows full disks and "I/O errors" only.
Error sqlite_error(sqlite3* connection, std::string_view attempt, int system = 0) {
    const int code = sqlite3_errcode(connection);
    if (code == SQLITE_BUSY)
        return unavailable(concat(attempt, ": another process has this data folder open"));
    const bool failed_io = code == SQLITE_IOERR && system != 0;
    const bool no_space = code == SQLITE_FULL || (failed_io && means_no_space(system));
    std::string message = concat(attempt, ": ", sqlite3_errmsg(connection));
    if (failed_io) message += concat(" (", std::strerror(system), ")");
    return {no_space ? ErrorKind::NoSpace : ErrorKind::Unavailable, std::move(message)};
}

void bind_text(sqlite3_stmt* statement, int place, const std::string& text) {
    sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
}

std::string column_text(sqlite3_stmt* statement, int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
    return bytes ? std::string(bytes, size) : std::string();
}

// Blocks for the log that nobody else can take; its size stays. SQLite holds no locks on this file,
// so that it may be opened beside SQLite.
Result<void> reserve_log(const std::string& path) {
    const std::string log = path + "-wal";
    const int file = ::open(log.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return {};  // there is none yet
    const int failed = ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, log_reserve) == 0 ? 0 : errno;
    ::close(file);
    if (!means_no_space(failed)) return {};  // some file systems cannot
    return Error{ErrorKind::NoSpace, concat("reserve room for ", log, ": ", std::strerror(failed))};
}

}  // namespace

struct Database::Sqlite {
    struct Close {
        void operator()(sqlite3* connection) const { sqlite3_close(connection); }
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

    std::unique_ptr<sqlite3, Close> connection;
    Statement begin, commit, rollback, put, erase, set_version, touch;

    Result<void> run(const char* sql) {
        if (sqlite3_exec(connection.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
            return sqlite_error(connection.get(), "open the store");
        return {};
    }
    Result<Statement> prepare(const char* sql) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(connection.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
                               nullptr) != SQLITE_OK)
            return sqlite_error(connection.get(), "prepare the store");
        return Statement(statement);
    }
    Result<void> step(const Statement& statement) {
        errno = 0;
        const int outcome = sqlite3_step(statement.get());
        const int system = errno;
        Result<void> result;
        if (outcome != SQLITE_DONE && outcome != SQLITE_ROW)
            result = sqlite_error(connection.get(), "write to the store", system);
        sqlite3_reset(statement.get());
        return result;
    }
    // Runs `change` and the new version as one transaction.
    Result<void> transact(const Statement& change, long version) {
        TRY(step(begin));
        sqlite3_bind_int64(set_version.get(), 1, version);
        Result<void> result = step(change);
        if (result.ok()) result = step(set_version);
        if (result.ok()) result = step(commit);
        if (!result.ok()) static_cast<void>(step(rollback));
        return result;
    }
};

Database::Database(std::unique_ptr<Sqlite> sqlite, std::string path)
    : sqlite_(std::move(sqlite)), path_(std::move(path)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const std::string& path, Durability durability) {
    auto sqlite = std::make_unique<Sqlite>();
    sqlite3* raw = nullptr;
    // Secrets are in here: for the owner only, whatever the folder's rights and the umask are.
    // SQLite gives its other files the same mode.
    if (path != ":memory:") {
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0) return unavailable(concat("open ", path, ": ", std::strerror(errno)));
        ::close(file);
    }
    const int opened =
        sqlite3_open_v2(path.c_str(), &raw,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    sqlite->connection.reset(raw);
    if (opened != SQLITE_OK) return sqlite_error(raw, concat("open ", path));
    // Exclusive: a second server on the same folder is told so instead of corrupting our memory.
    TRY(sqlite->run("PRAGMA locking_mode=EXCLUSIVE"));
    TRY(sqlite->run("PRAGMA journal_mode=WAL"));
    TRY(sqlite->run(durability == Durability::Full ? "PRAGMA synchronous=FULL"
                                                   : "PRAGMA synchronous=NORMAL"));
    TRY(sqlite->run("PRAGMA cache_size=-2000"));
    TRY(sqlite->run(
        "BEGIN IMMEDIATE;"
        "CREATE TABLE IF NOT EXISTS objects(type TEXT NOT NULL, ns TEXT NOT NULL,"
        " name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,"
        " PRIMARY KEY(type, ns, name)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
        "INSERT OR IGNORE INTO meta VALUES('version', 0);"
        "INSERT OR IGNORE INTO meta VALUES('schema', 1);"
        "COMMIT"));
    const Sqlite::Statement schema =
        TRY(sqlite->prepare("SELECT value FROM meta WHERE name='schema'"));
    if (sqlite3_step(schema.get()) != SQLITE_ROW)
        return sqlite_error(sqlite->connection.get(), concat("read ", path));
    if (const int found = sqlite3_column_int(schema.get(), 0); found != schema_version)
        return invalid(concat("open ", path, ": its schema is version ", found,
                              ", this program knows ", schema_version));
    sqlite->begin = TRY(sqlite->prepare("BEGIN IMMEDIATE"));
    sqlite->commit = TRY(sqlite->prepare("COMMIT"));
    sqlite->rollback = TRY(sqlite->prepare("ROLLBACK"));
    sqlite->put = TRY(sqlite->prepare("INSERT OR REPLACE INTO objects VALUES(?1,?2,?3,?4,?5)"));
    sqlite->erase = TRY(sqlite->prepare("DELETE FROM objects WHERE type=?1 AND ns=?2 AND name=?3"));
    sqlite->set_version = TRY(sqlite->prepare("UPDATE meta SET value=?1 WHERE name='version'"));
    // Another value each time: what would not change a page is not written at all.
    sqlite->touch =
        TRY(sqlite->prepare("INSERT INTO meta VALUES('touched', 1)"
                            " ON CONFLICT(name) DO UPDATE SET value = value + 1"));
    return std::unique_ptr<Database>(new Database(std::move(sqlite), path));
}

Result<long> Database::read_version() {
    const Sqlite::Statement query =
        TRY(sqlite_->prepare("SELECT value FROM meta WHERE name='version'"));
    if (sqlite3_step(query.get()) != SQLITE_ROW)
        return sqlite_error(sqlite_->connection.get(), "read the store's version");
    return static_cast<long>(sqlite3_column_int64(query.get(), 0));
}

Result<void> Database::read_all(const OnRow& on_row) {
    const Sqlite::Statement query =
        TRY(sqlite_->prepare("SELECT type, ns, name, version, document FROM objects"));
    int outcome = SQLITE_ROW;
    while ((outcome = sqlite3_step(query.get())) == SQLITE_ROW) {
        Key key{column_text(query.get(), 0), column_text(query.get(), 1),
                column_text(query.get(), 2)};
        TRY(on_row(std::move(key), static_cast<long>(sqlite3_column_int64(query.get(), 3)),
                   column_text(query.get(), 4)));
    }
    if (outcome != SQLITE_DONE) return sqlite_error(sqlite_->connection.get(), "read the store");
    return {};
}

Result<void> Database::write(const Record& record) {
    sqlite3_stmt* put = sqlite_->put.get();
    bind_text(put, 1, record.key.type);
    bind_text(put, 2, record.key.ns);
    bind_text(put, 3, record.key.name);
    sqlite3_bind_int64(put, 4, record.version);
    bind_text(put, 5, record.text);
    return sqlite_->transact(sqlite_->put, record.version);
}

Result<void> Database::erase(const Record& record) {
    sqlite3_stmt* erase = sqlite_->erase.get();
    bind_text(erase, 1, record.key.type);
    bind_text(erase, 2, record.key.ns);
    bind_text(erase, 3, record.key.name);
    return sqlite_->transact(sqlite_->erase, record.version);
}

Result<void> Database::reserve() {
    if (path_ == ":memory:") return {};
    TRY(reserve_log(path_));
    sqlite3* connection = sqlite_->connection.get();
    int chunk = file_reserve;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
    std::error_code failed;
    auto size = static_cast<sqlite3_int64>(std::filesystem::file_size(path_, failed));
    const auto used = TRY(used_bytes());
    if (failed || size - used >= file_reserve / 4) return {};
    size = used + file_reserve / 2;
    if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_SIZE_HINT, &size) != SQLITE_OK)
        return Error{ErrorKind::NoSpace, concat("reserve room for ", path_)};
    return {};
}

// What holds data, of the pages that the file has.
Result<long> Database::used_bytes() {
    const Sqlite::Statement query =
        TRY(sqlite_->prepare("SELECT (page_count - freelist_count) * page_size"
                             " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"));
    if (sqlite3_step(query.get()) != SQLITE_ROW)
        return sqlite_error(sqlite_->connection.get(), "read the store's size");
    return static_cast<long>(sqlite3_column_int64(query.get(), 0));
}

Result<void> Database::touch() {
    return sqlite_->step(sqlite_->touch);
}

}  // namespace sluice::standalone::store
