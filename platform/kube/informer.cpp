// SPDX-License-Identifier: Apache-2.0
#include "platform/kube/informer.hpp"

#include <malloc.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <random>

namespace sluice::kube {
namespace {

constexpr Duration first_delay = std::chrono::milliseconds{100};
constexpr Duration longest_delay = std::chrono::seconds{15};
constexpr Duration list_anew_after = std::chrono::seconds{2};

// Sleeps for about `delay` (±25 %, so that a fleet does not return in step), or until stopped.
void pause(Duration delay, const std::stop_token& stop) {
    static thread_local std::minstd_rand jitter(std::random_device{}());
    const auto spread = delay / 4;
    delay +=
        Duration{static_cast<long>(jitter() % static_cast<unsigned long>(spread.count() * 2 + 1))} -
        spread;
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, stop, delay, [] { return false; });
}

}  // namespace

void InformerSink::on_list(const std::vector<Json>& items) const {
    std::exception_ptr problem;
    if (on_list_begin) on_list_begin();
    for (const auto& item : items) {
        try {
            on_item(item);
        } catch (...) {
            problem = std::current_exception();
        }
    }
    if (on_list_end) on_list_end();
    if (problem) std::rethrow_exception(problem);
}

Informer::Informer(const Client& client, ResourceType type, ListOptions options, InformerSink sink,
                   Log& log)
    : client_(client),
      type_(std::move(type)),
      options_(std::move(options)),
      sink_(std::move(sink)),
      log_(log),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Informer::~Informer() = default;

Result<std::string> Informer::list_once() {
    if (sink_.on_list_begin) sink_.on_list_begin();
    auto version =
        TRY(client_.list_each(type_, options_, [this](const Json& item) { take_item(item); }));
    if (sink_.on_list_end) sink_.on_list_end();
    ::malloc_trim(0);  // pages of a long list are large, and not needed for months
    synced_ = true;
    return version;
}

void Informer::take_item(const Json& item) {
    try {
        sink_.on_item(item);
    } catch (const std::exception& problem) {
        log_.error("object of a list not taken", {{"resource", type_.plural},
                                                  {"object", text_at(item, {"metadata", "name"})},
                                                  {"error", problem.what()}});
    }
}

// One object that cannot be taken never stops the watch.
void Informer::take(const WatchEvent& event) {
    try {
        sink_.on_event(event);
    } catch (const std::exception& problem) {
        log_.error("object not taken", {{"resource", type_.plural},
                                        {"object", text_at(event.object, {"metadata", "name"})},
                                        {"error", problem.what()}});
    }
}

void Informer::run(const std::stop_token& stop) {
    std::string version;  // empty: list first
    Duration delay = first_delay;
    while (!stop.stop_requested()) {
        Result<void> outcome;
        if (version.empty()) {
            auto listed = list_once();
            if (listed.ok())
                version = *listed;
            else
                outcome = std::move(listed).error();
        }
        if (outcome.ok()) {
            outcome = client_.watch(
                type_, options_, version,
                [&](const WatchEvent& event) {
                    version = text_at(event.object, {"metadata", "resourceVersion"}, version);
                    delay = first_delay;
                    take(event);
                },
                stop);
            // A quiet watch has no events to show that it stood: that it was taken is enough.
            if (outcome.ok()) delay = first_delay;
            if (outcome.failed_with(ErrorKind::Gone)) {
                version.clear();
                outcome = {};
            }
        }
        if (stop.stop_requested()) return;
        if (outcome.failed_with(ErrorKind::NotFound)) {
            // A kind that this cluster does not serve (Istio's, say) holds no objects; it may come.
            if (!synced_) sink_.on_list({});
            synced_ = true;
            version.clear();
            delay = longest_delay;
        } else if (!outcome.ok()) {
            log_.warning("watch broken",
                         {{"resource", type_.plural}, {"error", outcome.error().message}});
            // What cannot be resumed must be listed again. A short outage is resumed; after a long
            // one the server may be another, or restored from a backup with older versions.
            const bool outage = outcome.error().kind == ErrorKind::Unavailable ||
                                outcome.error().kind == ErrorKind::Timeout;
            if (!outage || delay >= list_anew_after) version.clear();
        }
        pause(outcome.ok() ? first_delay : delay, stop);
        if (!outcome.ok()) delay = std::min(delay * 2, longest_delay);
    }
}

bool wait_for_sync(const std::vector<const Informer*>& informers, std::stop_token stop) {
    for (const auto* informer : informers)
        while (!informer->synced()) {
            if (stop.stop_requested()) return false;
            pause(std::chrono::milliseconds{5}, stop);
        }
    return true;
}

}  // namespace sluice::kube
