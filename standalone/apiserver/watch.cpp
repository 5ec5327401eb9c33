// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/watch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr size_t piece_bytes = 64U << 10;
constexpr size_t changes_at_once = 64;
// About upstream's interval.
constexpr Duration bookmark_interval = std::chrono::seconds{60};

std::string watch_event(std::string_view type, const std::string& object) {
    return concat("{\"type\":\"", type, "\",\"object\":", object, "}\n");
}

}  // namespace

WatchStream::WatchStream(store::Store& store, Rendering rendering, WatchRequest request,
                         TimePoint now)
    : store_(store),
      rendering_(std::move(rendering)),
      request_(std::move(request)),
      next_bookmark_(now + bookmark_interval) {}

void WatchStream::on_ready(std::function<void()> wake) {
    listening_ = store_.listen(request_.store_type, std::move(wake));
}

std::optional<TimePoint> WatchStream::due() const {
    return request_.bookmarks ? std::min(next_bookmark_, request_.until) : request_.until;
}

void WatchStream::begin() {
    begun_ = true;
    if (request_.since && !request_.initial_events_end) {
        seen_ = *request_.since;
        return;
    }
    store::Snapshot snapshot = store_.list(request_.store_type, request_.ns);
    seen_ = snapshot.version;
    for (auto& record : snapshot.records)
        if (request_.selector.matches(*record)) initial_.push_back(std::move(record));
    owes_initial_end_ = request_.initial_events_end && request_.bookmarks;
}

// A change as this watcher sees it: an object that leaves the selector is deleted for it, one that
// enters is new. Empty where it concerns it not at all.
std::string WatchStream::event_of(const store::Change& change, TimePoint now) const {
    if (!request_.ns.empty() && change.object->key.ns != request_.ns) return {};
    const bool after =
        change.kind != store::ChangeKind::Deleted && request_.selector.matches(*change.object);
    const bool before = change.previous && request_.selector.matches(*change.previous);
    if (!before && !after) return {};
    const std::string_view type = !after ? "DELETED" : before ? "MODIFIED" : "ADDED";
    if (after || change.kind == store::ChangeKind::Deleted)
        return watch_event(type, rendering_.object(*change.object, now));
    // Upstream sends what matched last, with the version at which it ceased to.
    store::Record last = *change.previous;
    if (auto document = parse_json(last.text); document.ok())
        last = *store::make_record(last.key, change.version, std::move(*document));
    return watch_event(type, rendering_.object(last, now));
}

WatchStream::Piece WatchStream::expired(const std::string& message) const {
    return {watch_event("ERROR", to_text(to_status(status::expired(message)))), true};
}

WatchStream::Piece WatchStream::next(TimePoint now) {
    if (ended_) return {"", true};
    if (!begun_) begin();
    Piece piece;
    while (!initial_.empty() && piece.bytes.size() < piece_bytes) {
        piece.bytes += watch_event("ADDED", rendering_.object(*initial_.front(), now));
        initial_.pop_front();
    }
    if (!initial_.empty()) return piece;
    if (std::exchange(owes_initial_end_, false))
        piece.bytes += watch_event("BOOKMARK", rendering_.bookmark(seen_, true));
    while (piece.bytes.size() < piece_bytes) {
        auto changes = store_.changes(request_.store_type, seen_, changes_at_once);
        if (!changes.ok()) {
            ended_ = true;
            return expired(changes.error().message);
        }
        for (const auto& change : changes->items) piece.bytes += event_of(*change, now);
        seen_ = changes->up_to;
        if (changes->items.size() < changes_at_once) break;
    }
    if (now >= request_.until) {
        ended_ = piece.ended = true;
        // So that the client resumes from here even if this kind has been quiet for long.
        if (request_.bookmarks)
            piece.bytes += watch_event("BOOKMARK", rendering_.bookmark(seen_, false));
    } else if (request_.bookmarks && now >= next_bookmark_) {
        next_bookmark_ = now + bookmark_interval;
        piece.bytes += watch_event("BOOKMARK", rendering_.bookmark(seen_, false));
    }
    return piece;
}

}  // namespace sluice::standalone::apiserver
