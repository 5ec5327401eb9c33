// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a world, and until when.
#include "base/text.hpp"
#include "tests/sim/simulation.hpp"

namespace sluice::sim {

// Storms of faults, and calm between them.
void Simulation::weather() {
    faults_.rates = {};
    lag_ = {};
    measuring_.mood = Mood::Answers;
    remote_.away = false;
    auto& chance = stage_.chance;
    const bool rages = wild_ && chance.permille(calm_since_ ? 700 : 300);
    const bool storm = wild_ && (rages || faults_.no_writes);
    if (!storm) {
        if (!calm_since_) calm_since_ = stage_.now();
        stage_.trace.say("calm");
    } else {
        calm_since_.reset();
        faults_.rates = {.refuse = chance.permille(500) ? chance.between(5, 150) : 0,
                         .lose_answer = chance.permille(500) ? chance.between(5, 80) : 0,
                         .crash = chance.permille(500) ? chance.between(2, 40) : 0,
                         .outside = chance.permille(700) ? chance.between(20, 300) : 0};
        lag_ = {.usual = chance.between(10ms, 400ms),
                .stall_permille = chance.permille(500) ? chance.between(10, 200) : 0,
                .stall = 3s,
                .twice_permille = chance.between(0, 100),
                .relist_permille = chance.between(0, 20)};
        if (chance.permille(150)) measuring_.mood = Mood::Away;
        remote_.away = chance.permille(150);
        stage_.trace.say("storm");
        bad_weather();
    }
    if (wild_) stage_.after(chance.between(3s, 25s), [this] { weather(); });
}

void Simulation::bad_weather() {
    if (const auto mood = bad_.mood(); mood != Mood::Answers) measuring_.mood = mood;
    set_clocks();
    if (bad_.outage == 0s || faults_.no_writes) return;
    stage_.trace.say(concat("no writes for ", format_duration(bad_.outage)));
    faults_.no_writes = true;
    ++outages_;
    stage_.after(std::exchange(bad_.outage, 0s), [this] { faults_.no_writes = false; });
}

void Simulation::set_clocks() {
    for (auto& process : processes_) {
        const Duration step = bad_.clock_step();
        if (step == 0s) continue;
        ++jumps_;
        set_clock(process, process.clock.ahead + step);
    }
}

void Simulation::set_clock(Process& process, Duration ahead) {
    process.clock.ahead = ahead;
    earliest_clock_ = std::min(earliest_clock_, ahead);
    latest_clock_ = std::max(latest_clock_, ahead);
    stage_.trace.say(
        concat("the clock of controller ", process.number, " is ahead by ", ahead.count(), " ms"));
}

void Simulation::end_bad_days() {
    faults_.no_writes = false;
    if (processes_.size() < 2) return;
    // A time that one records is judged by the other's clock: their hours may be wrong, but not
    // for ever each in its own way.
    if (bad_.both_stay) return set_clock(processes_.back(), processes_.front().clock.ahead);
    processes_.back().controller.reset();
    processes_.back().leads = false;
    stage_.trace.say("controller 2 ends: it does not lead");
}

}  // namespace sluice::sim
