// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/deployment_status.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

constexpr const char* progressing_type = "Progressing";
constexpr const char* available_reason = "NewReplicaSetAvailable";
constexpr const char* timed_out_reason = "ProgressDeadlineExceeded";
constexpr const char* paused_reason = "DeploymentPaused";

const DeploymentCondition* progressing_of(const Conditions& conditions) {
    const auto found = std::ranges::find(conditions, progressing_type, &DeploymentCondition::type);
    return found == conditions.end() ? nullptr : &*found;
}

// The same status and reason again change nothing, so that an idle Deployment is not written.
void set_condition(Conditions& conditions, DeploymentCondition fresh, TimePoint now,
                   bool again = false) {
    fresh.updated = fresh.transitioned = now;
    const auto old = std::ranges::find(conditions, fresh.type, &DeploymentCondition::type);
    if (old == conditions.end()) {
        conditions.push_back(std::move(fresh));
        return;
    }
    if (!again && old->status == fresh.status && old->reason == fresh.reason) return;
    if (old->status == fresh.status) fresh.transitioned = old->transitioned;
    *old = std::move(fresh);
}

void count(const DeploymentView& deployment, const DeployedSets& sets, DeploymentStatus& status) {
    long asked = 0;
    for (const auto* rs : sets.all()) {
        asked += rs->replicas;
        status.replicas += rs->status.replicas;
        status.ready += rs->status.ready;
        status.available += rs->status.available;
    }
    status.updated = sets.current ? sets.current->status.replicas : 0;
    status.unavailable = std::max(0L, asked - status.available);
    status.observed_generation = deployment.generation;
    status.collision_count = deployment.status.collision_count;
}

bool has_advanced(const DeploymentStatus& before, const DeploymentStatus& now) {
    return now.updated > before.updated || now.ready > before.ready ||
           now.available > before.available ||
           now.replicas - now.updated < before.replicas - before.updated;
}

bool is_late(const DeploymentView& deployment, const Conditions& conditions, TimePoint now) {
    const auto* last = progressing_of(conditions);
    if (!last || last->reason == available_reason || last->reason == paused_reason) return false;
    return last->reason == timed_out_reason || last->updated + *deployment.progress_deadline < now;
}

void judge_progress(const DeploymentView& deployment, const DeployedSets& sets,
                    DeploymentStatus& status, TimePoint now) {
    auto& conditions = status.conditions;
    const auto* last = progressing_of(conditions);
    // One that has come to its end is not late because a pod is lost.
    if (status.replicas == status.updated && last && last->reason == available_reason) return;
    const std::string what = sets.current ? concat("ReplicaSet \"", sets.current->name, "\"")
                                          : concat("Deployment \"", deployment.name, "\"");
    if (is_complete(deployment, status))
        set_condition(
            conditions,
            {progressing_type, "True", available_reason, what + " has successfully progressed."},
            now);
    else if (has_advanced(deployment.status, status))
        set_condition(conditions,
                      {progressing_type, "True", "ReplicaSetUpdated", what + " is progressing."},
                      now, true);
    else if (is_late(deployment, conditions, now))
        set_condition(
            conditions,
            {progressing_type, "False", timed_out_reason, what + " has timed out progressing."},
            now);
}

}  // namespace

void note_pause(Conditions& conditions, bool paused, TimePoint now) {
    const auto* last = progressing_of(conditions);
    const bool was = last && last->reason == paused_reason;
    if (last && last->reason == timed_out_reason) return;
    if (paused && !was)
        set_condition(conditions,
                      {progressing_type, "Unknown", paused_reason, "Deployment is paused"}, now);
    if (!paused && was)
        set_condition(conditions,
                      {progressing_type, "Unknown", "DeploymentResumed", "Deployment is resumed"},
                      now);
}

void note_new_set(Conditions& conditions, const DeploymentView& deployment, const std::string& name,
                  TimePoint now) {
    if (deployment.progress_deadline)
        set_condition(conditions,
                      {progressing_type, "True", "NewReplicaSetCreated",
                       concat("Created new replica set \"", name, "\"")},
                      now);
}

void note_found_set(Conditions& conditions, const DeploymentView& deployment,
                    const std::string& name, TimePoint now) {
    if (deployment.progress_deadline && !progressing_of(conditions))
        set_condition(conditions,
                      {progressing_type, "True", "FoundNewReplicaSet",
                       concat("Found new replica set \"", name, "\"")},
                      now);
}

bool is_complete(const DeploymentView& deployment, const DeploymentStatus& status) {
    return status.updated == deployment.replicas && status.replicas == deployment.replicas &&
           status.available == deployment.replicas &&
           status.observed_generation >= deployment.generation;
}

DeploymentStatus next_status(const DeploymentView& deployment, const DeployedSets& sets,
                             Conditions conditions, TimePoint now) {
    DeploymentStatus status;
    status.conditions = std::move(conditions);
    count(deployment, sets, status);
    const long least =
        deployment.replicas - std::min(deployment.max_unavailable, deployment.replicas);
    if (status.available >= least)
        set_condition(status.conditions,
                      {"Available", "True", "MinimumReplicasAvailable",
                       "Deployment has minimum availability."},
                      now);
    else
        set_condition(status.conditions,
                      {"Available", "False", "MinimumReplicasUnavailable",
                       "Deployment does not have minimum availability."},
                      now);
    if (!deployment.progress_deadline)
        std::erase_if(status.conditions,
                      [](const auto& one) { return one.type == progressing_type; });
    else if (!deployment.paused)
        judge_progress(deployment, sets, status, now);
    return status;
}

std::optional<Duration> until_deadline(const DeploymentView& deployment,
                                       const DeploymentStatus& status, TimePoint now) {
    const auto* last = progressing_of(status.conditions);
    if (!deployment.progress_deadline || deployment.paused || !last ||
        last->reason == available_reason || last->reason == timed_out_reason ||
        is_complete(deployment, status))
        return std::nullopt;
    const Duration left = last->updated + *deployment.progress_deadline - now;
    return std::max(left, Duration{0}) + std::chrono::seconds{1};
}

}  // namespace sluice::standalone::workloads
