// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/logs.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/text.hpp"
#include "standalone/kubelet/log_stream.hpp"

namespace sluice::standalone::kubelet {
namespace {

// A day of once a second is 86,400 marks; older ones may be coarser.
constexpr size_t most_marks = 4096;

void thin_out(std::vector<LogMark>& marks) {
    if (marks.size() < most_marks) return;
    std::vector<LogMark> kept;
    for (size_t i = 1; i < marks.size(); i += 2) kept.push_back(marks[i]);
    marks = std::move(kept);
}

// Copies what stands in `from` to a fresh `to` and empties `from`, which its writer keeps open and
// appends to. What is written between the last read and the cut is lost: microseconds, once in 5
// MiB.
bool copy_and_cut(const std::string& from, const std::string& to) {
    UniqueFd source(::open(from.c_str(), O_RDWR | O_CLOEXEC));
    UniqueFd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (source.get() < 0 || target.get() < 0) return false;
    std::vector<char> buffer(256U << 10);
    while (true) {
        const auto got = ::read(source.get(), buffer.data(), buffer.size());
        if (got < 0) return false;
        if (got == 0) break;
        if (::write(target.get(), buffer.data(), static_cast<size_t>(got)) != got) return false;
    }
    return ::ftruncate(source.get(), 0) == 0;
}

}  // namespace

std::int64_t offset_since(const std::vector<LogMark>& marks, TimePoint since) {
    std::int64_t offset = 0;
    for (const auto& mark : marks)
        if (mark.when < since) offset = mark.size;
    return offset;
}

TimePoint written_at(const std::vector<LogMark>& marks, std::int64_t offset, TimePoint otherwise) {
    const auto found =
        std::ranges::find_if(marks, [&](const LogMark& mark) { return mark.size > offset; });
    return found == marks.end() ? otherwise : found->when;
}

LogStore::LogStore(std::string pods_folder, const Clock& clock, std::int64_t rotate_at)
    : folder_(std::move(pods_folder)), clock_(clock), rotate_at_(rotate_at) {}

std::string LogStore::path(const std::string& uid, const std::string& container) const {
    return concat(folder_, "/", uid, "/", container, ".log");
}

void LogStore::begin(const std::string& uid, const std::string& container) {
    const auto log = path(uid, container);
    const auto base = log.substr(0, log.size() - 4);
    const std::lock_guard lock(mutex_);
    ::rename(log.c_str(), (base + ".previous.log").c_str());
    ::unlink((log + ".1").c_str());
    runs_[{uid, container}] = {.running = true};
}

void LogStore::resume(const std::string& uid, const std::string& container) {
    struct stat info {};
    Run run{.running = true};
    if (::stat(path(uid, container).c_str(), &info) == 0)
        run.marks.push_back({TimePoint{std::chrono::seconds{info.st_mtime}}, info.st_size});
    const std::lock_guard lock(mutex_);
    runs_[{uid, container}] = std::move(run);
}

void LogStore::end(const std::string& uid, const std::string& container) {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find({uid, container});
    if (found == runs_.end()) return;
    note(found->first, found->second);
    found->second.running = false;
}

void LogStore::forget(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    std::erase_if(runs_, [&](const auto& entry) { return entry.first.first == uid; });
}

// mutex_ is held.
void LogStore::note(const Key& key, Run& run) {
    struct stat info {};
    const auto log = path(key.first, key.second);
    if (::stat(log.c_str(), &info) != 0) return;
    const auto known = run.marks.empty() ? 0 : run.marks.back().size;
    if (info.st_size == known) return;
    run.marks.push_back({clock_.now(), info.st_size});
    thin_out(run.marks);
    if (info.st_size < rotate_at_ || !copy_and_cut(log, log + ".1")) return;
    run.older = std::move(run.marks);
    run.marks.clear();
}

void LogStore::tick() {
    const std::lock_guard lock(mutex_);
    for (auto& [key, run] : runs_)
        if (run.running) note(key, run);
}

bool LogStore::running(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find(key);
    return found != runs_.end() && found->second.running;
}

Result<std::unique_ptr<apiserver::BodyStream>> LogStore::open(const apiserver::LogQuery& query) {
    const auto log = path(query.pod_uid, query.container);
    const auto base = log.substr(0, log.size() - 4);
    LogStreamOptions options{.timestamps = query.timestamps, .tail_lines = query.tail_lines};
    if (query.previous) {
        options.files = {{base + ".previous.log"}};
        if (::access(options.files.front().path.c_str(), R_OK) != 0)
            return not_found(concat("previous terminated container \"", query.container,
                                    "\" in pod \"", query.pod, "\" not found"));
        return open_log_stream(std::move(options));
    }
    if (::access(log.c_str(), R_OK) != 0)
        return not_found(concat("container \"", query.container, "\" in pod \"", query.pod,
                                "\" is waiting to start: ContainerCreating"));
    Run run;
    {
        const std::lock_guard lock(mutex_);
        const auto found = runs_.find({query.pod_uid, query.container});
        if (found != runs_.end()) run = found->second;
    }
    LogFile older{log + ".1", run.older};
    LogFile current{log, run.marks};
    if (query.since) {
        current.from = offset_since(run.marks, *query.since);
        older.from = offset_since(run.older, *query.since);
        // What has no marks is from before we began to look: too old for any `since`.
        older.skip = current.from > 0 || run.older.empty() || run.older.back().when < *query.since;
    }
    options.files = {std::move(older), std::move(current)};
    if (query.follow)
        options.still_running = [this, key = Key{query.pod_uid, query.container}] {
            return running(key);
        };
    return open_log_stream(std::move(options));
}

}  // namespace sluice::standalone::kubelet
