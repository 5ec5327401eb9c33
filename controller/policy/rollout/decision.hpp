// SPDX-License-Identifier: Apache-2.0
// What to do about a Rollout, as values. The contract with controller/shell:
//
// 1. Actions run in order. Each is safe to repeat and to apply late: it names an end state, and
// where
//    it matters the state it was decided on; an action whose precondition fails does nothing, and
//    the rest of the pass is dropped (something moved: observe again).
// 2. An action's events are sent once it changed something, not when it found its work done.
// 3. The status is written after the actions, as a merge patch of encode_status(old) against
//    encode_status(status), when they differ. It holds nothing that depends on the actions having
//    worked, so it is written even when one of them failed.
// 4. Then `events`, when the status was written (or did not need to be).
// 5. A write of ours comes back through the watch and leads to the next pass; look_again_after is
//    for time alone.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "controller/policy/rollout/observation.hpp"
#include "crds/rollout.hpp"

namespace sluice::policy::rollout {

struct Event {
    bool warning = false;
    std::string reason;  // upstream's: argo-rollouts.md 1.13
    std::string message;
    bool operator==(const Event&) const = default;
};

// spec.replicas is absent: write 1, so that autoscalers can act (a patch of spec.replicas).
struct SetDefaultReplicas {
    bool operator==(const SetDefaultReplicas&) const = default;
};

// Makes `<rollout>-<hash>` with 0 replicas from spec.template, whose template_digest must be
// `digest` (else stale). Selector: spec.selector plus the hash label; labels: the template's plus
// the hash label; annotations as given; minReadySeconds; controlled by the Rollout. AlreadyExists
// with our uid as controller is done; with another owner it is left to the next observation
// (name_taken).
struct CreateReplicaSet {
    std::string name;
    std::string hash;
    std::string digest;
    crds::TextMap annotations;
    long min_ready_seconds = 0;
    crds::PodMetadata injected;  // goes into the template, and into an annotation that tells of it
    std::optional<crds::AntiAffinity> anti_affinity;  // goes into the template
    bool operator==(const CreateReplicaSet&) const = default;
};

// Makes the Rollout the controller of an orphan (precondition: uid, still without controller).
struct AdoptReplicaSet {
    std::string name;
    std::string uid;
    bool operator==(const AdoptReplicaSet&) const = default;
};

// Annotations to set (text) or remove (nothing), and what differs of the rest.
struct UpdateReplicaSet {
    std::string name;
    std::map<std::string, std::optional<std::string>> annotations;
    std::optional<long> min_ready_seconds;
    std::optional<crds::AntiAffinity> anti_affinity;  // in place of the injected one
    bool operator==(const UpdateReplicaSet&) const = default;
};

// Brings the template's metadata from what was injected before to `wanted`, for pods to come, and
// notes `noted` as injected: more than `wanted` while pods still carry it.
struct InjectMetadata {
    std::string replica_set;
    crds::PodMetadata wanted;
    crds::PodMetadata noted;
    bool operator==(const InjectMetadata&) const = default;
};

// Brings the metadata of running pods from `injected` to `wanted`. A pod that is gone is done.
struct LabelPods {
    std::vector<std::string> pods;
    crds::PodMetadata injected;
    crds::PodMetadata wanted;
    bool operator==(const LabelPods&) const = default;
};

// The revision annotation of the Rollout.
struct SetRolloutRevision {
    long revision = 0;
    bool operator==(const SetRolloutRevision&) const = default;
};

// Precondition: spec.replicas is still `from` (so that a decision on a stale view is not executed).
// Also writes the annotation desired-replicas.
struct ScaleReplicaSet {
    std::string name;
    long from = 0;
    long replicas = 0;
    long desired_annotation = 0;
    bool operator==(const ScaleReplicaSet&) const = default;
};

// The annotation scale-down-deadline; nothing removes it.
struct SetScaleDownDeadline {
    std::string name;
    std::optional<TimePoint> deadline;
    bool operator==(const SetScaleDownDeadline&) const = default;
};

// Sets the hash label in the Service's selector, and the managed-by annotation with this Rollout's
// name. Precondition: the selector's hash is still `from`.
struct PointService {
    std::string service;
    std::string from;  // "" where the selector had none
    std::string hash;
    bool operator==(const PointService&) const = default;
};

// Brings every route object of one router to this weight; routers know how (traffic/router.hpp).
// Subset hashes are for a router that splits by subset; empty otherwise.
struct SetWeight {
    std::string router;
    long weight = 0;
    long max_weight = 100;
    std::string canary_subset_hash;
    std::string stable_subset_hash;
    // That hash is only what was seen: the subset keeps whatever it has by now, so that a view that
    // is late does not take its label back.
    bool keep_canary_subset = false;
    bool keep_stable_subset = false;
    // The weight that this was decided on. Where another is in force by now, only what lowers that
    // one too is done, so that a view that is late never takes back what was lowered since.
    std::optional<long> from = std::nullopt;
    bool operator==(const SetWeight&) const = default;
};

// Makes an AnalysisRun of that name from the templates of the step or of the background analysis,
// as the spec stands in the Rollout (precondition: generation). AlreadyExists and ours is done.
// Arguments of kind podTemplateHashValue take the two hashes.
struct StartAnalysis {
    std::string name;
    RunType type = RunType::Step;
    std::optional<long> step_index;
    std::string hash;         // the canary's: label, and Latest
    std::string stable_hash;  // Stable
    long revision = 0;        // annotation
    long generation = 0;
    crds::RolloutAnalysis analysis;
    bool operator==(const StartAnalysis&) const = default;
};

// spec.terminate = true.
struct TerminateAnalysis {
    std::string name;
    bool operator==(const TerminateAnalysis&) const = default;
};

// Asks for the pod to be evicted, so that its ReplicaSet makes another (restartAt). Where a
// PodDisruptionBudget says not now, nothing happens.
struct EvictPod {
    std::string name;
    bool operator==(const EvictPod&) const = default;
};

// Preconditions: uid; for a ReplicaSet also that it has no replicas in spec and status.
struct DeleteReplicaSet {
    std::string name;
    std::string uid;
    bool operator==(const DeleteReplicaSet&) const = default;
};

struct DeleteAnalysis {
    std::string name;
    std::string uid;
    bool operator==(const DeleteAnalysis&) const = default;
};

using Action = std::variant<SetDefaultReplicas, CreateReplicaSet, AdoptReplicaSet, UpdateReplicaSet,
                            InjectMetadata, LabelPods, SetRolloutRevision, ScaleReplicaSet,
                            SetScaleDownDeadline, PointService, SetWeight, StartAnalysis,
                            TerminateAnalysis, EvictPod, DeleteReplicaSet, DeleteAnalysis>;

struct PlannedAction {
    Action action;
    std::vector<Event> events;  // in this order, once the action changed something
    bool operator==(const PlannedAction&) const = default;
};

struct Decision {
    crds::RolloutStatus status;
    std::vector<PlannedAction> actions;
    std::vector<Event> events;
    std::optional<Duration> look_again_after;
    std::optional<crds::RolloutDuration> ended;  // an attempt that ends with this pass, for metrics
    bool operator==(const Decision&) const = default;
};

// "set weight Istio 20", "scale web-5d8 3 -> 5": one line for logs and stories.
std::string to_text(const Action& action);

// The decision for a Rollout as it stands (argo-rollouts.md 2). Pure.
Decision decide(const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
                const Observation& seen, TimePoint now);

// A decided status where the ReplicaSet `name` could not be created for this reason: Progressing
// says so, unless it says something worse (argo-rollouts.md 1.14).
crds::RolloutStatus not_created(crds::RolloutStatus decided, const std::string& name,
                                const std::string& why, TimePoint now);

}  // namespace sluice::policy::rollout
