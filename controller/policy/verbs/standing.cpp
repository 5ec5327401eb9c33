// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/verbs/standing.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/text.hpp"

namespace sluice::policy::verbs {

Standing standing_of(const Json& rollout) {
    const auto observed = parse_integer(text_at(rollout, {"status", "observedGeneration"}));
    if (observed && *observed < integer_at(rollout, {"metadata", "generation"}))
        return {"Progressing", "waiting for rollout spec update to be observed"};
    const Json* pauses = find(rollout, {"status", "pauseConditions"});
    if (bool_at(rollout, {"status", "controllerPause"}) && (!pauses || pauses->empty()))
        return {"Progressing", "waiting for rollout to unpause"};
    const std::string phase = text_at(rollout, {"status", "phase"});
    if (phase.empty()) return {"Progressing", "waiting for a controller"};
    return {phase, text_at(rollout, {"status", "message"})};
}

std::string to_text(const Standing& standing) {
    return standing.message.empty() ? standing.phase
                                    : concat(standing.phase, " - ", standing.message);
}

}  // namespace sluice::policy::verbs
