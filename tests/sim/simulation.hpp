// SPDX-License-Identifier: Apache-2.0
// One seed's world from its first push to its rest.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/cluster.hpp"
#include "tests/sim/controller.hpp"
#include "tests/sim/oracle.hpp"

namespace sluice::sim {

struct Outcome {
    std::vector<std::string> broken;  // in the order in which it broke
    std::string shape;
    std::string history;  // what was done, in short: the same for the same seed
    long crashes = 0;
    long refused = 0;
    long unanswered = 0;
    long versions = 0;
    long promoted = 0;
    long rolled_back = 0;
    long reverts = 0;
};

class Simulation {
public:
    Simulation(std::uint64_t seed, Plant plant, bool trace);
    Outcome run();

private:
    // ---- time ----
    void run_until(TimePoint end);
    bool settles_within(Duration limit);
    void one_step();
    void step_controller();
    void jump_to_next(TimePoint end);

    // ---- the world outside ----
    void wrote();
    void outside_now();
    void weather();
    void user_acts();
    void push(int version, long replicas);
    void push_something();
    void verb(const char* name);
    void finish_what_waits();

    // ---- at the end ----
    [[nodiscard]] std::string unrest();
    void judge_git();
    void judge_final(int version);

    std::uint64_t seed_;
    Stage stage_;
    Shape shape_;
    Journals journals_;
    Cluster cluster_;
    Oracle oracle_;
    Faults faults_;
    Measuring measuring_;
    test::MemoryRemote remote_;
    Lag lag_;
    Plant plant_;
    std::unique_ptr<Controller> controller_;
    TimePoint restart_at_;
    TimePoint begin_;
    bool wild_ = true;  // users and faults are about
    std::optional<TimePoint> calm_since_;
    int versions_ = 1;
    long steps_ = 0;
};

Outcome simulate(std::uint64_t seed, Plant plant = Plant::None, bool trace = false);

}  // namespace sluice::sim
