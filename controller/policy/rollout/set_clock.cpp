// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/set_clock.hpp"

#include "base/text.hpp"
#include "crds/rollout_conditions.hpp"

namespace sluice::policy::rollout {
namespace set_clock {

constexpr const char* type = crds::condition_types::clock_set;

crds::PauseCondition* timed_pause(Pass& pass) {
    const auto* step = pass.step();
    const auto* pause = step ? std::get_if<crds::PauseStep>(step) : nullptr;
    if (!pause || !pause->duration) return nullptr;
    for (auto& each : pass.status().pause_conditions)
        if (each.reason == crds::PauseReason::CanaryPauseStep) return &each;
    return nullptr;
}

void say(Pass& pass, TimePoint began, TimePoint end) {
    const auto& rollout = pass.seen.rollout;
    const std::string message = concat(
        "the pause of step ", *pass.step_index() + 1, "/", pass.step_count(), " began at ",
        format_rfc3339(began), ", which is ", format_duration(began - pass.instant),
        " from now: this machine's clock was set back, or that of another controller runs ahead; "
        "the pause begins anew and ends at ",
        format_rfc3339(end),
        "; compare the clocks (timedatectl); to go on at once: sluice promote ", rollout.name,
        " -n ", rollout.ns);
    crds::remove_condition(pass.status(), type);
    pass.status().conditions.push_back({type, crds::ConditionStatus::True,
                                        crds::reasons::time_ahead, message, pass.instant,
                                        pass.instant});
}

}  // namespace set_clock

void begin_early_pauses_anew(Pass& pass) {
    using namespace set_clock;
    crds::PauseCondition* pause = timed_pause(pass);
    if (!pause) return crds::remove_condition(pass.status(), type);
    if (pause->start_time <= pass.now + clock_tolerance) return;
    const TimePoint began = std::exchange(pause->start_time, pass.instant);
    const TimePoint end = pass.instant + *std::get<crds::PauseStep>(*pass.step()).duration;
    pass.look_again_at(end + Duration{1});
    say(pass, began, end);
}

}  // namespace sluice::policy::rollout
