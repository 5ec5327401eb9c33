// SPDX-License-Identifier: Apache-2.0
// What is known of the world around one Rollout when a decision is taken: a value without documents
// or handles (DESIGN D3). controller/shell fills it from its caches; it may be stale, and every
// action that follows from it is safe when it is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/trouble.hpp"
#include "base/time.hpp"
#include "crds/metadata.hpp"

namespace sluice::policy::rollout {

// Facts of the Rollout itself that are neither spec nor status.
struct RolloutSeen {
    std::string ns;
    std::string name;
    std::string uid;
    long generation = 0;
    bool deleting = false;
    crds::TextMap annotations;
    // Of spec.template (crds::PodTemplateFacts) and canary.steps.
    std::string template_hash;
    std::string template_digest;
    crds::TextMap template_labels;
    std::string step_hash;
    bool operator==(const RolloutSeen&) const = default;
};

// A ReplicaSet of the namespace that this Rollout controls, or that nobody controls and the
// Rollout's selector matches. One that another owner controls never appears here.
struct ReplicaSetSeen {
    std::string name;
    std::string uid;
    std::string resource_version;
    bool owned = true;  // false: an orphan, to be adopted
    bool deleting = false;
    std::string hash;             // label rollouts-pod-template-hash
    std::string template_digest;  // crds::template_digest of its spec.template
    long spec_replicas = 0;
    long replicas = 0;  // status.replicas
    long ready_replicas = 0;
    long available_replicas = 0;
    long min_ready_seconds = 0;
    long generation = 0;
    long observed_generation = 0;
    TimePoint created{};
    long revision = 0;                     // annotation; 0 where absent
    std::string revision_history;          // annotation
    std::optional<long> desired_replicas;  // annotation
    std::optional<TimePoint>
        scale_down_deadline;  // annotation; text that is no time counts as past
    // The other annotations. Only needed of the ReplicaSet whose hash or digest is the Rollout's,
    // and ephemeral-metadata of every one; the others may be absent of old ones.
    crds::TextMap annotations;
    // The stable version that its pods are kept away from; empty where nothing was injected.
    std::string anti_affinity;
    // status.conditions[type=ReplicaFailure], where it is True.
    std::string failure_reason;
    std::string failure_message;
    bool operator==(const ReplicaSetSeen&) const = default;
};

struct ServiceSeen {
    std::string name;
    bool exists = true;
    crds::TextMap selector;  // with the hash label, where it stands
    std::string managed_by;  // annotation; empty where absent
    // Ready endpoints by the hash label of their pods ("" for pods without it). Nothing where
    // endpoints are not watched: then the selector alone is believed.
    std::optional<std::map<std::string, long>> ready_endpoints;
    bool operator==(const ServiceSeen&) const = default;
};

// What one router's objects say now.
struct RouteSeen {
    std::string router;  // "Nginx", "Istio", as in messages
    // The canary's weight in force, 0..max_traffic_weight. Nothing where the objects carry none yet
    // (no canary Ingress; weights that are absent, contradict each other, or do not add up): then
    // any weight is written anew, 0 included.
    std::optional<long> weight;
    // Why the objects could not be read or are not usable; empty where they are. With a problem the
    // weight is not written.
    std::string problem;
    // A DestinationRule's subsets, where the router splits by subset: the hash each selects.
    bool by_subset = false;
    std::string canary_subset_hash;
    std::string stable_subset_hash;
    // Whether the data plane confirmed the weight; nothing where the router cannot tell.
    std::optional<bool> verified;
    // Its objects are in the form the router wants, weight aside (hosts, annotations). False asks
    // for the write even where the weight is right.
    bool settled = true;
    bool operator==(const RouteSeen&) const = default;
};

enum class RunType { Step, Background, PrePromotion, PostPromotion };
enum class RunPhase { None, Pending, Running, Successful, Failed, Error, Inconclusive };

// An AnalysisRun that this Rollout controls.
struct AnalysisRunSeen {
    std::string name;
    std::string uid;
    RunType type = RunType::Step;
    std::optional<long> step_index;  // label step-index
    std::string hash;                // label rollouts-pod-template-hash
    RunPhase phase = RunPhase::None;
    std::string message;
    bool terminate = false;  // spec.terminate
    bool deleting = false;
    TimePoint created{};
    std::optional<analysis::Trouble> trouble;  // why it gives no good verdict
    bool operator==(const AnalysisRunSeen&) const = default;
};

// A pod of one of the ReplicaSets above.
struct PodSeen {
    std::string name;
    std::string replica_set;  // its name
    TimePoint created{};
    bool deleting = false;
    std::optional<TimePoint> ready_since;  // nothing where it is not ready
    std::vector<std::uint64_t> marks;      // of its labels and annotations, sorted
    bool operator==(const PodSeen&) const = default;
};

// Stands for one label or annotation of a pod: its upper half for the key alone.
std::uint64_t label_mark(std::string_view key, std::string_view value);
std::uint64_t annotation_mark(std::string_view key, std::string_view value);

struct Observation {
    RolloutSeen rollout;
    std::vector<ReplicaSetSeen> replica_sets;  // any order
    // Every Service the strategy names, once each; exists = false for one that is not there.
    std::vector<ServiceSeen> services;
    // One per router set in trafficRouting and served, in the order upstream reconciles them.
    std::vector<RouteSeen> routes;
    std::vector<AnalysisRunSeen> analysis_runs;  // any order
    // Of runs that are not this Rollout's: no run of its own can be made under them.
    std::set<std::string> taken_run_names;
    std::vector<PodSeen> pods;  // any order; only where a restart or metadata asks for them
    // What decoding and reference validation found (templates missing, ingress without a matching
    // rule …), in upstream's words; the first is shown. Services are judged by decide itself.
    std::vector<std::string> problems;
    // A ReplicaSet named `<rollout>-<template_hash>` stands there that is none of replica_sets (it
    // has another owner, or this selector does not match it): the name is taken, count a collision.
    bool name_taken = false;
    bool operator==(const Observation&) const = default;
};

std::string to_text(RunPhase phase);               // "" for None
RunPhase run_phase_from(const std::string& text);  // None for anything unknown
std::string to_text(RunType type);

}  // namespace sluice::policy::rollout
