// SPDX-License-Identifier: Apache-2.0
// What must hold, whatever happens (issue 2, Simulation), judged from outside: from the documents
// in the store alone, after every accepted write. It shares no code with the controller.
//
// The controller acts on what it has seen, and what it has seen is old. So a write is judged by the
// moments it may have seen: one of those since the oldest of its caches must justify it. What must
// come about in time (a weight that must go) is judged by the clock, while nothing disturbs.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/controller.hpp"
#include "tests/sim/feed.hpp"
#include "tests/sim/shape.hpp"

namespace sluice::sim {

// What one state of the store says, as far as an invariant asks.
struct Moment {
    long version = 0;
    TimePoint when;
    long allowance = 0;   // the most the canary may have
    std::string current;  // hashes
    std::string stable;
    bool abort = false;
    bool promote_full = false;
    long replicas = 0;
    std::optional<long> step;
    std::optional<long> step_weight;  // where that step is a setWeight
    std::optional<long> recorded;     // status.canary.weights
    std::optional<long> weight;       // of the route objects; nothing where they carry none
    std::string canary_side;          // the hash that each side of the route selects
    std::string stable_side;
    std::map<std::string, long> ready;  // pods by hash
    std::map<std::string, long> spec;   // ReplicaSets' spec.replicas by hash

    [[nodiscard]] long ready_of(const std::string& hash) const {
        const auto found = ready.find(hash);
        return found == ready.end() ? 0 : found->second;
    }
};

class Oracle {
public:
    Oracle(Stage& stage, Journals& journals, const Shape& shape)
        : stage_(stage), journals_(journals), shape_(shape) {}

    // After a write. `horizon`: where it was a controller's, of that one's caches.
    void look(std::optional<Horizon> horizon);
    // As time goes by. `calm`: since when nothing disturbs; nothing while something does.
    void tick(std::optional<TimePoint> calm);

    [[nodiscard]] const std::vector<std::string>& broken() const { return broken_; }
    void fail(const std::string& what);
    [[nodiscard]] const Moment& now() const { return moments_.back(); }

private:
    using Test = std::function<bool(const Moment&)>;
    // `older`: as old as what another controller had not yet told.
    [[nodiscard]] bool seen(const Test& test, Duration older = Duration{0}) const {
        return seen_since(horizon_.all, test, older);
    }
    [[nodiscard]] bool seen_since(long version, const Test& test,
                                  Duration older = Duration{0}) const;
    Moment read() const;
    void read_rollout(Moment& moment) const;
    void read_route(Moment& moment) const;
    void judge_weight(const Moment& was, const Moment& is);
    void judge_record(const Moment& was, const Moment& is);
    void judge_sizes(const Moment& was, const Moment& is);

    Stage& stage_;
    Journals& journals_;
    const Shape& shape_;
    std::deque<Moment> moments_;
    Horizon horizon_{0, 0};
    std::optional<TimePoint> above_since_;
    std::optional<TimePoint> empty_since_;
    std::vector<std::string> broken_;
};

}  // namespace sluice::sim
