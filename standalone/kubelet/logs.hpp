// SPDX-License-Identifier: Apache-2.0
// What containers print. Each writes straight into <data>/pods/<uid>/<container>.log, so it goes on
// while we are away; once a second the sizes are noted (that is what knows when a line was written,
// to the second) and a log that has grown to 5 MiB is moved to <container>.log.1, so that a
// container never keeps more than about 10 MiB. The run before the last restart is
// <container>.previous.log.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "standalone/apiserver/log_source.hpp"

namespace sluice::standalone::kubelet {

// Up to `size` bytes had been written at `when`.
struct LogMark {
    TimePoint when;
    std::int64_t size = 0;
    bool operator==(const LogMark&) const = default;
};

// Where the first byte written at or after `since` is, as far as the marks know.
std::int64_t offset_since(const std::vector<LogMark>& marks, TimePoint since);
// When the byte at `offset` was written; `otherwise` after the last mark.
TimePoint written_at(const std::vector<LogMark>& marks, std::int64_t offset, TimePoint otherwise);

class LogStore final : public apiserver::LogSource {
public:
    LogStore(std::string pods_folder, const Clock& clock, std::int64_t rotate_at = 5 << 20);

    [[nodiscard]] std::string path(const std::string& uid, const std::string& container) const;
    // A new run begins; what the run before printed becomes the previous log.
    void begin(const std::string& uid, const std::string& container);
    // A run that an earlier sluice began goes on.
    void resume(const std::string& uid, const std::string& container);
    // The run has ended; whoever follows its log reaches the end.
    void end(const std::string& uid, const std::string& container);
    void forget(const std::string& uid);
    // About once a second.
    void tick();

    Result<std::unique_ptr<apiserver::BodyStream>> open(const apiserver::LogQuery& query) override;

private:
    friend class LogStream;
    struct Run {
        bool running = false;
        std::vector<LogMark> marks;  // of .log
        std::vector<LogMark> older;  // of .log.1
    };
    using Key = std::pair<std::string, std::string>;  // uid, container

    void note(const Key& key, Run& run);
    [[nodiscard]] bool running(const Key& key) const;

    std::string folder_;
    const Clock& clock_;
    std::int64_t rotate_at_;
    mutable std::mutex mutex_;
    std::map<Key, Run> runs_;  // guarded by mutex_
};

}  // namespace sluice::standalone::kubelet
