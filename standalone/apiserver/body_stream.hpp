// SPDX-License-Identifier: Apache-2.0
// A response body that comes bit by bit: a watch, a log that is followed. Whoever sends it (the TLS
// server, the in-process transport, a test) asks for the next piece; nobody blocks inside.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace sluice::standalone::apiserver {

// Threads: next() and due() from one thread at a time; the wake function is called from any.
class BodyStream {
public:
    struct Piece {
        std::string bytes;   // at most about 64 KiB, unless one event is larger
        bool ended = false;  // the body is complete after these bytes
    };

    virtual ~BodyStream() = default;

    // What there is now, without waiting. No bytes and not ended: ask again after a wake-up, or
    // at due(). Bytes: ask again at once.
    virtual Piece next(TimePoint now) = 0;

    // When next() has something to do even if nothing wakes it (a deadline, a poll of a file).
    [[nodiscard]] virtual std::optional<TimePoint> due() const = 0;

    // Set once, before the first next(). `wake` is quick and never calls back into the stream; it
    // is not called any more once the stream is destroyed.
    virtual void on_ready(std::function<void()> wake) = 0;
};

}  // namespace sluice::standalone::apiserver
