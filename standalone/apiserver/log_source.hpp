// SPDX-License-Identifier: Apache-2.0
// Where GET …/pods/{name}/log gets its bytes: the kubelet knows them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "standalone/apiserver/body_stream.hpp"

namespace sluice::standalone::apiserver {

struct LogQuery {
    std::string ns;
    std::string pod;
    std::string pod_uid;
    std::string container;            // never empty: the API server has chosen it
    bool follow = false;              // the stream ends when the container has ended
    bool previous = false;            // of the run before the last restart
    bool timestamps = false;          // each line begins with its RFC 3339 time and a blank
    std::optional<long> tail_lines;   // only the last so many; 0 and more
    std::optional<TimePoint> since;   // only lines written at or after
    std::optional<long> limit_bytes;  // the API server cuts there too
};

// Any thread. NotFound or Invalid become 400 with the message, as upstream's kubelet proxy does.
class LogSource {
public:
    virtual ~LogSource() = default;
    virtual Result<std::unique_ptr<BodyStream>> open(const LogQuery& query) = 0;
};

}  // namespace sluice::standalone::apiserver
