// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/log_stream.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace sluice::standalone::kubelet {
namespace {

constexpr size_t piece_size = 64U << 10;
constexpr Duration follow_period = std::chrono::milliseconds{100};

}  // namespace

struct OpenLog {
    UniqueFd fd;
    std::int64_t offset = 0;
    std::vector<LogMark> marks;
};

namespace {

std::int64_t log_size(const OpenLog& log) {
    struct stat info {};
    return log.fd.get() >= 0 && ::fstat(log.fd.get(), &info) == 0 ? info.st_size : 0;
}

std::string read_at(const OpenLog& log, std::int64_t offset, size_t most) {
    std::string bytes(most, '\0');
    const auto got = ::pread(log.fd.get(), bytes.data(), most, offset);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
}

// Moves the offset forward so that only `lines` lines are left; returns how many were found.
long seek_tail(OpenLog& log, long lines) {
    if (log.fd.get() < 0) return 0;
    const auto size = log_size(log);
    const auto floor = std::min(log.offset, size);
    if (lines <= 0) {
        log.offset = size;
        return 0;
    }
    long found = 0;
    for (auto end = size; end > floor;) {
        const auto start = std::max(floor, end - static_cast<std::int64_t>(piece_size));
        const auto bytes = read_at(log, start, static_cast<size_t>(end - start));
        for (auto i = static_cast<std::int64_t>(bytes.size()); i-- > 0;) {
            // The newline at the very end closes the last line; it does not begin another.
            if (bytes[static_cast<size_t>(i)] != '\n' || start + i + 1 == size) continue;
            if (++found < lines) continue;
            log.offset = start + i + 1;
            return found;
        }
        end = start;
    }
    return size > floor ? found + 1 : 0;
}

}  // namespace

class LogStream final : public apiserver::BodyStream {
public:
    explicit LogStream(LogStreamOptions options) : options_(std::move(options)) {
        for (auto& file : options_.files) {
            if (file.skip) continue;
            logs_.push_back({UniqueFd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC)), file.from,
                             std::move(file.marks)});
        }
        skip_to_line_start();
        if (!options_.tail_lines) return;
        long wanted = *options_.tail_lines;
        for (size_t i = logs_.size(); i-- > 0;) wanted -= seek_tail(logs_[i], wanted);
    }

    Piece next(TimePoint now) override {
        while (at_ < logs_.size()) {
            auto& log = logs_[at_];
            const bool last = at_ + 1 == logs_.size();
            // Asked before reading: what it prints while it ends is then still read.
            const bool goes_on = last && options_.still_running && options_.still_running();
            if (log_size(log) < log.offset) log.offset = 0;  // it was cut
            auto bytes = log.fd.get() >= 0 ? read_at(log, log.offset, piece_size) : std::string{};
            if (!bytes.empty()) {
                const auto offset = log.offset;
                log.offset += static_cast<std::int64_t>(bytes.size());
                return {options_.timestamps ? stamp(log, offset, bytes, now) : std::move(bytes)};
            }
            if (goes_on) {
                due_ = now + follow_period;
                return {};
            }
            ++at_;
        }
        due_.reset();
        return {{}, true};
    }

    [[nodiscard]] std::optional<TimePoint> due() const override { return due_; }
    void on_ready(std::function<void()>) override {}  // due() is all that wakes it

private:
    // Marks may fall into the middle of a line.
    void skip_to_line_start() {
        for (auto& log : logs_) {
            if (log.offset == 0 || log.fd.get() < 0) continue;
            if (read_at(log, log.offset - 1, 1) == "\n") continue;
            const auto end = read_at(log, log.offset, piece_size).find('\n');
            if (end != std::string::npos) log.offset += static_cast<std::int64_t>(end) + 1;
        }
    }

    std::string stamp(const OpenLog& log, std::int64_t offset, const std::string& bytes,
                      TimePoint now) {
        std::string stamped;
        for (const char c : bytes) {
            if (line_begins_)
                stamped += format_rfc3339_micro(written_at(log.marks, offset, now)) + " ";
            stamped += c;
            line_begins_ = c == '\n';
            ++offset;
        }
        return stamped;
    }

    LogStreamOptions options_;
    std::vector<OpenLog> logs_;
    size_t at_ = 0;
    bool line_begins_ = true;
    std::optional<TimePoint> due_;
};

std::unique_ptr<apiserver::BodyStream> open_log_stream(LogStreamOptions options) {
    return std::make_unique<LogStream>(std::move(options));
}

}  // namespace sluice::standalone::kubelet
