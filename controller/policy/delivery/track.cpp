// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/track.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/delivery/evidence.hpp"

namespace sluice::policy::delivery {
namespace {

using crds::DeliveryPhase;
using crds::DeliveryStatus;

// What the controller says when it aborts by itself: "Rollout aborted update to revision 3: <why>".
// A user's abort says nothing after the number.
std::string abort_reason(std::string_view message) {
    constexpr std::string_view lead = "aborted update to revision ";
    const auto at = message.find(lead);
    if (at == std::string_view::npos) return {};
    message.remove_prefix(at + lead.size());
    const auto colon = message.find_first_not_of("0123456789");
    if (colon == std::string_view::npos || message.substr(colon, 2) != ": ") return {};
    return std::string(message.substr(colon + 2));
}

bool aborted_by_controller(const RolloutView& rollout) {
    if (!abort_reason(rollout.abort_message).empty()) return true;
    return std::any_of(rollout.runs.begin(), rollout.runs.end(), [](const RunRef& run) {
        return run.status == "Failed" || run.status == "Error";
    });
}

// Failed is a verdict on the version; Error alone is none (docs/decisions/0002).
bool errored_only(const RolloutView& rollout) {
    const auto any = [&](std::string_view phase) {
        return std::any_of(rollout.runs.begin(), rollout.runs.end(),
                           [&](const RunRef& run) { return run.status == phase; });
    };
    return any("Error") && !any("Failed");
}

void close_step(DeliveryStatus& status, TimePoint now) {
    if (!status.steps.empty() && !status.steps.back().left_at) status.steps.back().left_at = now;
}

void finish(DeliveryStatus& status, DeliveryPhase phase, std::string message, TimePoint now) {
    close_step(status, now);
    status.phase = phase;
    status.message = std::move(message);
    status.finished_at = now;
}

void note_abort(const RolloutView& rollout, DeliveryStatus& status, TimePoint now) {
    crds::DeliveryCause cause;
    cause.by_user = !aborted_by_controller(rollout);
    cause.errored = !cause.by_user && errored_only(rollout);
    cause.text = cause.by_user ? "aborted by a user" : abort_reason(rollout.abort_message);
    cause.at = rollout.aborted_at.value_or(now);
    if (!status.steps.empty()) {
        cause.step = status.steps.back().index;
        cause.weight = status.steps.back().weight;
    }
    status.cause = cause;
    status.traffic = crds::DeliveryTraffic{.before = cause.weight.value_or(0),
                                           .after = rollout.canary_weight.value_or(0),
                                           .restored_at = std::nullopt};
    close_step(status, now);
}

std::string failed_at(const crds::DeliveryCause& cause) {
    std::string text = cause.by_user ? "aborted" : "rolled back";
    if (cause.weight) text += concat(" at ", *cause.weight, " %");
    return cause.by_user || cause.text.empty() ? text : concat(text, ": ", cause.text);
}

void finish_aborted(const crds::DeliverySpec& spec, DeliveryStatus& status, TimePoint now) {
    const crds::DeliveryCause cause = *status.cause;
    status.traffic->after = 0;
    status.traffic->restored_at = now;
    finish(status, cause.by_user ? DeliveryPhase::Aborted : DeliveryPhase::RolledBack,
           failed_at(cause), now);
    if (!cause.by_user && !cause.errored)
        status.quarantine = crds::DeliveryQuarantine{
            .digest = spec.digest, .reason = failed_at(cause), .since = now, .lifted = false};
}

// The weight is what users get only once it is in force; without a router the pods are the weight.
bool in_force(const RolloutView& rollout, const Level& level) {
    if (!rollout.traffic_routing) return true;
    return rollout.canary_weight == level.weight && rollout.weight_verified;
}

// A step that was broken off did not pass, and did not end anything either.
void forget_open_step(DeliveryStatus& status) {
    if (!status.steps.empty() && status.steps.back().verdict.empty()) status.steps.pop_back();
}

void follow_steps(const RolloutView& rollout, DeliveryStatus& status, TimePoint now) {
    const auto level = level_of(rollout);
    if (!level) return;
    // The steps began anew: they were changed, or an abort was taken back.
    if (!status.steps.empty() && level->index < status.steps.back().index) forget_open_step(status);
    const bool here = !status.steps.empty() && !status.steps.back().left_at &&
                      status.steps.back().index == level->index;
    if (here) return;
    close_step(status, now);
    if (!in_force(rollout, *level)) return;
    // After an abort that was taken back the same weights come again: each is told once.
    const bool known = std::any_of(status.steps.begin(), status.steps.end(),
                                   [&](const auto& step) { return step.index == level->index; });
    if (!known)
        status.steps.push_back({.index = level->index, .weight = level->weight, .entered_at = now});
}

void follow(const Observation& seen, const crds::DeliverySpec& spec, bool newest,
            DeliveryStatus& status, TimePoint now) {
    const RolloutView& rollout = seen.rollout;
    if (!newest || rollout.current_hash != spec.pod_template_hash) {
        // Another version took its place; its own pods get no traffic any more.
        if (status.cause) return finish_aborted(spec, status, now);
        return finish(status, DeliveryPhase::Superseded, "another version took its place", now);
    }
    if (rollout.stable_hash == spec.pod_template_hash) {
        // The very first version is stable from the start; it has been delivered when it serves.
        if (spec.old_image.empty() && rollout.unhealthy) return;
        status.cause.reset();
        status.traffic.reset();
        return finish(status, DeliveryPhase::Promoted, "promoted", now);
    }
    if (!rollout.abort) {
        if (status.cause) forget_open_step(status);
        status.cause.reset();
        status.traffic.reset();
        return follow_steps(rollout, status, now);
    }
    if (!status.cause) note_abort(rollout, status, now);
    if (traffic_left(rollout, spec.pod_template_hash)) finish_aborted(spec, status, now);
}

bool promoted_later(const Observation& seen, const crds::Delivery& delivery) {
    return std::any_of(
        seen.deliveries.begin(), seen.deliveries.end(), [&](const crds::Delivery& other) {
            return other.promoted() && other.spec.rollout_uid == delivery.spec.rollout_uid &&
                   other.spec.digest == delivery.spec.digest &&
                   other.spec.number > delivery.spec.number;
        });
}

void lift_quarantine(const Observation& seen, const crds::Delivery& delivery,
                     DeliveryStatus& status) {
    if (!status.quarantine || status.quarantine->lifted) return;
    const bool asked = !delivery.retry.empty() &&
                       (delivery.retry == delivery.name || delivery.retry == status.op_id);
    if (asked || promoted_later(seen, delivery)) status.quarantine->lifted = true;
}

}  // namespace

bool traffic_left(const RolloutView& rollout, std::string_view hash) {
    if (rollout.blue_green) return rollout.active_hash != hash;
    if (rollout.canary_weight) return *rollout.canary_weight == 0 && rollout.weight_verified;
    // A router that never set a weight never sent anyone there.
    return rollout.traffic_routing || rollout.updated_replicas == 0;
}

crds::DeliveryStatus track(const Observation& seen, const crds::Delivery& delivery, bool newest,
                           TimePoint now) {
    DeliveryStatus status = delivery.status;
    if (!status.phase) {
        status.phase = DeliveryPhase::Progressing;
        status.started_at = now;
    }
    if (status.phase == DeliveryPhase::Progressing)
        follow(seen, delivery.spec, newest, status, now);
    lift_quarantine(seen, delivery, status);
    if (status != delivery.status)
        status.observed_generation = std::max(status.observed_generation, seen.rollout.generation);
    return status;
}

}  // namespace sluice::policy::delivery
