// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/google_monitoring.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/jwt.hpp"
#include "analysis/providers/oauth2.hpp"
#include "analysis/providers/prometheus.hpp"
#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace google_monitoring {
namespace {

constexpr const char* default_address = "https://monitoring.googleapis.com";
constexpr const char* scope = "https://www.googleapis.com/auth/monitoring.read";
constexpr const char* metadata_token =
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";

bool is_promql(const Json& config) {
    return !text_at(config, {"promQL"}).empty();
}

std::string project_of(const Json& config, const Credentials& credentials) {
    const std::string named = text_at(config, {"project"});
    return named.empty() ? secret_entry(credentials, "project") : named;
}

Result<Query> key_query(const Json& key, TimePoint now) {
    const std::string token_uri =
        text_at(key, {"token_uri"}, "https://oauth2.googleapis.com/token");
    const long issued =
        std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() / std::chrono::seconds{1};
    const Json claims = {{"iss", text_at(key, {"client_email"})},
                         {"scope", scope},
                         {"aud", token_uri},
                         {"iat", issued},
                         {"exp", issued + 3600}};
    const auto token =
        TRY(signed_token(claims, text_at(key, {"private_key"})).while_doing("serviceAccountKey"));
    return Query{.request = {.method = "POST",
                             .url = token_uri,
                             .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                             .body = concat("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3A"
                                            "jwt-bearer&assertion=",
                                            token),
                             .deadline = std::chrono::seconds{10}}};
}

Query question(const Json& config, const Credentials& credentials, TimePoint now) {
    std::string address = text_at(config, {"address"}, default_address);
    while (address.ends_with('/')) address.pop_back();
    const std::string project = percent_encode(project_of(config, credentials));
    Query query{.request = {.method = "POST", .deadline = std::chrono::seconds{30}}};
    if (is_promql(config)) {
        const long at = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() /
                        std::chrono::seconds{1};
        query.request.url =
            concat(address, "/v1/projects/", project, "/location/global/prometheus/api/v1/query");
        query.request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
        query.request.body =
            concat("query=", percent_encode(text_at(config, {"promQL"})), "&time=", at);
        return query;
    }
    query.request.url = concat(address, "/v3/projects/", project, "/timeSeries:query");
    query.request.headers = {{"Content-Type", "application/json"}};
    query.request.body = sluice::to_text(Json{{"query", text_at(config, {"query"})}});
    return query;
}

// int64 crosses as text.
std::optional<double> typed_value(const Json& value) {
    if (const Json* real = find(value, {"doubleValue"})) {
        if (real->is_number()) return real->get<double>();
        if (real->is_string()) return parse_number(real->get<std::string>());
    }
    if (const Json* whole = find(value, {"int64Value"}); whole && whole->is_string())
        return parse_number(whole->get<std::string>());
    return std::nullopt;
}

// Points come newest first.
Result<Reading> read_series(const Json& answer) {
    const Json* series = find(answer, {"timeSeriesData"});
    std::vector<double> values;
    if (series && series->is_array())
        for (const auto& one : *series) {
            const Json* points = find(one, {"pointData"});
            if (!points || !points->is_array() || points->empty()) continue;
            const Json* columns = find(points->front(), {"values"});
            if (!columns || !columns->is_array() || columns->empty()) continue;
            const auto value = typed_value(columns->front());
            if (!value)
                return unavailable("a point has no number: " + go_json_text(columns->front()));
            values.push_back(*value);
        }
    return one_or_all(values);
}

}  // namespace
}  // namespace google_monitoring

using namespace google_monitoring;

std::optional<CredentialsRef> google_monitoring_credentials(const Json& config) {
    if (text_at(config, {"secretRef", "name"}).empty()) return std::nullopt;
    return named_secret(config, "");
}

Result<Query> build_google_monitoring_query(const Json& config, const Credentials& credentials,
                                            TimePoint now) {
    if (is_promql(config) == !text_at(config, {"query"}).empty())
        return invalid("google-cloud-monitoring needs either promQL or query");
    if (project_of(config, credentials).empty())
        return invalid("google-cloud-monitoring needs a project");
    const std::string text = secret_entry(credentials, "serviceAccountKey");
    if (!text.empty()) {
        const auto key = parse_json(text);
        if (!key.ok()) return invalid("serviceAccountKey is no JSON");
        return key_query(*key, now);
    }
    if (!text_at(config, {"secretRef", "name"}).empty())
        return invalid("serviceAccountKey not found");
    return Query{.request = {.url = metadata_token,
                             .headers = {{"Metadata-Flavor", "Google"}},
                             .deadline = std::chrono::seconds{10}}};
}

Result<std::optional<Query>> next_google_monitoring_query(const Json& config,
                                                          const Credentials& credentials,
                                                          TimePoint now,
                                                          const HttpResponse& response, int step) {
    if (step > 0) return std::optional<Query>{};
    return std::optional(
        with_bearer(question(config, credentials, now), TRY(oauth2_token(response))));
}

Result<Reading> parse_google_monitoring_response(const Json& config, const HttpResponse& response) {
    if (is_promql(config)) return parse_prometheus_response(response);
    const auto answer = parse_json(response.body);
    if (response.status != 200) {
        const std::string said = answer.ok() ? text_at(*answer, {"error", "message"}) : "";
        return unavailable(concat("google-cloud-monitoring answered ", response.status, ": ",
                                  said.empty() ? body_start(response) : said,
                                  retry_after_text(response)));
    }
    if (!answer.ok())
        return unavailable("google-cloud-monitoring's answer: " + answer.error().message);
    return read_series(*answer);
}

}  // namespace sluice::analysis
