// SPDX-License-Identifier: Apache-2.0
// Bugs on purpose, to see that the simulator would find them: what is decided is changed between
// the shipped decide and the shipped execute, or a push is made twice. Nothing shipped knows.
#pragma once

#include <memory>

#include "controller/shell/rollouts.hpp"
#include "platform/git/repository.hpp"

namespace sluice::sim {

enum class Plant {
    None,
    RouteBeforeReady,   // the step's weight at once, ready or not
    SkipWeightCheck,    // a setWeight step is over once its weight was asked for
    RecordBeforeAct,    // the weight stands in the status one pass before it is asked for
    DoubleRevert,       // a revert whose push was not answered is made anew on the new tip
    ScaleBeforeVerify,  // stable shrinks for the weight that is asked for, before it is in force
};
const char* to_text(Plant plant);

shell::Rollouts::Decide planted_decide(Plant plant);
std::unique_ptr<git::Repository> planted_repository(Plant plant,
                                                    std::unique_ptr<git::Repository> inner);

}  // namespace sluice::sim
