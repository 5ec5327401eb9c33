// SPDX-License-Identifier: Apache-2.0
// `provider.plugin: {"sluice/judge": {…}}`: the judge (analysis/judge) as a metric provider. One
// measurement asks and asks again, a bucket later, until there is a verdict; meanwhile it is
// Running. Every look rests on the whole window, so a restart changes nothing.
#pragma once

#include <vector>

#include "analysis/judge/prometheus_source.hpp"
#include "analysis/providers/provider.hpp"

namespace sluice::analysis {

inline constexpr std::string_view judge_provider = "plugin sluice/judge";

// True for a metric that the judge measures: what goes wrong on the way holds it (Running), for
// errors of the judge must neither pass nor count against the canary.
bool is_judged(const crds::Metric& metric);

// α is 1 % for one attempt: all metrics, all steps, all looks together. A judged metric that names
// no falseAlarm of its own shares it evenly with the others.
bool shares_false_alarm(const crds::MetricDocument& metric);
size_t sharing_false_alarm(const std::vector<crds::MetricDocument>& metrics);
// The metric with its share written into it, among so many; any other metric as it is.
crds::MetricDocument with_false_alarm_share(crds::MetricDocument metric, size_t sharing);

// The question for a range of time, and both arms from its answer.
Result<Query> build_judge_question(const judge::JudgedMetric& metric,
                                   const ProviderSettings& settings, const judge::Range& range);
Result<judge::ArmsSeen> read_judge_answer(const judge::JudgedMetric& metric,
                                          const HttpResponse& response, const judge::Range& range);

// Invalid: the block has problems, all of them told.
Result<Query> build_judge_query(std::string_view config, const ProviderSettings& settings,
                                TimePoint now);
// The reading's phase is the verdict; its value is {"verdict", "estimate", "low", "high", …}.
Result<Reading> parse_judge_response(std::string_view config, const HttpResponse& response);
// How long until the judge looks again.
Duration judge_interval(const crds::Metric& metric);

}  // namespace sluice::analysis
