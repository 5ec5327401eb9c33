// SPDX-License-Identifier: Apache-2.0
// Asks running containers whether they are well, and tells when the answer changes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/http.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/kubelet/probe.hpp"

namespace sluice::standalone::kubelet {

struct ProbeTarget {
    std::string pod_uid;
    std::string container_id;
    ProbeRole role;
    ProbeSpec spec;
    std::string ip;
    TimePoint started;
    bool passed_before = false;  // as an earlier kubelet left it
};

class Prober final {
public:
    // The state of one probe has changed. From a prober's thread. `message`: why, where it failed.
    using OnChange =
        std::function<void(const ProbeTarget& target, bool passing, const std::string& message)>;

    Prober(HttpTransport& transport, OnChange on_change, const Clock& clock, Log& log);

    void start() { reconciler_.start(); }
    void stop() { reconciler_.stop(); }
    // Begins to ask, unless it does already.
    void add(ProbeTarget target);
    // Nothing is asked of that container any more; an answer under way is dropped.
    void remove(const std::string& container_id);

private:
    struct Entry {
        ProbeTarget target;
        ProbeState state;
    };

    Result<std::optional<Duration>> probe(const std::string& key);
    Result<void> ask(const ProbeTarget& target);
    Result<void> ask_http(const ProbeTarget& target);

    HttpTransport& transport_;
    OnChange on_change_;
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Entry> entries_;  // guarded by mutex_; by container id and role
    kube::Reconciler reconciler_;
};

}  // namespace sluice::standalone::kubelet
