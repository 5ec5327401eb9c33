// SPDX-License-Identifier: Apache-2.0
// What the Delivery decisions read of the kinds that others own: projections of Rollout,
// AnalysisRun and GitSource (DESIGN D9). A Rollout of upstream's own controller reads the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"

namespace sluice::policy::delivery {

struct RunRef {
    std::string name;
    std::string status;  // Running, Successful, Failed, …
    bool operator==(const RunRef&) const = default;
};

struct RolloutView {
    std::string ns;
    std::string name;
    std::string uid;
    long generation = 0;
    long observed_generation = 0;
    std::string template_digest;
    std::string image;  // of the first container
    std::string revision;
    std::string git_source;  // annotation sluice.dev/git-source: a name, or namespace/name
    // Each canary step's setWeight; nothing for a step of another kind.
    std::vector<std::optional<long>> steps;
    long max_weight = 100;
    bool traffic_routing = false;
    bool blue_green = false;

    bool unhealthy = false;  // its phase is another than Healthy
    std::string current_hash;
    std::string stable_hash;
    std::optional<long> step_index;
    bool abort = false;
    std::optional<TimePoint> aborted_at;
    std::string abort_message;          // of the condition with reason RolloutAborted
    std::optional<long> canary_weight;  // in force, as the status says
    bool weight_verified = true;        // false only where a router said so
    long updated_replicas = 0;
    std::string active_hash;   // blue-green
    std::vector<RunRef> runs;  // the current step's and the background one
    bool operator==(const RolloutView&) const = default;
};
RolloutView view_rollout(const Json& rollout);

struct MeasurementView {
    std::string value;
    std::string phase;
    std::optional<TimePoint> finished_at;
    bool operator==(const MeasurementView&) const = default;
};

struct MetricView {
    std::string name;
    std::string query;      // with the run's arguments put in
    std::string threshold;  // "success when …; failure when …"
    std::string phase;
    long count = 0;  // all measurements, also those no longer kept
    bool dry_run = false;
    std::vector<MeasurementView> measurements;
    bool operator==(const MetricView&) const = default;
};

struct RunView {
    std::string ns;
    std::string name;
    std::string rollout;  // of the controlling owner
    std::string rollout_uid;
    std::string hash;
    std::string type;  // Step, Background, PrePromotion, PostPromotion
    std::optional<long> step_index;
    std::string phase;
    std::optional<TimePoint> completed_at;
    std::vector<MetricView> metrics;
    bool operator==(const RunView&) const = default;

    [[nodiscard]] bool completed() const {
        return !phase.empty() && phase != "Running" && phase != "Pending";
    }
    [[nodiscard]] bool failed() const { return phase == "Failed" || phase == "Error"; }
};
RunView view_run(const Json& run);

struct SourceEntry {
    std::string ns;
    std::string name;
    std::string path;
    std::string digest;
    std::string commit;
    std::string author;
    std::string subject;
    bool operator==(const SourceEntry&) const = default;
};

// A GitSource as far as writing back goes. Only Rollouts of its inventory are kept.
struct SourceView {
    std::string key;  // "namespace/name"
    std::string url;
    std::string branch;
    bool write_back = false;  // spec.writeBack is there
    std::string record_branch = "sluice-records";
    bool record_steps = true;
    bool record_outcomes = true;
    bool revert = true;  // rollback.mode ScopedRevert, not RecordOnly
    std::string author_name = "sluice";
    std::string author_email = "sluice@localhost";
    std::vector<SourceEntry> entries;
    bool operator==(const SourceView&) const = default;
};
SourceView view_source(const Json& source);

}  // namespace sluice::policy::delivery
