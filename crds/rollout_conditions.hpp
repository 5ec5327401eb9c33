// SPDX-License-Identifier: Apache-2.0
// Conditions of a Rollout: upstream's types and reasons, and its rules for changing them
// (argo-rollouts.md 1.14).
#pragma once

#include "crds/rollout.hpp"

namespace sluice::crds {

namespace condition_types {
inline constexpr const char* progressing = "Progressing";
inline constexpr const char* available = "Available";
inline constexpr const char* paused = "Paused";
inline constexpr const char* completed = "Completed";
inline constexpr const char* healthy = "Healthy";
inline constexpr const char* invalid_spec = "InvalidSpec";
inline constexpr const char* replica_failure = "ReplicaFailure";
// Ours: the spec asks for something that this version of Sluice does not do.
inline constexpr const char* unserved = "Unserved";
// Ours: an analysis run in force gives no good verdict; its message names the metric, what was
// found, since when, and the command that goes on.
inline constexpr const char* analysis_trouble = "AnalysisTrouble";
// Ours: a pause began later than now; it began anew (policy/rollout/set_clock.hpp).
inline constexpr const char* clock_set = "ClockSet";
}  // namespace condition_types

namespace reasons {
inline constexpr const char* new_replica_set_created = "NewReplicaSetCreated";
inline constexpr const char* found_new_replica_set = "FoundNewReplicaSet";
inline constexpr const char* replica_set_create_error = "ReplicaSetCreateError";
inline constexpr const char* replica_set_updated = "ReplicaSetUpdated";
inline constexpr const char* new_replica_set_available = "NewReplicaSetAvailable";
inline constexpr const char* replica_set_not_available = "ReplicaSetNotAvailable";
inline constexpr const char* rollout_paused = "RolloutPaused";
inline constexpr const char* rollout_resumed = "RolloutResumed";
inline constexpr const char* rollout_retry = "RolloutRetry";
inline constexpr const char* rollout_aborted = "RolloutAborted";
inline constexpr const char* rollout_completed = "RolloutCompleted";
inline constexpr const char* rollout_healthy = "RolloutHealthy";
inline constexpr const char* progress_deadline_exceeded = "ProgressDeadlineExceeded";
inline constexpr const char* available = "AvailableReason";
inline constexpr const char* invalid_spec = "InvalidSpec";
// Of AnalysisTrouble: measurements fail and the run goes on; how the run ended (upstream's words
// for the pause and the events).
inline constexpr const char* measurement_error = "MeasurementError";
inline constexpr const char* inconclusive_analysis_run = "InconclusiveAnalysisRun";
inline constexpr const char* analysis_run_error = "AnalysisRunError";
inline constexpr const char* analysis_run_failed = "AnalysisRunFailed";
inline constexpr const char* time_ahead = "TimeAhead";  // of ClockSet
}  // namespace reasons

// Null where absent.
const Condition* find_condition(const RolloutStatus& status, std::string_view type);
// Whether the condition's reason is this; false where it is absent.
bool has_reason(const RolloutStatus& status, std::string_view type, std::string_view reason);

// Same status and reason: untouched, and false. Status unchanged: the transition time is kept. A
// changed condition moves to the end of the list.
bool set_condition(RolloutStatus& status, Condition condition);
void remove_condition(RolloutStatus& status, std::string_view type);

}  // namespace sluice::crds
