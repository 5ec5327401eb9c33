// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/prometheus.hpp"

#include <nlohmann/json.hpp>

#include "analysis/conditions/condition.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

constexpr Duration default_timeout = std::chrono::seconds{30};

bool is_url(std::string_view text) {
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return false;
    const auto scheme = to_lower(text.substr(0, scheme_end));
    return (scheme == "http" || scheme == "https") && text.size() > scheme_end + 3 &&
           text[scheme_end + 3] != '/';
}

Result<std::string> address_of(const crds::PrometheusMetric& metric,
                               const ProviderSettings& settings) {
    std::string address = metric.address.empty() ? settings.prometheus_address : metric.address;
    if (address.empty()) return invalid("prometheus address is not configured");
    if (!is_url(address)) return invalid("prometheus address is not is url format");
    while (address.ends_with('/')) address.pop_back();
    return address;
}

Result<std::vector<HttpHeader>> headers_of(const crds::PrometheusMetric& metric) {
    if (metric.oauth2) return invalid("prometheus authentication oauth2 is not served yet");
    if (metric.sigv4) return invalid("prometheus authentication sigv4 is not served yet");
    std::vector<HttpHeader> headers{{"Content-Type", "application/x-www-form-urlencoded"},
                                    {"Accept", "application/json"}};
    for (const auto& header : metric.headers) {
        if (header.key.find_first_of("\r\n:") != std::string::npos ||
            header.value.find_first_of("\r\n") != std::string::npos)
            return invalid(concat("header ", header.key, " holds a line break or a colon"));
        headers.push_back({header.key, header.value});
    }
    if (metric.basic_username.empty() && metric.basic_password.empty()) return headers;
    const std::string missing = "missing mandatory parameter in metric for basic auth setup: ";
    if (metric.basic_username.empty()) return invalid(missing + "username");
    if (metric.basic_password.empty()) return invalid(missing + "password");
    headers.push_back({"Authorization", "Basic " + base64_encode(concat(metric.basic_username, ":",
                                                                        metric.basic_password))});
    return headers;
}

// Seconds since the epoch with milliseconds, as the API takes them.
std::string unix_text(TimePoint when) {
    return format_float(static_cast<double>(when.time_since_epoch().count()) / 1000);
}

Result<std::string> range_parameters(const crds::PrometheusRange& range, TimePoint now) {
    const auto start = TRY(
        evaluate_time(range.start, now).while_doing("failed to parse rangeQuery.start as time"));
    const auto end =
        TRY(evaluate_time(range.end, now).while_doing("failed to parse rangeQuery.end as time"));
    const auto step =
        TRY(parse_duration(range.step).while_doing("failed to parse rangeQuery.step as duration"));
    return concat("&start=", unix_text(start), "&end=", unix_text(end),
                  "&step=", format_float(static_cast<double>(step.count()) / 1000));
}

// [time, "value"]
Result<double> sample_value(const Json& sample) {
    if (sample.is_array() && sample.size() == 2 && sample[1].is_string())
        if (const auto number = parse_number(sample[1].get<std::string>())) return *number;
    return unavailable("bad_response: a sample is not [time, \"value\"]");
}

Result<std::vector<double>> vector_values(const Json& result) {
    std::vector<double> values;
    for (const auto& series : result) {
        const Json* sample = find(series, {"value"});
        // A native histogram has no float that a condition could look at.
        if (!sample) return unavailable("bad_response: a series of the vector has no value");
        values.push_back(TRY(sample_value(*sample)));
    }
    return values;
}

Result<std::vector<double>> matrix_values(const Json& result) {
    std::vector<double> values;
    for (const auto& series : result) {
        const Json* samples = find(series, {"values"});
        if (!samples) continue;
        for (const auto& sample : *samples) values.push_back(TRY(sample_value(sample)));
    }
    return values;
}

Result<Reading> read_data(const Json& data) {
    const std::string type = text_at(data, {"resultType"});
    const Json* result = find(data, {"result"});
    if (!result || !result->is_array()) return unavailable("bad_response: no result in the data");
    if (type == "scalar") {
        const double value = TRY(sample_value(*result));
        return Reading{Value{value}, format_float(value), {}};
    }
    if (type != "vector" && type != "matrix")
        return invalid("Prometheus metric type not supported");
    const auto values = TRY(type == "vector" ? vector_values(*result) : matrix_values(*result));
    std::vector<std::string> texts;
    for (const double value : values) texts.push_back(format_float(value));
    return Reading{floats(values), "[" + join(texts, ",") + "]", {}};
}

std::string warnings_in(const Json& answer) {
    std::vector<std::string> warnings;
    if (const Json* list = find(answer, {"warnings"}); list && list->is_array())
        for (const auto& warning : *list)
            if (warning.is_string()) warnings.push_back("\"" + warning.get<std::string>() + "\"");
    return join(warnings, ", ");
}

}  // namespace

Result<Query> build_prometheus_query(const crds::PrometheusMetric& metric,
                                     const ProviderSettings& settings, TimePoint now) {
    const std::string address = TRY(address_of(metric, settings));
    if (metric.timeout && *metric.timeout < 0)
        return invalid("prometheus timeout should not be negative");
    // A day bounds what the clock can hold; 0 is read as "not set".
    const auto timeout = metric.timeout && *metric.timeout > 0
                             ? Duration{std::chrono::seconds{std::min(*metric.timeout, 86'400L)}}
                             : default_timeout;
    Query query{.request = {.method = "POST",
                            .headers = TRY(headers_of(metric)),
                            .body = "query=" + percent_encode(metric.query),
                            .deadline = timeout},
                .insecure = metric.insecure};
    if (metric.range) {
        query.request.url = address + "/api/v1/query_range";
        query.request.body += TRY(range_parameters(*metric.range, now));
        return query;
    }
    query.request.url = address + "/api/v1/query";
    query.request.body += "&time=" + unix_text(std::chrono::floor<std::chrono::seconds>(now));
    return query;
}

Result<Reading> parse_prometheus_response(const HttpResponse& response) {
    // 400 and 422 carry the API's own error; so may 503, whose body client_golang does not read.
    const bool api_answer = response.status / 100 == 2 || response.status == 400 ||
                            response.status == 422 || response.status == 503;
    const auto answer = api_answer ? parse_json(response.body) : Result<Json>(invalid("no answer"));
    if (answer.ok() && text_at(*answer, {"status"}) == "error")
        return unavailable(
            concat(text_at(*answer, {"errorType"}), ": ", text_at(*answer, {"error"})));
    if (response.status / 100 == 4)
        return unavailable(concat("client_error: client error: ", response.status));
    if (response.status / 100 == 5)
        return unavailable(concat("server_error: server error: ", response.status));
    if (response.status / 100 != 2)
        return unavailable(concat("bad_response: bad response code ", response.status));
    if (!answer.ok()) return unavailable("bad_response: " + answer.error().message);
    const Json* data = find(*answer, {"data"});
    if (!data) return unavailable("bad_response: no data in the answer");
    Reading reading = TRY(read_data(*data));
    if (const auto warnings = warnings_in(*answer); !warnings.empty())
        reading.metadata["warnings"] = warnings;
    return reading;
}

}  // namespace sluice::analysis
