// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/in_process_transport.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace sluice::standalone::apiserver {
namespace {

// Lets one thread sleep until somebody calls ring().
class Bell {
public:
    void ring() {
        {
            const std::lock_guard lock(mutex_);
            rung_ = true;
        }
        changed_.notify_one();
    }
    void wait(std::optional<Duration> at_most) {
        std::unique_lock lock(mutex_);
        const auto rung = [&] { return rung_; };
        if (at_most)
            changed_.wait_for(lock, *at_most, rung);
        else
            changed_.wait(lock, rung);
        rung_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool rung_ = false;  // guarded by mutex_
};

}  // namespace

Result<HttpResponse> InProcessTransport::send(const HttpRequest& request) {
    if (closed_.stop_requested()) return unavailable("the API server is stopping");
    Answer answer = handler_.answer(request);
    if (!answer.stream) return std::move(answer.response);
    // A stream that was asked for as a whole: what there is until it pauses for the first time.
    std::string body;
    for (;;) {
        const auto piece = answer.stream->next(clock_.now());
        body += piece.bytes;
        if (piece.ended || piece.bytes.empty()) break;
    }
    answer.response.body = std::move(body);
    return std::move(answer.response);
}

Result<HttpResponse> InProcessTransport::stream(const HttpRequest& request, const OnChunk& on_chunk,
                                                std::stop_token stop) {
    if (closed_.stop_requested()) return unavailable("the API server is stopping");
    Answer answer = handler_.answer(request);
    if (!answer.stream) {
        if (answer.response.status / 100 == 2 && !answer.response.body.empty()) {
            on_chunk(answer.response.body);
            answer.response.body.clear();
        }
        return std::move(answer.response);
    }
    // The bell outlives the callbacks and the stream's wake-ups, which end before it does.
    Bell bell;
    const std::unique_ptr<BodyStream> body = std::move(answer.stream);
    body->on_ready([&bell] { bell.ring(); });
    const std::stop_callback on_stop(stop, [&bell] { bell.ring(); });
    const std::stop_callback on_close(closed_.get_token(), [&bell] { bell.ring(); });
    while (!stop.stop_requested() && !closed_.stop_requested()) {
        const TimePoint now = clock_.now();
        const auto piece = body->next(now);
        if (!piece.bytes.empty() && !on_chunk(piece.bytes)) break;
        if (piece.ended) break;
        if (!piece.bytes.empty()) continue;
        const auto due = body->due();
        bell.wait(due ? std::optional(std::max(*due - now, Duration{1})) : std::nullopt);
    }
    return std::move(answer.response);
}

void InProcessTransport::close() {
    closed_.request_stop();
}

}  // namespace sluice::standalone::apiserver
