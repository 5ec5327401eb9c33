// SPDX-License-Identifier: Apache-2.0
// What an AnalysisRun does next: which measurements to start, what its status becomes with the
// answers that came, and when to look again. Pure (DESIGN D3); the rules are in analysis/run.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/run.hpp"
#include "crds/analysis.hpp"

namespace sluice::policy::runs {

// A finished measurement that no status holds yet.
struct Answer {
    std::string metric;
    crds::Measurement measurement;
    crds::TextMap metadata;  // of the metric's result
    bool operator==(const Answer&) const = default;
};

struct Observation {
    std::vector<Answer> answers;
    std::set<std::string> in_flight;           // metrics whose answer is awaited
    std::optional<TimePoint> started_exactly;  // what this process knows better than the status
    std::map<std::string, TimePoint> finished_exactly;  // by metric, likewise
    std::string argument_problem;  // why secrets could not be read; ends the run
    bool operator==(const Observation&) const = default;
};

// One of the run's metrics.
struct Measure {
    size_t index = 0;  // in spec.metrics
    std::string metric;
    bool operator==(const Measure&) const = default;
};

struct Event {
    bool warning = false;
    std::string reason;  // MetricFailed, AnalysisRunSuccessful, … (argo-rollouts.md 1.13)
    std::string message;
    bool operator==(const Event&) const = default;
};

// For the log: `metric` is empty for the run itself.
struct PhaseChange {
    std::string metric;
    crds::AnalysisPhase from = crds::AnalysisPhase::None;
    crds::AnalysisPhase to = crds::AnalysisPhase::None;
    std::string message;
    bool operator==(const PhaseChange&) const = default;
};

struct Decision {
    crds::AnalysisRunStatus status;
    std::vector<Measure> measure;  // to be started now
    bool remove = false;           // its time to live is over
    std::vector<Event> events;
    std::vector<PhaseChange> changes;
    std::optional<Duration> look_again_after;
    bool operator==(const Decision&) const = default;
};

// The same input yields the same decision: an answer is counted once because it leaves the
// observation with the status that holds it.
Decision decide(const crds::AnalysisRun& run, const Observation& seen, TimePoint now);

}  // namespace sluice::policy::runs
