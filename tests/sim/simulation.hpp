// SPDX-License-Identifier: Apache-2.0
// One seed's world from its first push to its rest.
#pragma once

#include <deque>
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
    long pairs = 0;    // of controllers at once
    long jumps = 0;    // of a controller's clock
    long outages = 0;  // of writes
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
    void jump_to_next(TimePoint end);
    // A controller's process, on a machine of its own.
    struct Process {
        explicit Process(const Clock& world, int its_number) : clock(world), number(its_number) {}
        MachineClock clock;
        int number;
        std::unique_ptr<Controller> controller;
        TimePoint restart_at;
        bool leads = true;  // or believes that it does
        [[nodiscard]] std::optional<TimePoint> next() const;
    };
    void step(Process& process);
    // Those that have something to do by then.
    [[nodiscard]] std::vector<Process*> due(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_work() const;

    // ---- the world outside ----
    void wrote();
    void outside_now();
    void weather();
    void bad_weather();
    void set_clocks();
    void set_clock(Process& process, Duration ahead);
    void end_bad_days();
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
    BadDays bad_;
    std::deque<Process> processes_;
    TimePoint begin_;
    bool wild_ = true;  // users and faults are about
    std::optional<TimePoint> calm_since_;
    int versions_ = 1;
    long steps_ = 0;
    long jumps_ = 0;
    long outages_ = 0;
    // How far clocks were ahead of the world's: a time that was recorded may be that far off.
    Duration earliest_clock_{0};
    Duration latest_clock_{0};
};

Outcome simulate(std::uint64_t seed, Plant plant = Plant::None, bool trace = false);

}  // namespace sluice::sim
