// SPDX-License-Identifier: Apache-2.0
// Log files as one body that is read bit by bit, and followed where that is asked for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "standalone/kubelet/logs.hpp"
#include "standalone/kubelet/process.hpp"

namespace sluice::standalone::kubelet {

struct LogFile {
    std::string path;
    std::vector<LogMark> marks;
    std::int64_t from = 0;
    bool skip = false;
};

struct LogStreamOptions {
    std::vector<LogFile> files;  // oldest first; one that is not there is empty
    bool timestamps = false;
    std::optional<long> tail_lines;
    // Set: the last file is followed while this says true.
    std::function<bool()> still_running;
};

std::unique_ptr<apiserver::BodyStream> open_log_stream(LogStreamOptions options);

}  // namespace sluice::standalone::kubelet
