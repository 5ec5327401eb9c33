// SPDX-License-Identifier: Apache-2.0
// What the story has seen of the cluster, and when: the watched objects, in the order in which
// their events came. The instants are ours, at arrival: later than the truth by the time of one
// event.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"

namespace story {

struct Measurement {
    std::string phase;  // Successful, Failed, …
    std::string value;
    sluice::TimePoint started;  // whole seconds, as the API has it
    bool operator==(const Measurement&) const = default;
};

struct Metric {
    std::string name;
    std::string condition;  // "result[0] >= 0.95"
    std::vector<Measurement> measurements;
};

struct AnalysisRun {
    std::string name;
    std::string hash;  // of the pods it judges
    int step = -1;
    std::string phase;
    std::string message;
    sluice::TimePoint first_seen;
    std::optional<sluice::TimePoint> ended;  // when we saw its last phase
    std::vector<Metric> metrics;

    [[nodiscard]] bool failed() const { return phase == "Failed" || phase == "Error"; }
};

struct WeightChange {
    sluice::TimePoint at;
    int canary;  // percent, in the route object
    bool operator==(const WeightChange&) const = default;
};

struct RolloutState {
    std::string phase;
    std::string message;
    std::string image;         // of the template
    std::string current_hash;  // of the template, once the controller has taken it up
    std::string stable_hash;
    int step = -1;
    bool observed = false;  // the status speaks of this spec
    bool aborted = false;
    std::string trouble;          // reason of the condition AnalysisTrouble; empty: not said
    std::string trouble_message;  // what it says
};

// An object that came to be: what must not appear once the story is at rest.
struct Birth {
    std::string kind;
    std::string name;
    sluice::TimePoint at;
};

struct Picture {
    RolloutState rollout;
    std::vector<int> step_weights;      // by step index: the weight in force there
    std::vector<WeightChange> weights;  // changes only, the first one included
    std::map<std::string, AnalysisRun> runs;
    std::vector<Birth> births;
    std::vector<std::string> deliveries;  // "shop-2: Promoted"

    [[nodiscard]] int weight() const { return weights.empty() ? 0 : weights.back().canary; }
    // The run of a step of that revision that holds this weight; null where there is none.
    [[nodiscard]] const AnalysisRun* run_at(const std::string& hash, int weight) const;
};

enum class Router { Nginx, Istio };

// Any thread.
class Timeline {
public:
    explicit Timeline(Router router) : router_(router) {}

    void rollout(const sluice::Json& object);
    void analysis_run(const sluice::Json& object, sluice::TimePoint now);
    // An Ingress or a VirtualService; those that carry no weight of the shop are ignored.
    void route(const sluice::Json& object, bool gone, sluice::TimePoint now);
    void delivery(const sluice::Json& object, sluice::TimePoint now);
    void born(const std::string& kind, const sluice::Json& object, sluice::TimePoint now);

    [[nodiscard]] Picture picture() const;
    // Grows with each thing told.
    [[nodiscard]] std::uint64_t told() const;

private:
    void set_weight(int canary, sluice::TimePoint now);

    Router router_;
    mutable std::mutex mutex_;
    Picture picture_;         // guarded by mutex_
    std::uint64_t told_ = 0;  // guarded by mutex_
    std::map<std::string, std::string> delivery_phases_;
};

}  // namespace story
