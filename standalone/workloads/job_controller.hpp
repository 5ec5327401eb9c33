// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/workloads/job.hpp"
#include "standalone/workloads/suffixes.hpp"

namespace sluice::standalone::workloads {

// Decides on the caches; before it acts it reads the Job and the pods from the server and decides
// again, as the ReplicaSet controller does.
class JobController final {
public:
    // Listens to both caches: construct before their informers start.
    JobController(const kube::Client& client, kube::Cache<JobView>& jobs,
                  kube::Cache<PodView>& pods, const Clock& clock, Log& log);

    void start() { reconciler_.start(); }

private:
    Result<std::optional<Duration>> reconcile(const std::string& key);
    Result<std::optional<Duration>> act(const JobView& cached);
    Result<void> create_pod(const Json& job);
    Result<void> remove_pod(const PodView& pod);
    Result<void> write_status(const JobView& job, const JobStatus& status);

    const kube::Client& client_;
    kube::Cache<JobView>& jobs_;
    kube::Cache<PodView>& pods_;
    const Clock& clock_;
    Log& log_;
    NameSuffixes suffixes_;
    kube::Reconciler reconciler_;
};

}  // namespace sluice::standalone::workloads
