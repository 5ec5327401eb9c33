// SPDX-License-Identifier: Apache-2.0
// The Delivery controller. It only watches Rollouts and AnalysisRuns, tells in Deliveries what
// becomes of each version, and writes outcomes back to Git. Nothing here can delay a rollout or a
// rollback.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "controller/policy/delivery/decide.hpp"
#include "controller/shell/delivery_writers.hpp"
#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"

namespace sluice::shell {

class Deliveries {
public:
    struct Options {
        std::string ns;                      // one namespace, or empty for all
        std::string cluster_id = {};         // empty: the uid of the namespace kube-system
        std::string cluster_name = "local";  // in record paths and commit texts
        std::string version = {};            // of this controller, for records
        std::string instance = {};           // which one it is: a pod's or a host's name
        int workers = 2;
        DeliveryWriters::Options writers = {};
    };

    // Everything referenced must outlive it. stop() before the transport goes.
    Deliveries(Options options, const kube::Client& client, RepositoryFactory open, SourceHint hint,
               const Clock& clock, Log& log);
    ~Deliveries();

    // Watches begin at once; work begins once every cache has listed and the cluster has an id.
    void start();
    // Leaves what Git is still owed in the outboxes.
    void stop();

    // One pass over one Rollout ("namespace/name").
    Result<std::optional<Duration>> reconcile(const std::string& key);

private:
    void listen();
    void watch(const ResourceType& type, kube::InformerSink sink);
    Result<std::string> find_cluster_id() const;
    void run_start(const std::stop_token& stop);
    [[nodiscard]] std::optional<policy::delivery::SourceView> source_of(
        const policy::delivery::RolloutView& rollout) const;
    [[nodiscard]] policy::delivery::Observation observe(
        const policy::delivery::RolloutView& rollout) const;
    void delivery_changed(const std::string& key, const crds::Delivery* old,
                          const crds::Delivery* fresh);
    void source_changed(const policy::delivery::SourceView* old,
                        const policy::delivery::SourceView* fresh);
    void run_changed(const std::string& key, const policy::delivery::RunView* old,
                     const policy::delivery::RunView* fresh);

    Options options_;
    const kube::Client& client_;
    RepositoryFactory open_;
    SourceHint hint_;
    const Clock& clock_;
    Log& log_;
    policy::delivery::Identity who_;   // whole once ready_
    std::atomic<bool> ready_ = false;  // the cluster's id is known

    kube::Cache<policy::delivery::RolloutView> rollouts_{policy::delivery::view_rollout};
    kube::Cache<policy::delivery::RunView> runs_{policy::delivery::view_run};
    kube::Cache<policy::delivery::SourceView> sources_{policy::delivery::view_source};
    kube::Cache<crds::Delivery> deliveries_;
    mutable std::mutex mutex_;
    std::map<std::string, std::set<std::string>> by_rollout_;   // Deliveries; guarded by mutex_
    std::map<std::string, std::set<std::string>> runs_by_uid_;  // guarded by mutex_

    std::unique_ptr<DeliveryWriters> writers_;
    kube::Reconciler reconciler_;
    std::vector<std::unique_ptr<kube::Informer>> informers_;
    std::jthread starter_;  // last: it stops first
};

}  // namespace sluice::shell
