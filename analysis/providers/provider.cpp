// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/provider.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/judge.hpp"
#include "analysis/providers/prometheus.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

// The metric's only provider, decoded as Prometheus.
Result<crds::PrometheusMetric> prometheus_of(const crds::Metric& metric) {
    if (metric.providers.empty()) return invalid("no provider specified");
    if (metric.providers.size() > 1) return invalid("multiple providers specified");
    const auto& provider = metric.providers.front();
    if (provider.name != "prometheus")
        return invalid(concat("provider ", provider.name, " is not served yet"));
    const Json config = TRY(parse_json(provider.config));
    std::vector<Problem> problems;
    auto decoded = crds::decode_prometheus(Field(config, problems, "provider.prometheus"));
    if (!problems.empty()) return invalid(sluice::to_text(problems.front()));
    return decoded;
}

}  // namespace

Result<Query> build_query(const crds::Metric& metric, const ProviderSettings& settings,
                          TimePoint now) {
    if (is_judged(metric)) return build_judge_query(metric.providers.front().config, settings, now);
    return build_prometheus_query(TRY(prometheus_of(metric)), settings, now);
}

Result<Reading> parse_reading(const crds::Metric& metric, const HttpResponse& response) {
    if (is_judged(metric)) return parse_judge_response(metric.providers.front().config, response);
    TRY(prometheus_of(metric));
    return parse_prometheus_response(response);
}

crds::TextMap metadata_of(const crds::Metric& metric) {
    const auto prometheus = prometheus_of(metric);
    if (!prometheus.ok() || prometheus->query.empty()) return {};
    return {{"ResolvedPrometheusQuery", prometheus->query}};
}

}  // namespace sluice::analysis
