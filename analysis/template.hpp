// SPDX-License-Identifier: Apache-2.0
// From templates to the spec of an AnalysisRun, and what is wrong with templates before anything
// starts (argo-rollouts.md 1.6, 1.19). Pure; error texts are upstream's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "crds/analysis.hpp"

namespace sluice::analysis {

using TemplatePointer = std::shared_ptr<const crds::AnalysisTemplate>;
// Null where there is none. The caller knows the namespace.
using FindTemplate = std::function<TemplatePointer(const crds::AnalysisTemplateRef&)>;

// The templates of the references and those nested in them, each once, namespaced ones first.
// NotFound: "AnalysisTemplate 'x' not found", "ClusterAnalysisTemplate 'x' not found".
Result<std::vector<TemplatePointer>> gather_templates(
    const std::vector<crds::AnalysisTemplateRef>& refs, const FindTemplate& find);

struct RunRequest {
    std::vector<TemplatePointer> templates;  // from gather_templates
    std::vector<crds::Argument> args;        // from resolve_args
    std::vector<std::string> dry_run;        // of the Rollout's analysis; those of templates join
    std::vector<crds::MeasurementRetention> measurement_retention;
    // Metrics of the whole attempt, all its runs together, that share one budget of false alarms
    // (providers/judge.hpp); those of this run at least.
    size_t sharing_false_alarm = 0;
};

// The `spec` document of the run. Invalid: "two metrics have the same name 'x'", "args.x was not
// resolved", "Argument `x` specified multiple times with different values: 'a', 'b'", ….
Result<Json> build_run_spec(const RunRequest& request);

enum class AnalysisUse { Background, Inline };  // Inline: whatever has to end by itself

// What stops a Rollout from using these templates, in upstream's words; empty when nothing does.
// `args`: what the Rollout gives (values that are not known yet may be empty texts).
std::vector<std::string> problems_of(const RunRequest& request, AnalysisUse use);

}  // namespace sluice::analysis
