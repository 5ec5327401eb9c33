// SPDX-License-Identifier: Apache-2.0
// Kubernetes events, written behind the work: a bounded queue and one thread, so that telling what
// happened never delays what happens. The same event again raises its count.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

struct Event {
    ObjectRef object;
    std::string uid;
    bool warning = false;
    std::string reason;  // upstream's: argo-rollouts.md 1.13
    std::string message;
};

// Where events go. Any thread; must not block.
using EventSink = std::function<void(Event)>;

class EventWriter {
public:
    // `component` is the event's source ("rollouts-controller"). Stops and joins when destroyed.
    EventWriter(const kube::Client& client, const Clock& clock, Log& log, std::string component);
    ~EventWriter();
    EventWriter(const EventWriter&) = delete;
    EventWriter& operator=(const EventWriter&) = delete;

    // Any thread; never blocks. Waits for a server that is away, but not at the end. The oldest
    // waiting event is dropped when 10,000 wait.
    void add(Event event);

private:
    struct Waiting {
        Event event;
        TimePoint when;
    };
    void run(const std::stop_token& stop);
    bool write(const Waiting& waiting);

    const kube::Client& client_;
    const Clock& clock_;
    Log& log_;
    std::string component_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Waiting> waiting_;  // guarded by mutex_
    std::jthread thread_;
};

}  // namespace sluice::shell
