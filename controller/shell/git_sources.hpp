// SPDX-License-Identifier: Apache-2.0
// The GitSource controller: watches branches and makes the cluster as they declare it (DESIGN 3;
// gitops.md 5.3). Polling is the truth, a webhook or a hint only makes it sooner.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "controller/policy/source/manifest.hpp"
#include "controller/shell/caches.hpp"
#include "controller/shell/events.hpp"
#include "controller/shell/git_source_apply.hpp"
#include "crds/git_source.hpp"
#include "platform/git/repository.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"

namespace sluice::shell {

// What decides when a GitSource is looked at before its time.
struct GitSourceMark {
    std::string key;
    long generation = 0;
    std::string reconcile_at;
};
struct QuarantineMark {
    bool stands = false;
};

// Threads: start and stop from one, everything else from any. What is referenced must outlive it.
class GitSources {
public:
    struct Options {
        std::string data_dir;  // absolute; the bare repositories lie in <data_dir>/git
        std::string git_program = "git";
        int workers = 2;
        std::vector<policy::source::ManifestDecoder> decoders;
        // Another way to a repository than a mirror below data_dir, and a fixed seed for jitter:
        // for a simulator.
        std::function<Result<std::unique_ptr<git::Repository>>(const crds::GitSource&)> open = {};
        unsigned jitter_seed = std::random_device{}();
        kube::Reconciler::Done done = {};
        // Put around every repository that is opened: for metrics.
        std::function<std::unique_ptr<git::Repository>(std::unique_ptr<git::Repository>)> wrap = {};
    };

    GitSources(Options options, Caches& caches, const kube::Client& client, EventSink events,
               const Clock& clock, Log& log);
    ~GitSources();
    GitSources(const GitSources&) = delete;
    GitSources& operator=(const GitSources&) = delete;

    void start();
    // Ends running git programs and waits for the workers.
    void stop();
    // Ends running git programs, those of repositories that open() gave away too.
    void end_git_programs() { stop_.request_stop(); }
    // Whether every watch has listed once.
    [[nodiscard]] bool synced() const;
    // For metrics.
    [[nodiscard]] size_t depth() { return reconciler_.depth(); }
    // Without start(), for a simulator: feed the caches and turn the queue by hand.
    bool step() { return reconciler_.step(); }
    [[nodiscard]] std::optional<TimePoint> next() { return reconciler_.next(); }

    // "Something may have changed": at once, or half a second after the last hint. Unknown keys are
    // harmless.
    void hint(const std::string& key);
    // Whether a GitSource of that key is known.
    [[nodiscard]] bool knows(const std::string& key) const { return sources_.get(key) != nullptr; }

    // The repository of a GitSource, with its credentials: for writing back. Each caller gets a
    // Repository of its own on the same directory.
    [[nodiscard]] Result<std::unique_ptr<git::Repository>> open_for(const crds::GitSource& source);
    // The same by key, "namespace/name": reads the GitSource first.
    [[nodiscard]] Result<std::unique_ptr<git::Repository>> open(const std::string& key);

private:
    struct Look;  // one look at one source

    Result<std::optional<Duration>> reconcile(const std::string& key);
    Result<std::optional<Duration>> look(crds::GitSource source,
                                         const std::vector<Problem>& problems);
    Result<void> write_status(crds::GitSource& source, const crds::GitSourceStatus& status);
    void forget(const std::string& key);
    // A tenth more at most, so that many sources do not poll as one.
    Duration with_jitter(Duration interval);

    Options options_;
    const kube::Client& client_;
    EventSink events_;
    const Clock& clock_;
    Log& log_;
    KindDirectory kinds_;
    Caches& caches_;
    kube::RowView<GitSourceMark> sources_;
    kube::RowView<QuarantineMark> quarantines_;
    std::mutex hints_mutex_;
    std::map<std::string, TimePoint> hinted_;  // guarded by hints_mutex_
    std::mutex jitter_mutex_;
    std::minstd_rand jitter_;  // guarded by jitter_mutex_
    std::stop_source stop_;
    kube::Reconciler reconciler_;
};

}  // namespace sluice::shell
