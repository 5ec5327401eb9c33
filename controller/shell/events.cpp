// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/events.hpp"

#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::shell {
namespace {

constexpr size_t most_waiting = 10'000;
constexpr Duration first_delay = std::chrono::milliseconds{100};
constexpr Duration longest_delay = std::chrono::seconds{15};

bool away(const Error& error) {
    return error.kind == ErrorKind::Unavailable || error.kind == ErrorKind::Timeout;
}

// The same happening has the same name, so a repeat finds its first.
std::string event_name(const Event& event) {
    const auto identity = concat(event.uid, "|", event.reason, "|", event.message);
    return concat(event.object.name, ".", sha256_hex(identity).substr(0, 16));
}

Json event_document(const Event& event, TimePoint when, const std::string& component) {
    const std::string ns = event.object.ns.empty() ? "default" : event.object.ns;
    return {{"apiVersion", "v1"},
            {"kind", "Event"},
            {"metadata", {{"name", event_name(event)}, {"namespace", ns}}},
            {"involvedObject",
             {{"apiVersion", event.object.type.api_version()},
              {"kind", event.object.type.kind},
              {"namespace", event.object.ns},
              {"name", event.object.name},
              {"uid", event.uid}}},
            {"type", event.warning ? "Warning" : "Normal"},
            {"reason", event.reason},
            {"message", event.message.substr(0, 1024)},
            {"source", {{"component", component}}},
            {"firstTimestamp", format_rfc3339(when)},
            {"lastTimestamp", format_rfc3339(when)},
            {"count", 1}};
}

}  // namespace

EventWriter::EventWriter(const kube::Client& client, const Clock& clock, Log& log,
                         std::string component)
    : client_(client),
      clock_(clock),
      log_(log),
      component_(std::move(component)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

EventWriter::~EventWriter() = default;

void EventWriter::add(Event event) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= most_waiting) waiting_.pop_front();
        waiting_.push_back({std::move(event), clock_.now()});
    }
    changed_.notify_one();
}

void EventWriter::run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    Duration delay = first_delay;
    while (changed_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        const bool answered = write(next);
        lock.lock();
        if (answered) {
            delay = first_delay;
            continue;
        }
        // The end does not wait for a server that is away.
        if (stop.stop_requested()) return;
        if (waiting_.size() < most_waiting) waiting_.push_front(std::move(next));
        changed_.wait_for(lock, stop, delay, [] { return false; });
        delay = std::min(delay * 2, longest_delay);
    }
}

// False where the server was not there to take it.
bool EventWriter::write(const Waiting& waiting) {
    const Json document = event_document(waiting.event, waiting.when, component_);
    auto written = client_.create(resources::events, document);
    if (written.failed_with(ErrorKind::AlreadyExists)) {
        const ObjectRef ref{resources::events, text_at(document, {"metadata", "namespace"}),
                            text_at(document, {"metadata", "name"})};
        const auto first = client_.get(ref);
        if (!first.ok()) return !away(first.error());
        const Json patch = {{"count", integer_at(*first, {"count"}, 1) + 1},
                            {"lastTimestamp", format_rfc3339(waiting.when)}};
        written = client_.patch(ref, kube::PatchType::Merge, patch);
    }
    if (!written.ok())
        log_.warning("event not written",
                     {{"reason", waiting.event.reason}, {"error", written.error().message}});
    return written.ok() || !away(written.error());
}

}  // namespace sluice::shell
