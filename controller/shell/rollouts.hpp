// SPDX-License-Identifier: Apache-2.0
// The rollout controller: caches wake a key, a worker observes, decides, executes and writes the
// status. All state lives in the objects; this may be killed at any instruction.
//
// Users first (D4): whoever takes a key first only observes and decides, which is quick, and goes
// on at once, over a connection of its own, where traffic is to move. Everything else is put back
// for other workers, so that a hundred slow first deployments delay no rollback.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "controller/policy/rollout/decision.hpp"
#include "controller/shell/events.hpp"
#include "controller/shell/world.hpp"
#include "platform/kube/reconciler.hpp"

namespace sluice::shell {

class Rollouts {
public:
    using Decide = std::function<policy::rollout::Decision(
        const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
        const policy::rollout::Observation& seen, TimePoint now)>;

    struct Options {
        int workers = 4;          // for what may wait
        int traffic_workers = 2;  // for deciding, and for what moves traffic
        // Another than the shipped one only where a simulator plants a fault in it.
        Decide decide = policy::rollout::decide;
        kube::Reconciler::Done done = {};
        // Told of an attempt that has ended, once that is recorded: for metrics.
        std::function<void(const crds::RolloutDuration&)> ended = {};
    };

    // `traffic` is the client of the passes that move traffic. Everything referenced must outlive
    // it. stop() before the transports go.
    Rollouts(Options options, Caches& caches, const kube::Client& client,
             const kube::Client& traffic, EventSink events, const Clock& clock, Log& log);
    ~Rollouts() { stop(); }
    Rollouts(const Rollouts&) = delete;
    Rollouts& operator=(const Rollouts&) = delete;

    // Work begins once every cache has listed. The caches are started and stopped by who made them.
    void start();
    void stop();
    [[nodiscard]] bool synced() const { return caches_.synced(World::kinds()); }
    [[nodiscard]] const World& world() const { return world_; }

    // For metrics.
    [[nodiscard]] size_t depth() { return reconciler_.depth(); }

    // Without start(), for a simulator: feed the caches and turn the queue by hand.
    bool step() { return reconciler_.step(); }
    [[nodiscard]] std::optional<TimePoint> next() { return reconciler_.next(); }

    // One whole pass over one Rollout.
    Result<std::optional<Duration>> reconcile(const std::string& key);

private:
    using Looked = Result<std::optional<Duration>>;
    struct Pass {
        const kube::Client& client;
        const crds::Rollout& rollout;
        const policy::rollout::Decision& decision;
        bool wrote_rollout = false;
        std::vector<std::string> did = {};  // actions that changed something
        std::string not_created = {};       // the ReplicaSet that the server refused
    };
    // Observes and decides, and goes on with `then` where there is something to decide on.
    using Then = std::function<Looked(const crds::Rollout&, const policy::rollout::Decision&)>;
    // Null: the key's is gone.
    using RolloutPointer = kube::RowView<crds::Rollout>::Pointer;
    Looked look(const std::string& key, const RolloutPointer& rollout, const Then& then);
    Looked triage(const std::string& key);
    Looked perform(Pass pass);
    bool behind_own_write(const crds::Rollout& rollout);
    void remember_write(const std::string& key, const Json& document);
    void log_change(const Pass& pass, bool recorded);
    void send(const crds::Rollout& rollout, const std::vector<policy::rollout::Event>& events);
    Result<bool> act(Pass& pass);
    Result<bool> write_status(const Pass& pass, const crds::RolloutStatus& status);

    Options options_;
    Caches& caches_;
    const kube::Client& client_;
    const kube::Client& traffic_;
    EventSink events_;
    const Clock& clock_;
    Log& log_;
    kube::Reconciler reconciler_;
    World world_;
    std::jthread starter_;
    std::mutex mutex_;
    std::map<std::string, long>
        written_;  // newest resourceVersion we wrote, by key; guarded by mutex_
};

}  // namespace sluice::shell
