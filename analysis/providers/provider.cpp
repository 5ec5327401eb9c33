// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/provider.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "analysis/providers/datadog.hpp"
#include "analysis/providers/graphite.hpp"
#include "analysis/providers/influxdb.hpp"
#include "analysis/providers/judge.hpp"
#include "analysis/providers/new_relic.hpp"
#include "analysis/providers/prometheus.hpp"
#include "analysis/providers/skywalking.hpp"
#include "analysis/providers/wavefront.hpp"
#include "analysis/providers/web.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace providers {
namespace {

struct Config {
    std::string_view text;
    Json json;
};

struct Asked {
    const Config& config;
    const ProviderSettings& settings;
    TimePoint now;
    const Credentials& credentials;
};

// One row per provider: what it asks, what it makes of the answer, whose Secret it needs.
struct Served {
    std::string_view name;
    Result<Query> (*build)(const Asked&);
    Result<Reading> (*parse)(const Config&, const HttpResponse&);
    std::optional<CredentialsRef> (*credentials)(const Json& config) = nullptr;
};

Result<crds::PrometheusMetric> prometheus_in(const Json& config) {
    std::vector<Problem> problems;
    auto decoded = crds::decode_prometheus(Field(config, problems, "provider.prometheus"));
    if (!problems.empty()) return invalid(sluice::to_text(problems.front()));
    return decoded;
}

Result<Query> ask_prometheus(const Asked& asked) {
    return build_prometheus_query(TRY(prometheus_in(asked.config.json)), asked.settings, asked.now);
}
Result<Query> ask_judge(const Asked& asked) {
    return build_judge_query(asked.config.text, asked.settings, asked.now);
}
Result<Query> ask_datadog(const Asked& asked) {
    return build_datadog_query(asked.config.json, asked.credentials, asked.now);
}
Result<Query> ask_wavefront(const Asked& asked) {
    return build_wavefront_query(asked.config.json, asked.credentials, asked.now);
}
Result<Query> ask_skywalking(const Asked& asked) {
    return build_skywalking_query(asked.config.json, asked.now);
}

// For providers whose questions and answers need less than there is.
template <Result<Query> (*build)(const Json&)>
Result<Query> ask(const Asked& asked) {
    return build(asked.config.json);
}
template <Result<Query> (*build)(const Json&, const Credentials&)>
Result<Query> ask(const Asked& asked) {
    return build(asked.config.json, asked.credentials);
}
template <Result<Reading> (*parse)(const HttpResponse&)>
Result<Reading> read(const Config&, const HttpResponse& response) {
    return parse(response);
}
template <Result<Reading> (*parse)(const Json&, const HttpResponse&)>
Result<Reading> read(const Config& config, const HttpResponse& response) {
    return parse(config.json, response);
}
template <Result<Reading> (*parse)(std::string_view, const HttpResponse&)>
Result<Reading> read(const Config& config, const HttpResponse& response) {
    return parse(config.text, response);
}

constexpr std::array<Served, 9> served{
    {{"prometheus", ask_prometheus, read<parse_prometheus_response>},
     {judge_provider, ask_judge, read<parse_judge_response>},
     {"web", ask<build_web_query>, read<parse_web_response>},
     {"graphite", ask<build_graphite_query>, read<parse_graphite_response>},
     {"datadog", ask_datadog, read<parse_datadog_response>, datadog_credentials},
     {"newRelic", ask<build_new_relic_query>, read<parse_new_relic_response>,
      new_relic_credentials},
     {"wavefront", ask_wavefront, read<parse_wavefront_response>, wavefront_credentials},
     {"influxdb", ask<build_influxdb_query>, read<parse_influxdb_response>, influxdb_credentials},
     {"skywalking", ask_skywalking, read<parse_skywalking_response>}}};

// The metric's only provider, with its configuration.
struct Chosen {
    const Served* provider;
    Config config;
};

Result<Chosen> choose(const crds::Metric& metric) {
    if (metric.providers.empty()) return invalid("no provider specified");
    if (metric.providers.size() > 1) return invalid("multiple providers specified");
    const auto& named = metric.providers.front();
    for (const auto& provider : served)
        if (provider.name == named.name)
            return Chosen{&provider, {named.config, TRY(parse_json(named.config))}};
    return invalid(concat("provider ", named.name, " is not served yet"));
}

}  // namespace
}  // namespace providers

Result<Query> build_query(const crds::Metric& metric, const ProviderSettings& settings,
                          TimePoint now, const Credentials& credentials) {
    const auto chosen = TRY(providers::choose(metric));
    return chosen.provider->build({chosen.config, settings, now, credentials});
}

Result<Reading> parse_reading(const crds::Metric& metric, const HttpResponse& response) {
    const auto chosen = TRY(providers::choose(metric));
    return chosen.provider->parse(chosen.config, response);
}

std::optional<CredentialsRef> credentials_of(const crds::Metric& metric) {
    const auto chosen = providers::choose(metric);
    if (!chosen.ok() || !chosen->provider->credentials) return std::nullopt;
    return chosen->provider->credentials(chosen->config.json);
}

crds::TextMap metadata_of(const crds::Metric& metric) {
    const auto chosen = providers::choose(metric);
    if (!chosen.ok()) return {};
    const bool is_prometheus = chosen->provider->name == "prometheus";
    const std::string query =
        is_prometheus ? text_at(chosen->config.json, {"query"}) : std::string();
    if (query.empty()) return {};
    return {{"ResolvedPrometheusQuery", query}};
}

}  // namespace sluice::analysis
