// SPDX-License-Identifier: Apache-2.0
// argoproj.io/v1alpha1 AnalysisTemplate, ClusterAnalysisTemplate and AnalysisRun as typed values
// (argo-rollouts.md 1.6). Metrics cross as documents: their arguments are put in as text, and
// providers that we do not know must survive the way from a template into a run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/field.hpp"
#include "base/time.hpp"
#include "crds/metadata.hpp"
#include "crds/rollout.hpp"

namespace sluice::crds {

// Those of base stay visible beside the overloads of this namespace.
using sluice::to_text;

// ---- spec ----

struct SecretKeyRef {
    std::string name, key;
    bool operator==(const SecretKeyRef&) const = default;
};

// One `args` entry of a template or a run.
struct Argument {
    std::string name;
    std::optional<std::string> value;
    std::optional<SecretKeyRef> secret;
    std::string field_path;  // valueFrom.fieldRef.fieldPath, or empty
    bool operator==(const Argument&) const = default;

    [[nodiscard]] bool has_source() const { return secret.has_value() || !field_path.empty(); }
};

// A metric before its arguments are known: compact JSON text.
struct MetricDocument {
    std::string name;  // as written; it may hold {{args.x}} itself
    std::string text;
    bool operator==(const MetricDocument&) const = default;
};

struct AnalysisTemplate {
    ObjectMeta metadata;
    bool cluster_scope = false;
    std::vector<MetricDocument> metrics;
    std::vector<Argument> args;
    std::vector<std::string> dry_run;  // metricName patterns
    std::vector<MeasurementRetention> measurement_retention;
    std::vector<AnalysisTemplateRef> templates;
    bool operator==(const AnalysisTemplate&) const = default;
};

struct MetricProvider {
    std::string name;    // "prometheus", "web", …; of a plugin "plugin <its name>"
    std::string config;  // what stands below it, as JSON text
    bool operator==(const MetricProvider&) const = default;
};

// A metric with its arguments put in. Limits are whole numbers or texts that hold one; upstream
// reads any other text as 0.
struct Metric {
    std::string name;
    std::optional<Duration> interval, initial_delay;
    std::optional<IntOrString> count, failure_limit, inconclusive_limit, consecutive_error_limit,
        consecutive_success_limit;
    std::string success_condition, failure_condition;
    std::vector<MetricProvider> providers;  // a valid metric has one
    bool operator==(const Metric&) const = default;
};

struct TtlStrategy {
    std::optional<long> after_completion, after_failure, after_success;  // seconds
    bool operator==(const TtlStrategy&) const = default;
};

struct AnalysisRunSpec {
    std::vector<MetricDocument> metrics;
    std::vector<Argument> args;
    bool terminate = false;
    std::vector<std::string> dry_run;
    std::vector<MeasurementRetention> measurement_retention;
    std::optional<TtlStrategy> ttl;
    bool operator==(const AnalysisRunSpec&) const = default;
};

// ---- status ----

enum class AnalysisPhase { None, Pending, Running, Successful, Failed, Error, Inconclusive };

std::string_view phase_text(AnalysisPhase phase);  // "" for None
// None for a text that is no phase.
AnalysisPhase analysis_phase(std::string_view text);
// Successful, Failed, Error, Inconclusive: nothing more will happen.
bool completed(AnalysisPhase phase);

struct Measurement {
    AnalysisPhase phase = AnalysisPhase::None;
    std::string message;
    std::optional<TimePoint> started, finished, resume;  // whole seconds once stored
    std::string value;
    TextMap metadata;
    bool operator==(const Measurement&) const = default;
};

struct MetricResult {
    std::string name;
    AnalysisPhase phase = AnalysisPhase::None;
    std::vector<Measurement> measurements;  // oldest first
    std::string message;
    long count = 0, successful = 0, failed = 0, inconclusive = 0, error = 0;
    long consecutive_error = 0, consecutive_success = 0;
    bool dry_run = false;
    TextMap metadata;
    bool operator==(const MetricResult&) const = default;
};

struct RunSummary {
    long count = 0, successful = 0, failed = 0, inconclusive = 0, error = 0;
    bool operator==(const RunSummary&) const = default;
};

struct AnalysisRunStatus {
    AnalysisPhase phase = AnalysisPhase::None;
    std::string message;
    std::vector<MetricResult> metric_results;
    std::optional<TimePoint> started, completed;
    RunSummary summary;
    std::optional<RunSummary> dry_run_summary;
    bool operator==(const AnalysisRunStatus&) const = default;
};

struct AnalysisRun {
    ObjectMeta metadata;
    AnalysisRunSpec spec;      // of a finished run only `terminate` and `ttl` (DESIGN D9)
    AnalysisRunStatus status;  // of a finished run without metric results
    // What is wrong with the document; empty for a good one.
    std::vector<Problem> problems;
    bool operator==(const AnalysisRun&) const = default;
};

// ---- the Prometheus provider ----

struct HeaderField {
    std::string key, value;
    bool operator==(const HeaderField&) const = default;
};

struct PrometheusRange {
    std::string start, end;  // expressions that yield a time
    std::string step;        // a duration
    bool operator==(const PrometheusRange&) const = default;
};

struct PrometheusMetric {
    std::string address;  // a URL; empty: the controller's own setting
    std::string query;
    std::optional<long> timeout;  // seconds
    bool insecure = false;        // TLS without verification
    std::vector<HeaderField> headers;
    std::optional<PrometheusRange> range;
    std::string basic_username, basic_password;
    bool oauth2 = false;  // set, which we do not serve yet
    bool sigv4 = false;   // likewise
    bool operator==(const PrometheusMetric&) const = default;
};

// ---- decode and encode ----

// `root` is the whole object. Texts that hold {{…}} are taken as they are: what they become is
// known in a run only.
AnalysisTemplate decode_analysis_template(const Field& root);
AnalysisRun decode_analysis_run(const Field& root);
// For caches: never fails, keeps the problems, and drops what a finished run no longer needs.
AnalysisRun analysis_run_of(const Json& document);
AnalysisTemplate analysis_template_of(const Json& document);

// With arguments put in.
Metric decode_metric(const Field& metric);
PrometheusMetric decode_prometheus(const Field& provider);

// As the API holds it: zero numbers and empty texts are left out (Go's omitempty).
Json encode_analysis_run_status(const AnalysisRunStatus& status);

}  // namespace sluice::crds
