// SPDX-License-Identifier: Apache-2.0
#include "crds/rollout_conditions.hpp"

#include <algorithm>

namespace sluice::crds {

const Condition* find_condition(const RolloutStatus& status, std::string_view type) {
    const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                    [&](const Condition& item) { return item.type == type; });
    return found == status.conditions.end() ? nullptr : &*found;
}

bool has_reason(const RolloutStatus& status, std::string_view type, std::string_view reason) {
    const Condition* found = find_condition(status, type);
    return found && found->reason == reason;
}

bool set_condition(RolloutStatus& status, Condition condition) {
    if (const Condition* old = find_condition(status, condition.type)) {
        if (old->status == condition.status && old->reason == condition.reason) return false;
        if (old->status == condition.status)
            condition.last_transition_time = old->last_transition_time;
    }
    remove_condition(status, condition.type);
    status.conditions.push_back(std::move(condition));
    return true;
}

void remove_condition(RolloutStatus& status, std::string_view type) {
    std::erase_if(status.conditions, [&](const Condition& item) { return item.type == type; });
}

}  // namespace sluice::crds
