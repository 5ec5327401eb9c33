// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/workloads/garbage.hpp"

namespace sluice::standalone::workloads {

// Watches suggest, the server decides: before anything is deleted it and its owners are read, and
// it goes only as it was read.
class GarbageCollector final {
public:
    GarbageCollector(const kube::Client& client, const Clock& clock, Log& log);

    // Where an informer of `type` tells what it sees; before that informer starts.
    kube::InformerSink sink(const ResourceType& type);
    void start();

private:
    using OwnedCache = kube::Cache<OwnedObject>;

    void on_change(const OwnedObject* old, const OwnedObject* fresh);
    Result<std::optional<Duration>> reconcile(const std::string& key);
    Result<std::optional<Duration>> sweep();
    // An owner in foreground deletion: its dependents go, and after the last its finalizer.
    Result<void> finish_foreground(const OwnedObject& owner,
                                   const std::vector<OwnedObject>& dependents);
    Result<void> release(const OwnedObject& owner);
    Result<bool> lost_its_owners(const OwnedObject& object) const;
    Result<OwnerState> state_of(const OwnedObject& object, const OwnerReference& owner) const;

    const kube::Client& client_;
    Log& log_;
    mutable std::mutex mutex_;
    OwnershipGraph graph_;           // guarded by mutex_
    std::set<ResourceType> listed_;  // guarded by mutex_; the kinds that the server does serve
    std::vector<std::unique_ptr<OwnedCache>> caches_;
    kube::Reconciler reconciler_;
};

}  // namespace sluice::standalone::workloads
