// SPDX-License-Identifier: Apache-2.0
// argoproj.io/v1alpha1 Rollout as typed values (argo-rollouts.md 1.2-1.4, 1.14). The pod template
// is no part of them: it is a document (DESIGN D11), here only as facts about it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/field.hpp"
#include "base/time.hpp"
#include "crds/injected.hpp"
#include "crds/rollout_duration.hpp"
#include "crds/traffic_routing.hpp"

namespace sluice::crds {

// ---- keys that cross the API (argo-rollouts.md 1.15) ----

inline constexpr const char* pod_template_hash_label = "rollouts-pod-template-hash";
inline constexpr const char* revision_annotation = "rollout.argoproj.io/revision";
inline constexpr const char* revision_history_annotation = "rollout.argoproj.io/revision-history";
inline constexpr const char* desired_replicas_annotation = "rollout.argoproj.io/desired-replicas";
inline constexpr const char* scale_down_deadline_annotation = "scale-down-deadline";
inline constexpr const char* managed_by_annotation =
    "argo-rollouts.argoproj.io/managed-by-rollouts";

// ---- spec ----

// One `args` entry of an analysis as a Rollout gives it.
struct AnalysisArgument {
    std::string name;
    std::optional<std::string> value;
    std::string pod_template_hash_value;  // "Stable", "Latest", or empty
    std::string field_path;               // fieldRef.fieldPath, or empty
    bool operator==(const AnalysisArgument&) const = default;
};

struct AnalysisTemplateRef {
    std::string template_name;
    bool cluster_scope = false;
    bool operator==(const AnalysisTemplateRef&) const = default;
};

struct MeasurementRetention {
    std::string metric_name;  // a regular expression
    long limit = 0;
    bool operator==(const MeasurementRetention&) const = default;
};

struct RolloutAnalysis {
    std::vector<AnalysisTemplateRef> templates;
    std::vector<AnalysisArgument> args;
    std::vector<std::string> dry_run;  // metricName patterns
    std::vector<MeasurementRetention> measurement_retention;
    TextMap run_labels;       // analysisRunMetadata
    TextMap run_annotations;  // analysisRunMetadata
    bool operator==(const RolloutAnalysis&) const = default;
};

// canary.analysis: runs beside the steps from `starting_step` on.
struct BackgroundAnalysis {
    RolloutAnalysis analysis;
    std::optional<long> starting_step;  // from 0
    bool operator==(const BackgroundAnalysis&) const = default;
};

struct SetWeightStep {
    long weight = 0;  // 0..max_traffic_weight
    bool operator==(const SetWeightStep&) const = default;
};

struct PauseStep {
    std::optional<Duration> duration;  // nothing: until a user promotes
    std::string text;                  // the duration as written, for events
    bool operator==(const PauseStep&) const = default;
};

struct SetCanaryScaleStep {
    std::optional<long> weight;
    std::optional<long> replicas;
    bool match_traffic_weight = false;
    bool operator==(const SetCanaryScaleStep&) const = default;
};

struct AnalysisStep {
    RolloutAnalysis analysis;
    bool operator==(const AnalysisStep&) const = default;
};

struct StringMatch {
    std::string exact, prefix, regex;
    bool operator==(const StringMatch&) const = default;
};

struct HeaderMatch {
    std::string header_name;
    StringMatch header_value;
    bool operator==(const HeaderMatch&) const = default;
};

struct SetHeaderRouteStep {
    std::string name;
    std::vector<HeaderMatch> match;  // empty: remove the route
    bool operator==(const SetHeaderRouteStep&) const = default;
};

struct RouteMatch {
    std::optional<StringMatch> method, path;
    std::map<std::string, StringMatch> headers;
    bool operator==(const RouteMatch&) const = default;
};

struct SetMirrorRouteStep {
    std::string name;
    std::vector<RouteMatch> match;  // empty: remove the route
    std::optional<long> percentage;
    bool operator==(const SetMirrorRouteStep&) const = default;
};

// Decoded as far as validation needs it.
struct ExperimentStep {
    std::vector<std::string> template_names;
    bool any_weight = false;
    bool operator==(const ExperimentStep&) const = default;
};

struct PluginStep {
    std::string name;
    bool operator==(const PluginStep&) const = default;
};

// Several kinds at once in a way that upstream lets pass (only setWeight, pause, experiment and
// analysis exclude each other there): "setCanaryScale, setHeaderRoute".
struct CombinedStep {
    std::vector<std::string> kinds;
    bool operator==(const CombinedStep&) const = default;
};

// No kind was set, or several that exclude each other: `kinds` says which. Never valid.
struct MalformedStep {
    std::vector<std::string> kinds;
    bool operator==(const MalformedStep&) const = default;
};

using CanaryStep =
    std::variant<SetWeightStep, PauseStep, SetCanaryScaleStep, AnalysisStep, SetHeaderRouteStep,
                 SetMirrorRouteStep, ExperimentStep, PluginStep, CombinedStep, MalformedStep>;

struct TrafficRouting {
    std::optional<NginxConfig> nginx;
    std::optional<IstioConfig> istio;
    std::vector<std::string> others;   // routers set but not served: "alb", "smi", …
    std::vector<std::string> plugins;  // keys of trafficRouting.plugins
    std::vector<std::string> managed_routes;
    std::optional<long> max_traffic_weight;  // 100 where absent
    bool operator==(const TrafficRouting&) const = default;
};

struct PodAntiAffinity {
    bool preferred = false;
    bool required = false;
    long weight = 0;
    bool operator==(const PodAntiAffinity&) const = default;
};

struct ProgressThreshold {
    bool percent = false;  // else pods
    long value = 0;
    bool operator==(const ProgressThreshold&) const = default;
};

struct CanaryStrategy {
    std::string canary_service;
    std::string stable_service;
    std::vector<CanaryStep> steps;
    std::optional<TrafficRouting> traffic_routing;
    std::optional<IntOrString> max_surge;        // "25%" where absent
    std::optional<IntOrString> max_unavailable;  // "25%" where absent
    std::optional<BackgroundAnalysis> analysis;
    std::optional<PodAntiAffinity> anti_affinity;
    PodMetadata canary_metadata, stable_metadata;
    std::optional<long> scale_down_delay_seconds;
    std::optional<long> scale_down_delay_revision_limit;
    std::optional<long> abort_scale_down_delay_seconds;
    bool dynamic_stable_scale = false;
    bool ping_pong = false;
    std::string ping_service, pong_service;
    std::optional<long> min_pods_per_replica_set;
    std::optional<ProgressThreshold> replica_progress_threshold;
    bool operator==(const CanaryStrategy&) const = default;
};

struct BlueGreenStrategy {
    std::string active_service;
    std::string preview_service;
    std::optional<long> preview_replica_count;
    bool auto_promotion_enabled = true;
    long auto_promotion_seconds = 0;
    std::optional<IntOrString> max_unavailable;
    std::optional<long> scale_down_delay_seconds;
    std::optional<long> scale_down_delay_revision_limit;
    std::optional<long> abort_scale_down_delay_seconds;
    std::optional<RolloutAnalysis> pre_promotion_analysis;
    std::optional<RolloutAnalysis> post_promotion_analysis;
    std::optional<PodAntiAffinity> anti_affinity;
    PodMetadata preview_metadata, active_metadata;
    bool operator==(const BlueGreenStrategy&) const = default;
};

struct WorkloadRef {
    std::string api_version, kind, name;
    std::string scale_down;  // "never", "onsuccess", "progressively"; empty is never
    bool operator==(const WorkloadRef&) const = default;
};

struct SelectorRequirement {
    std::string key;
    std::string op;  // In, NotIn, Exists, DoesNotExist
    std::vector<std::string> values;
    bool operator==(const SelectorRequirement&) const = default;
};

struct LabelSelector {
    TextMap match_labels;
    std::vector<SelectorRequirement> match_expressions;
    bool operator==(const LabelSelector&) const = default;
};

struct RolloutSpec {
    std::optional<long> replicas;  // nothing: written back as 1
    std::optional<LabelSelector> selector;
    bool has_template = false;
    std::optional<WorkloadRef> workload_ref;
    long min_ready_seconds = 0;
    std::optional<long> rollback_window_revisions;
    std::optional<CanaryStrategy> canary;
    std::optional<BlueGreenStrategy> blue_green;
    long revision_history_limit = 10;
    bool paused = false;
    long progress_deadline_seconds = 600;
    bool progress_deadline_abort = false;
    std::optional<TimePoint> restart_at;
    long successful_run_history_limit = 5;
    long unsuccessful_run_history_limit = 5;
    bool operator==(const RolloutSpec&) const = default;
};

// ---- status ----

enum class PauseReason {
    CanaryPauseStep,
    BlueGreenPause,
    InconclusiveAnalysisRun,
    InconclusiveExperiment,
};

struct PauseCondition {
    PauseReason reason = PauseReason::CanaryPauseStep;
    TimePoint start_time{};  // whole seconds, as every time in a status
    bool operator==(const PauseCondition&) const = default;
};

enum class ConditionStatus { True, False, Unknown };

// Types and reasons: crds/rollout_conditions.hpp.
struct Condition {
    std::string type;
    ConditionStatus status = ConditionStatus::Unknown;
    std::string reason;
    std::string message;
    TimePoint last_update_time{};
    TimePoint last_transition_time{};
    bool operator==(const Condition&) const = default;
};

// What a status says of an analysis run. `status` is the run's phase, empty until it has one.
struct RunStatus {
    std::string name;
    std::string status;
    std::string message;
    bool operator==(const RunStatus&) const = default;
};

struct WeightDestination {
    long weight = 0;
    std::string service_name;
    std::string pod_template_hash;
    bool operator==(const WeightDestination&) const = default;
};

// Weights in force: written only from what was observed of the routes.
struct TrafficWeights {
    WeightDestination canary;
    WeightDestination stable;
    std::vector<WeightDestination> additional;
    std::optional<bool> verified;
    bool operator==(const TrafficWeights&) const = default;
};

struct CanaryStatus {
    std::optional<RunStatus> current_step_analysis_run;
    std::optional<RunStatus> current_background_analysis_run;
    std::string current_experiment;
    std::optional<TrafficWeights> weights;
    std::string stable_ping_pong;  // "ping", "pong", or empty
    bool operator==(const CanaryStatus&) const = default;
};

struct BlueGreenStatus {
    std::string preview_selector;
    std::string active_selector;
    bool scale_up_preview_check_point = false;
    std::optional<RunStatus> pre_promotion_analysis_run;
    std::optional<RunStatus> post_promotion_analysis_run;
    bool operator==(const BlueGreenStatus&) const = default;
};

struct RolloutStatus {
    bool abort = false;
    std::optional<TimePoint> aborted_at;
    std::vector<PauseCondition> pause_conditions;
    bool controller_pause = false;
    std::string current_pod_hash;
    std::string current_step_hash;
    std::optional<long> current_step_index;  // from 0; the number of steps once all are done
    std::string stable_rs;                   // a pod-template hash
    bool promote_full = false;
    long replicas = 0;
    long updated_replicas = 0;
    long ready_replicas = 0;
    long available_replicas = 0;
    long hpa_replicas = 0;
    std::string selector;  // as text: "app=shop"
    std::optional<long> collision_count;
    std::string observed_generation;  // a text, as upstream's is
    std::string workload_observed_generation;
    std::optional<TimePoint> restarted_at;
    std::vector<Condition> conditions;
    std::string phase;  // "", Healthy, Degraded, Progressing, Paused
    std::string message;
    CanaryStatus canary;
    BlueGreenStatus blue_green;
    std::optional<RolloutDuration> duration;
    bool operator==(const RolloutStatus&) const = default;
};

// ---- the object ----

// Facts about spec.template, computed while decoding.
struct PodTemplateFacts {
    std::string hash;    // pod_template_hash(template, status.collisionCount)
    std::string digest;  // template_digest(template)
    TextMap labels;      // metadata.labels
    long containers = 0;
    bool operator==(const PodTemplateFacts&) const = default;
};

struct Rollout {
    ObjectMeta metadata;
    RolloutSpec spec;
    RolloutStatus status;
    PodTemplateFacts pod_template;
    std::string step_hash;          // argo-rollouts.md 1.16; "" for blue-green
    std::vector<Problem> problems;  // everything wrong with the document, unknown fields included
    bool operator==(const Rollout&) const = default;
};

// Never fails: what is wrong is in `problems`, and what could be read stands (DESIGN D10, D11).
Rollout decode_rollout(const Json& document);
// Asks `root`, which describes, for what the decoder reads (crds/definitions.hpp).
void describe_rollout(const Field& root);

// The part of `status` that Sluice owns, as it crosses the API. Fields of upstream's that are not
// in RolloutStatus are absent from it, so a merge patch of two encodings leaves them alone.
Json encode_status(const RolloutStatus& status);
RolloutStatus decode_status(const Field& status);

std::string to_text(PauseReason reason);
std::string to_text(ConditionStatus status);

// The text of a step in events and messages: "setWeight: 50", "pause: 3s" (argo-rollouts.md 1.3).
std::string to_text(const CanaryStep& step);
// "app=shop,tier in (a,b)": metav1.FormatLabelSelector.
std::string to_text(const LabelSelector& selector);
// Matches as metav1.LabelSelectorAsSelector does; a selector without any rule matches everything.
bool matches(const LabelSelector& selector, const TextMap& labels);

// What upstream's static validation refuses, in its order and words: path "spec.strategy.canary…"
// and what "Invalid value: 101: SetWeight needs to be between 0 and 100" (argo-rollouts.md 1.19).
std::vector<Problem> validate(const Rollout& rollout);

// Why this Rollout cannot be carried out, the first first: what could not be decoded, then what
// validation refuses. Unknown fields are not among them. Each as "path: what".
std::vector<std::string> refusals(const Rollout& rollout);

}  // namespace sluice::crds
