// SPDX-License-Identifier: Apache-2.0
// Days on which more goes wrong than calls and processes: a second controller that believes it
// leads, a machine's clock that is set, an API server that takes no writes for minutes, a
// Prometheus that answers nonsense. Drawn from a stream of their own, so that a seed without any of
// them is the world that it was before they came.
#pragma once

#include "base/clock.hpp"
#include "tests/sim/chance.hpp"
#include "tests/sim/faults.hpp"

namespace sluice::sim {

// The controller's own machine: its time of day is set, while waits go on in steady time.
class MachineClock final : public Clock {
public:
    explicit MachineClock(const Clock& world) : world_(world) {}
    [[nodiscard]] TimePoint now() const override { return world_.now() + ahead; }
    [[nodiscard]] TimePoint steady() const override { return world_.now(); }

    Duration ahead{0};

private:
    const Clock& world_;
};

// What Prometheus does with a query.
enum class Mood {
    Answers,
    Away,   // no connection
    Slow,   // later than anybody waits, or nearly
    NaN,    // 0/0: no request was counted
    Empty,  // no such series
    Broken  // status 500, or half a document
};

struct BadDays {
    explicit BadDays(std::uint64_t seed);

    Chance chance;
    bool two_controllers = false;
    bool both_stay = false;  // to the end; otherwise the second learns that it does not lead
    bool clocks_are_set = false;
    bool odd_answers = false;
    long pushes_lost = 0;  // per mille of those to Git that are done and not answered
    Duration outage{0};    // how long the API server refuses every write of a controller, from the
                           // first storm on

    // In a storm.
    Mood mood();
    // By how much a clock is set now; mostly by nothing.
    Duration clock_step();
};

}  // namespace sluice::sim
