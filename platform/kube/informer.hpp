// SPDX-License-Identifier: Apache-2.0
// A thread that lists and watches one kind and keeps telling a sink what is there. It resumes after
// a broken stream, lists anew after 410 Gone, and backs off with jitter while the server is away.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "platform/kube/client.hpp"

namespace sluice::kube {

// Called from the informer's thread only, in order.
struct InformerSink {
    // A list comes object by object, and counts once it has ended: then what was not in it is gone.
    // One that broke off begins anew. The first and the last may be empty.
    std::function<void()> on_list_begin;
    std::function<void(const Json&)> on_item;
    std::function<void()> on_list_end;
    std::function<void(const WatchEvent&)> on_event;

    // A whole list at once. What on_item throws is thrown again once the others were taken.
    void on_list(const std::vector<Json>& items) const;
};

// What a controller wants to be told of. An Informer serves one; so can whoever steps the
// controller by hand (the simulator), as late and as often as it likes.
struct Watch {
    ResourceType type;
    ListOptions options;
    InformerSink sink;
};

class Informer {
public:
    // Starts at once. Everything referenced must outlive it; the destructor stops and joins.
    Informer(const Client& client, ResourceType type, ListOptions options, InformerSink sink,
             Log& log);
    ~Informer();
    Informer(const Informer&) = delete;
    Informer& operator=(const Informer&) = delete;

    // Ends the watch; the destructor does it too. Nothing reaches the sink once stop() returns.
    void request_stop() { thread_.request_stop(); }
    void stop() { thread_ = {}; }

    // True once the first list has reached the sink.
    [[nodiscard]] bool synced() const { return synced_.load(); }
    [[nodiscard]] const ResourceType& type() const { return type_; }

private:
    void run(const std::stop_token& stop);
    void take(const WatchEvent& event);
    void take_item(const Json& item);
    Result<std::string> list_once();

    const Client& client_;
    ResourceType type_;
    ListOptions options_;
    InformerSink sink_;
    Log& log_;
    std::atomic<bool> synced_ = false;
    std::jthread thread_;
};

// Waits until all have synced; false where `stop` came first.
bool wait_for_sync(const std::vector<const Informer*>& informers, std::stop_token stop);

}  // namespace sluice::kube
