// SPDX-License-Identifier: Apache-2.0
// Arguments of an analysis: where a Rollout takes them from, and how they are put into a metric
// (argo-rollouts.md 1.6). Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "crds/analysis.hpp"

namespace sluice::analysis {

// The arguments that a Rollout hands to an analysis. `rollout` is its document, for fieldRef.
// Invalid with upstream's text; an argument that has neither value nor source is the empty text.
Result<std::vector<crds::Argument>> resolve_args(const std::vector<crds::AnalysisArgument>& args,
                                                 const Json& rollout, std::string_view stable_hash,
                                                 std::string_view latest_hash);

// The value at "metadata.labels['app']" by the rules of the downward API, or at any JSON path such
// as "status.pauseConditions[0].startTime". Invalid where there is none or it is no scalar.
Result<std::string> field_of_rollout(const Json& rollout, std::string_view path);

// Arguments from outside win over those of the templates; names that no template declares are left
// out. Invalid: "args.x was not resolved".
Result<std::vector<crds::Argument>> merge_args(const std::vector<crds::Argument>& incoming,
                                               std::vector<crds::Argument> declared);

// The metric with {{args.x}} (blanks inside allowed) replaced. `secrets` holds the values of
// arguments that come from Secrets. Invalid: `failed to resolve {{args.y}}`, `argument "x" was not
// supplied`, or what is wrong with the metric then.
Result<crds::Metric> resolve_metric(const crds::MetricDocument& metric,
                                    const std::vector<crds::Argument>& args,
                                    const std::map<std::string, std::string>& secrets);

// With every value in `secrets` replaced by *****.
std::string redact(std::string text, const std::map<std::string, std::string>& secrets);

}  // namespace sluice::analysis
