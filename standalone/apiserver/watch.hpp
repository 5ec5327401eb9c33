// SPDX-License-Identifier: Apache-2.0
// GET …?watch=true: the changes of one kind as a stream of JSON lines.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "standalone/apiserver/body_stream.hpp"
#include "standalone/apiserver/rendering.hpp"
#include "standalone/apiserver/selectors.hpp"
#include "standalone/store/store.hpp"

namespace sluice::standalone::apiserver {

struct WatchRequest {
    std::string store_type;
    std::string ns;
    Selector selector;
    // After this version. Without one: the objects there are as ADDED first.
    std::optional<long> since;
    // sendInitialEvents: the objects there are, then a bookmark that says so.
    bool initial_events_end = false;
    bool bookmarks = false;
    TimePoint until;  // the stream ends, and the client watches on
};

// A watcher is a place in the store's log of changes; one that falls out of it gets an ERROR event
// with 410 and the stream ends.
class WatchStream final : public BodyStream {
public:
    WatchStream(store::Store& store, Rendering rendering, WatchRequest request, TimePoint now);

    Piece next(TimePoint now) override;
    [[nodiscard]] std::optional<TimePoint> due() const override;
    void on_ready(std::function<void()> wake) override;

private:
    void begin();
    [[nodiscard]] std::string event_of(const store::Change& change, TimePoint now) const;
    [[nodiscard]] Piece expired(const std::string& message) const;

    store::Store& store_;
    Rendering rendering_;
    WatchRequest request_;
    std::deque<store::RecordPtr> initial_;
    bool begun_ = false;
    bool owes_initial_end_ = false;
    bool ended_ = false;
    long seen_ = 0;
    TimePoint next_bookmark_;
    store::Store::Handle listening_;
};

}  // namespace sluice::standalone::apiserver
