// SPDX-License-Identifier: Apache-2.0
// The AnalysisRun controller: follows runs, starts what is due, writes what came back. An answer
// wakes its run, so a verdict stands in the status milliseconds after Prometheus gave it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "analysis/providers/provider.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "controller/shell/analysis_measurements.hpp"
#include "controller/shell/caches.hpp"
#include "controller/shell/events.hpp"
#include "crds/analysis.hpp"
#include "platform/http/async_http.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"

namespace sluice::shell {

using AnalysisRunCache = kube::RowView<crds::AnalysisRun>;

struct AnalysisRunsOptions {
    int workers = 4;
    analysis::ProviderSettings providers;
    kube::Reconciler::Done done = {};
};

// Everything referenced must outlive it.
struct AnalysisRunsParts {
    Caches& caches;  // started and stopped by who made them
    const kube::Client& client;
    http::AsyncHttp& http;
    const Clock& clock;
    Log& log;
    EventSink events;
};

class AnalysisRuns {
public:
    AnalysisRuns(AnalysisRunsParts parts, AnalysisRunsOptions options);
    ~AnalysisRuns();
    AnalysisRuns(const AnalysisRuns&) = delete;
    AnalysisRuns& operator=(const AnalysisRuns&) = delete;

    // For whoever decides by runs (rollouts): before start(). Called from the watch's thread.
    void listen(AnalysisRunCache::Listener listener) { cache_.listen(std::move(listener)); }
    // What the watch last saw. Finished runs hold no metrics and no results.
    [[nodiscard]] const AnalysisRunCache& cache() const { return cache_; }

    void start();
    // No reconcile runs once it returns; answers under way are dropped. Not to be started again.
    void stop();
    [[nodiscard]] bool synced() const { return parts_.caches.synced({resources::analysis_runs}); }

    // For metrics.
    [[nodiscard]] size_t depth() { return reconciler_.depth(); }
    // Without start(), for a simulator: feed the caches and turn the queue by hand.
    bool step() { return reconciler_.step(); }
    [[nodiscard]] std::optional<TimePoint> next() { return reconciler_.next(); }

    // One pass over one run; the workers' work, public for tests.
    Result<std::optional<Duration>> reconcile(const std::string& key);

private:
    // What was written and the watch has not shown yet: the cache may be older than our own write.
    struct Written {
        AnalysisRunCache::Pointer run;
        std::set<std::string> superseded;  // resourceVersions before it
    };

    AnalysisRunCache::Pointer current(const std::string& key);
    void remember_written(const std::string& key, const crds::AnalysisRun& before,
                          const Json& document);
    void on_change(const std::string& key, const crds::AnalysisRun* old,
                   const crds::AnalysisRun* fresh);
    Result<void> measure(const crds::AnalysisRun& run,
                         const std::vector<policy::runs::Measure>& due);
    Result<std::map<std::string, std::string>> read_secrets(const crds::AnalysisRun& run);
    Result<void> write(const std::string& key, const crds::AnalysisRun& run,
                       const crds::AnalysisRunStatus& status);
    void tell(const std::string& key, const crds::AnalysisRun& run,
              const policy::runs::Decision& decision);

    AnalysisRunsParts parts_;
    AnalysisRunsOptions options_;
    AnalysisRunCache cache_;
    AnalysisMeasurements measurements_;
    std::mutex mutex_;
    std::map<std::string, Written> written_;  // by key; guarded by mutex_
    kube::Reconciler reconciler_;
};

}  // namespace sluice::shell
