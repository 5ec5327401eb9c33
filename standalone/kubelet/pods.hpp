// SPDX-License-Identifier: Apache-2.0
// Every pod of this node, brought to rest one at a time: observe its processes, decide, act, and
// write its status.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/kubelet/container_starter.hpp"
#include "standalone/kubelet/lifecycle.hpp"
#include "standalone/kubelet/prober.hpp"
#include "standalone/kubelet/supervisor.hpp"

namespace sluice::standalone::kubelet {

struct PodsOptions {
    std::string node_name;
    bool simulated = false;
};

// What the pods are made of and told by; all of it outlives Pods.
struct PodsTools {
    const kube::Client& client;
    const kube::Cache<Pod>& cache;
    const PodFolders& folders;
    const ContainerStarter& starter;
    LogStore& logs;
    const Clock& clock;
    Log& log;
};

class Pods final {
public:
    Pods(PodsOptions options, PodsTools tools, HttpTransport& probe_transport);

    // Finds the processes of an earlier life. Before anything else.
    void adopt(std::vector<PodRuntime> runtimes);
    // A pod has changed, appeared or gone. Any thread.
    void look_at(const std::string& ns, const std::string& name, const std::string& uid);
    // Begins to work; looks at everything adopted.
    void start();
    // Nothing is started any more; processes go on.
    void stop();
    // After stop().
    void end_processes(Duration deadline);

private:
    // One pod of ours. `mutex` guards all of it; never held over a call to the server.
    struct Slot {
        std::mutex mutex;
        PodRuntime runtime;
        std::vector<Condition> conditions;  // as written last
        std::string written;                // the status that was written last
        bool adopted = false;               // not yet compared with its pod
    };
    using SlotPointer = std::shared_ptr<Slot>;
    using PodPointer = std::shared_ptr<const Pod>;

    struct Owner {
        std::string key;  // of the queue
        std::string uid;
        std::string container;
    };

    Result<std::optional<Duration>> reconcile(const std::string& key);
    Result<std::optional<Duration>> bring_to_rest(const PodPointer& pod, const SlotPointer& slot);
    SlotPointer slot_for(const PodPointer& pod, const std::string& uid);
    void meet_adopted(const Pod& pod, Slot& slot);
    Result<void> act(const PodAction& action, const PodPointer& pod, const SlotPointer& slot);
    Result<void> bind(const Pod& pod);
    void start_container(const Pod& pod, const std::string& name, const SlotPointer& slot);
    void run_prepared(const Pod& pod, const ContainerSpec& spec, PreparedProcess process,
                      const SlotPointer& slot);
    void refuse(const SlotPointer& slot, const std::string& container, const StartRefusal& refusal);
    void send(const PodAction& action, const SlotPointer& slot);
    void forget(const std::string& uid);
    Result<void> write_status(const Pod& pod, const SlotPointer& slot);
    void probe(const Pod& pod, const ContainerSpec& spec, const PodRuntime& runtime,
               const RunningContainer& running, bool was_ready);

    void on_end(const std::string& id, const ProcessEnd& end);
    void on_probe(const ProbeTarget& target, bool passing, const std::string& message);
    std::optional<Owner> owner_of(const std::string& id);
    SlotPointer slot_of(const std::string& uid);
    std::string new_container_id();
    std::string new_address(const std::string& wanted);

    PodsOptions options_;
    PodsTools tools_;
    std::mutex mutex_;
    std::map<std::string, SlotPointer> slots_;  // guarded by mutex_; by uid
    std::map<std::string, Owner> owners_;       // guarded by mutex_; by container id
    std::set<std::string> addresses_;           // guarded by mutex_; in use
    std::string last_address_;                  // guarded by mutex_
    std::mt19937_64 random_;                    // guarded by mutex_
    kube::Reconciler reconciler_;
    Prober prober_;
    Supervisor supervisor_;
};

}  // namespace sluice::standalone::kubelet
