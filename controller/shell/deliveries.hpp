// SPDX-License-Identifier: Apache-2.0
// The Delivery controller. It only watches Rollouts and AnalysisRuns, tells in Deliveries what
// becomes of each version, and writes outcomes back to Git. Nothing here can delay a rollout or a
// rollback.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "controller/shell/delivery_world.hpp"
#include "controller/shell/delivery_writers.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"

namespace sluice::shell {

class Deliveries {
public:
    struct Options {
        std::string cluster_id = {};         // empty: the uid of the namespace kube-system
        std::string cluster_name = "local";  // in record paths and commit texts
        std::string version = {};            // of this controller, for records
        std::string instance = {};           // which one it is: a pod's or a host's name
        int workers = 2;
        DeliveryWriters::Options writers = {};
        kube::Reconciler::Done done = {};
    };

    // Everything referenced must outlive it. stop() before the transport goes.
    Deliveries(Options options, Caches& caches, const kube::Client& client, RepositoryFactory open,
               SourceHint hint, const Clock& clock, Log& log);
    ~Deliveries();

    // Work begins once every cache has listed and the cluster has an id. The caches are started and
    // stopped by who made them.
    void start();
    // Leaves what Git is still owed in the outboxes.
    void stop();

    // For metrics.
    [[nodiscard]] size_t depth() { return reconciler_.depth(); }

    // Without start(), for a simulator: feed the caches, begin once each has listed (the options
    // name the cluster then), and turn queue and writers by hand.
    void begin();
    bool step();
    [[nodiscard]] std::optional<TimePoint> next();

    // One pass over one Rollout ("namespace/name").
    Result<std::optional<Duration>> reconcile(const std::string& key);

private:
    [[nodiscard]] Result<std::string> find_cluster_id() const;
    bool wait_for_cluster_id(const std::stop_token& stop);
    void begin_synced(const std::stop_token& stop);

    Options options_;
    Caches& caches_;
    const kube::Client& client_;
    const Clock& clock_;
    Log& log_;
    policy::delivery::Identity who_;   // whole once ready_
    std::atomic<bool> ready_ = false;  // caches and identity are there
    DeliveryWorld world_;
    DeliveryWriters writers_;
    kube::Reconciler reconciler_;
    std::jthread starter_;  // last: it stops first
};

}  // namespace sluice::shell
