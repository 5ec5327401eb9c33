// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/provider.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "analysis/providers/aws.hpp"
#include "analysis/providers/cloudwatch.hpp"
#include "analysis/providers/datadog.hpp"
#include "analysis/providers/dynatrace.hpp"
#include "analysis/providers/google_monitoring.hpp"
#include "analysis/providers/graphite.hpp"
#include "analysis/providers/influxdb.hpp"
#include "analysis/providers/judge.hpp"
#include "analysis/providers/kayenta.hpp"
#include "analysis/providers/new_relic.hpp"
#include "analysis/providers/oauth2.hpp"
#include "analysis/providers/prometheus.hpp"
#include "analysis/providers/skywalking.hpp"
#include "analysis/providers/splunk.hpp"
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
    const crds::TextMap& earlier;
};

// Nobody needs more: a token, a role, the question.
constexpr int most_requests = 5;

using Next = Result<std::optional<Query>>;

// One row per provider: what it asks, what it makes of the answer, whose credentials it needs, and
// what it asks on.
struct Served {
    std::string_view name;
    Result<Query> (*build)(const Asked&);
    Result<Reading> (*parse)(const Config&, const HttpResponse&);
    std::optional<CredentialsRef> (*credentials)(const Json& config) = nullptr;
    Next (*next)(const Asked&, const HttpResponse&, int step) = nullptr;
};

// ---- prometheus: the question itself, and what goes before it where somebody asks who we are ----

Result<Query> plain_prometheus(const Asked& asked) {
    std::vector<Problem> problems;
    auto metric =
        crds::decode_prometheus(Field(asked.config.json, problems, "provider.prometheus"));
    if (!problems.empty()) return invalid(sluice::to_text(problems.front()));
    metric.oauth2 = metric.sigv4 = false;  // served here
    return build_prometheus_query(metric, asked.settings, asked.now);
}

const Json* sigv4_in(const Json& config) {
    const Json* block = find(config, {"authentication", "sigv4"});
    return block && block->is_object() && !block->empty() ? block : nullptr;
}

std::string region_of(const Json& sigv4, const Credentials& credentials) {
    const auto own = credentials.find("region");
    return text_at(sigv4, {"region"}, own == credentials.end() ? "" : own->second);
}

AwsAccess aws_access(const Asked& asked, const Json& sigv4) {
    return {asked.credentials, region_of(sigv4, asked.credentials), text_at(sigv4, {"roleArn"}),
            asked.now};
}

AskWithKeys signed_prometheus(const Asked& asked, const Json& sigv4) {
    return [&asked, &sigv4](const AwsKeys& keys) -> Result<Query> {
        auto query = plain_prometheus(asked);
        if (query.ok())
            sign_aws(query->request, keys, region_of(sigv4, asked.credentials), "aps", asked.now);
        return query;
    };
}

Result<Query> ask_prometheus(const Asked& asked) {
    const Json& config = asked.config.json;
    if (const auto* oauth2 = oauth2_of(config)) {
        TRY(plain_prometheus(asked));  // what is wrong with the question is told first
        return oauth2_token_query(*oauth2, bool_at(config, {"insecure"}));
    }
    if (const auto* sigv4 = sigv4_in(config)) {
        if (region_of(*sigv4, asked.credentials).empty())
            return invalid("sigv4 needs a region: the metric names none and AWS_REGION is not set");
        TRY(plain_prometheus(asked));
        return first_aws_query(aws_access(asked, *sigv4), signed_prometheus(asked, *sigv4));
    }
    return plain_prometheus(asked);
}

Next next_prometheus(const Asked& asked, const HttpResponse& response, int step) {
    const Json& config = asked.config.json;
    if (oauth2_of(config) && step == 0)
        return std::optional(
            with_bearer(TRY(plain_prometheus(asked)), TRY(oauth2_token(response))));
    if (const auto* sigv4 = sigv4_in(config); sigv4 && !oauth2_of(config))
        return next_aws_query(aws_access(asked, *sigv4), signed_prometheus(asked, *sigv4), response,
                              step);
    return std::optional<Query>{};
}

std::optional<CredentialsRef> prometheus_credentials(const Json& config) {
    if (!sigv4_in(config) || oauth2_of(config)) return std::nullopt;
    return CredentialsRef{.own = "aws"};
}

// ---- web ----

Result<Query> ask_web(const Asked& asked) {
    const Json& config = asked.config.json;
    auto query = TRY(build_web_query(config));
    if (const auto* oauth2 = oauth2_of(config))
        return oauth2_token_query(*oauth2, bool_at(config, {"insecure"}));
    return query;
}

