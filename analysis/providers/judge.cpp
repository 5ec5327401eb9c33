// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/judge.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/judge/prometheus_source.hpp"
#include "analysis/judge/words.hpp"
#include "analysis/providers/prometheus.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace judge_provider_detail {
namespace {

Result<judge::JudgedMetric> metric_in(std::string_view config) {
    const Json block = TRY(parse_json(config));
    std::vector<Problem> problems;
    const Field root(block, problems, "provider.plugin.sluice/judge");
    auto metric = judge::decode_judged_metric(root);
    report_unknown(root);
    if (problems.empty()) return metric;
    std::vector<std::string> texts;
    for (const auto& problem : problems) texts.push_back(sluice::to_text(problem));
    return invalid(join(texts, "; "));
}

// The matrix, or the API's own error.
Result<Json> matrix_in(const HttpResponse& response) {
    const auto answer = parse_json(response.body);
    if (answer.ok() && text_at(*answer, {"status"}) == "error")
        return unavailable(
            concat(text_at(*answer, {"errorType"}), ": ", text_at(*answer, {"error"})));
    if (response.status / 100 != 2)
        return unavailable(concat("Prometheus answered ", response.status));
    if (!answer.ok())
        return unavailable("Prometheus' answer is no JSON: " + answer.error().message);
    const Json* data = find(*answer, {"data"});
    if (!data) return unavailable("Prometheus' answer has no data");
    return *data;
}

// The columns that the answer holds: up to its newest sample.
judge::Range range_in(const Json& data, const judge::Source& source) {
    double newest = 0;
    if (const Json* result = find(data, {"result"}); result && result->is_array())
        for (const auto& series : *result)
            if (const Json* values = find(series, {"values"}); values && values->is_array())
                for (const auto& sample : *values)
                    if (sample.is_array() && !sample.empty() && sample[0].is_number())
                        newest = std::max(newest, sample[0].get<double>());
    const double buckets = std::ceil(source.window / source.bucket) + judge::lead_buckets;
    return {newest - buckets * source.bucket, newest, source.bucket};
}

crds::AnalysisPhase phase_of(judge::Verdict verdict, bool late) {
    switch (verdict) {
        case judge::Verdict::Pass: return crds::AnalysisPhase::Successful;
        case judge::Verdict::Fail: return crds::AnalysisPhase::Failed;
        case judge::Verdict::Inconclusive: break;
    }
    return late ? crds::AnalysisPhase::Inconclusive : crds::AnalysisPhase::Running;
}

std::string counts_text(const judge::MetricVerdict& verdict, bool canary) {
    const auto& counts = canary ? verdict.canary_counts : verdict.baseline_counts;
    const std::string level = judge::plain(canary ? verdict.canary : verdict.baseline);
    if (counts.total <= 0) return level;
    if (verdict.dispersion <= 0 || counts.bad <= 0)
        return concat(level, " of ", judge::plain(counts.total));
    return concat(judge::plain(counts.bad), " of ", judge::plain(counts.total));
}

constexpr std::string_view plugin = "sluice/judge";
constexpr double false_alarm = 0.01;  // of an attempt

// The plugin's block, where it stands and names no falseAlarm.
Json* sharing_block(Json& metric) {
    Json* at = &metric;
    for (const std::string_view key :
         {std::string_view("provider"), std::string_view("plugin"), plugin}) {
        if (!at->is_object()) return nullptr;
        const auto below = at->find(key);
        if (below == at->end()) return nullptr;
        at = &*below;
    }
    return at->is_object() && !at->contains("falseAlarm") ? at : nullptr;
}

}  // namespace
}  // namespace judge_provider_detail

using namespace judge_provider_detail;

bool shares_false_alarm(const crds::MetricDocument& metric) {
    if (metric.text.find(plugin) == std::string::npos) return false;  // nearly always
    auto document = parse_json(metric.text);
    return document.ok() && sharing_block(*document);
}

size_t sharing_false_alarm(const std::vector<crds::MetricDocument>& metrics) {
    return static_cast<size_t>(std::count_if(metrics.begin(), metrics.end(), shares_false_alarm));
}

crds::MetricDocument with_false_alarm_share(crds::MetricDocument metric, size_t sharing) {
    if (sharing < 2 || metric.text.find(plugin) == std::string::npos) return metric;
    auto document = parse_json(metric.text);
    Json* block = document.ok() ? sharing_block(*document) : nullptr;
    if (!block) return metric;
    // Rounded down to what people can read.
    constexpr double digits = 1e8;
    (*block)["falseAlarm"] =
        std::floor(digits * false_alarm / static_cast<double>(sharing)) / digits;
    metric.text = sluice::to_text(*document);
    return metric;
}

bool is_judged(const crds::Metric& metric) {
    return metric.providers.size() == 1 && metric.providers.front().name == judge_provider;
}

Result<Query> build_judge_query(std::string_view config, const ProviderSettings& settings,
                                TimePoint now) {
    const auto metric = TRY(metric_in(config));
    return build_judge_question(metric, settings, judge::range_of(metric.source, now));
}

Result<Query> build_judge_question(const judge::JudgedMetric& metric,
                                   const ProviderSettings& settings, const judge::Range& range) {
    // Address, headers and TLS are as of any Prometheus metric; the query is ours.
    Query query = TRY(build_prometheus_query(metric.source.server, settings, {}));
    const std::string instant = "/api/v1/query";
    query.request.url += query.request.url.ends_with(instant) ? "_range" : "";
    query.request.body = judge::form_of(metric, range);
    return query;
}

Result<judge::ArmsSeen> read_judge_answer(const judge::JudgedMetric& metric,
                                          const HttpResponse& response, const judge::Range& range) {
    return judge::read_matrix(metric, TRY(matrix_in(response)), range);
}

Result<Reading> parse_judge_response(std::string_view config, const HttpResponse& response) {
    const auto metric = TRY(metric_in(config));
    const Json data = TRY(matrix_in(response));
    const auto range = range_in(data, metric.source);
    const auto arms = TRY(judge::read_matrix(metric, data, range));
    const auto [verdict, late] = judge::look_at(metric, arms, range.end);
    const Json value = {{"verdict", judge::to_text(verdict.verdict)},
                        {"estimate", verdict.estimate},
                        {"low", verdict.low},
                        {"high", verdict.high}};
    Reading reading{.result = Value{std::string(judge::to_text(verdict.verdict))},
                    .text = sluice::to_text(value),
                    .metadata = {{"baseline", counts_text(verdict, false)},
                                 {"canary", counts_text(verdict, true)},
                                 {"buckets", std::to_string(verdict.buckets)},
                                 {"failsAbove", judge::plain(verdict.fails_above)},
                                 {"passesBelow", judge::plain(verdict.passes_below)},
                                 {"falseAlarm", judge::percent(metric.settings.false_alarm)}},
                    .phase = phase_of(verdict.verdict, late),
                    .message = verdict.reason};
    if (!verdict.needs.empty()) reading.metadata["needs"] = verdict.needs;
    return reading;
}

Duration judge_interval(const crds::Metric& metric) {
    const auto found = metric.providers.empty() ? Result<judge::JudgedMetric>(invalid("none"))
                                                : metric_in(metric.providers.front().config);
    const double seconds = found.ok() ? found->source.bucket : judge::Source{}.bucket;
    return Duration{static_cast<long>(seconds * 1000)};
}

}  // namespace sluice::analysis
