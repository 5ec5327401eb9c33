// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/bad_days.hpp"

namespace sluice::sim {

BadDays::BadDays(std::uint64_t seed) : chance(seed * 7919 + 13) {
    two_controllers = chance.permille(200);
    both_stay = chance.permille(500);
    clocks_are_set = chance.permille(200);
    odd_answers = chance.permille(300);
    if (chance.permille(120)) outage = chance.between(20s, 150s);
    if (chance.permille(200)) pushes_lost = chance.between(100, 500);
}

Mood BadDays::mood() {
    if (!odd_answers || !chance.permille(600)) return Mood::Answers;
    return static_cast<Mood>(
        chance.between(static_cast<long>(Mood::Slow), static_cast<long>(Mood::Broken)));
}

Duration BadDays::clock_step() {
    if (!clocks_are_set || !chance.permille(500)) return Duration{0};
    const Duration by = chance.permille(700) ? chance.between(1s, 20s) : chance.between(20s, 180s);
    return chance.permille(500) ? by : -by;
}

}  // namespace sluice::sim