Next next_web(const Asked& asked, const HttpResponse& response, int step) {
    const Json& config = asked.config.json;
    if (step > 0 || !oauth2_of(config)) return std::optional<Query>{};
    return std::optional(with_bearer(TRY(build_web_query(config)), TRY(oauth2_token(response))));
}

// ---- others that need more than their configuration ----

Result<Query> ask_judge(const Asked& asked) {
    return build_judge_query(asked.config.text, asked.settings, asked.now);
}
Result<Query> ask_skywalking(const Asked& asked) {
    return build_skywalking_query(asked.config.json, asked.now);
}
Result<Query> ask_kayenta(const Asked& asked) {
    return build_kayenta_query(asked.config.json, asked.earlier);
}
Next next_kayenta(const Asked& asked, const HttpResponse& response, int step) {
    return next_kayenta_query(asked.config.json, asked.earlier, response, step);
}
Next next_cloudwatch(const Asked& asked, const HttpResponse& response, int step) {
    return next_cloudwatch_query(asked.config.json, asked.credentials, asked.now, response, step);
}
std::optional<CredentialsRef> aws_credentials(const Json&) {
    return CredentialsRef{.own = "aws"};
}

Next next_google(const Asked& asked, const HttpResponse& response, int step) {
    return next_google_monitoring_query(asked.config.json, asked.credentials, asked.now, response,
                                        step);
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
template <Result<Query> (*build)(const Json&, const Credentials&, TimePoint)>
Result<Query> ask(const Asked& asked) {
    return build(asked.config.json, asked.credentials, asked.now);
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

constexpr std::array<Served, 14> served{
    {{"prometheus", ask_prometheus, read<parse_prometheus_response>, prometheus_credentials,
      next_prometheus},
     {judge_provider, ask_judge, read<parse_judge_response>},
     {"web", ask_web, read<parse_web_response>, nullptr, next_web},
     {"graphite", ask<build_graphite_query>, read<parse_graphite_response>},
     {"datadog", ask<build_datadog_query>, read<parse_datadog_response>, datadog_credentials},
     {"newRelic", ask<build_new_relic_query>, read<parse_new_relic_response>,
      new_relic_credentials},
     {"wavefront", ask<build_wavefront_query>, read<parse_wavefront_response>,
      wavefront_credentials},
     {"influxdb", ask<build_influxdb_query>, read<parse_influxdb_response>, influxdb_credentials},
     {"skywalking", ask_skywalking, read<parse_skywalking_response>},
     {"kayenta", ask_kayenta, read<parse_kayenta_response>, nullptr, next_kayenta},
     {"cloudWatch", ask<build_cloudwatch_query>, read<parse_cloudwatch_response>, aws_credentials,
      next_cloudwatch},
     // Flagger's, which Argo Rollouts has not: behind the API's own extension point.
     {dynatrace_provider, ask<build_dynatrace_query>, read<parse_dynatrace_response>,
      dynatrace_credentials},
     {splunk_provider, ask<build_splunk_query>, read<parse_splunk_response>, splunk_credentials},
     {google_monitoring_provider, ask<build_google_monitoring_query>,
      read<parse_google_monitoring_response>, google_monitoring_credentials, next_google}}};

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

Result<Query> first_query(const Inquiry& inquiry) {
    const auto chosen = TRY(providers::choose(inquiry.metric));
    return chosen.provider->build(
        {chosen.config, inquiry.settings, inquiry.now, inquiry.credentials, inquiry.earlier});
}

Result<std::optional<Query>> next_query(const Inquiry& inquiry, const HttpResponse& response,
                                        int step) {
    const auto chosen = TRY(providers::choose(inquiry.metric));
    if (!chosen.provider->next || step + 1 >= providers::most_requests)
        return std::optional<Query>{};
    return chosen.provider->next(
        {chosen.config, inquiry.settings, inquiry.now, inquiry.credentials, inquiry.earlier},
        response, step);
}

Result<Query> build_query(const crds::Metric& metric, const ProviderSettings& settings,
                          TimePoint now, const Credentials& credentials) {
    return first_query({metric, settings, now, credentials});
}

Result<Reading> parse_reading(const crds::Metric& metric, const HttpResponse& response) {
    const auto chosen = TRY(providers::choose(metric));
    return chosen.provider->parse(chosen.config, response);
}

std::optional<Duration> retry_after(const HttpResponse& response) {
    constexpr long longest = 1'000'000;
    if (response.status != 429 && response.status != 503) return std::nullopt;
    const auto text = header(response.headers, "Retry-After");
    const auto seconds = text ? parse_integer(trim(*text)) : std::nullopt;
    if (!seconds || *seconds < 0) return std::nullopt;
    return Duration{std::chrono::seconds{std::min(*seconds, longest)}};
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
