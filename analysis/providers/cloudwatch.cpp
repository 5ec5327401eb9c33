// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/cloudwatch.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/aws.hpp"
#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace cloudwatch {
namespace {

std::string given(const Credentials& credentials, const char* name) {
    const auto found = credentials.find(name);
    return found == credentials.end() ? std::string() : std::string(trim(found->second));
}

// IntOrString, as the API takes it.
std::optional<long> whole(const Json& from, const char* key) {
    const Json* value = find(from, {key});
    if (!value) return std::nullopt;
    if (value->is_number_integer()) return value->get<long>();
    if (value->is_string()) return parse_integer(value->get<std::string>());
    return std::nullopt;
}

Json stat_of(const Json& stat) {
    Json dimensions = Json::array();
    if (const Json* listed = find(stat, {"metric", "dimensions"}); listed && listed->is_array())
        for (const auto& one : *listed)
            dimensions.push_back(
                {{"Name", text_at(one, {"name"})}, {"Value", text_at(one, {"value"})}});
    Json metric = {{"MetricName", text_at(stat, {"metric", "metricName"})}};
    if (const auto ns = text_at(stat, {"metric", "namespace"}); !ns.empty())
        metric["Namespace"] = ns;
    if (!dimensions.empty()) metric["Dimensions"] = std::move(dimensions);
    Json sent = {{"Metric", std::move(metric)}, {"Stat", text_at(stat, {"stat"})}};
    if (const auto period = whole(stat, "period")) sent["Period"] = *period;
    if (const auto unit = text_at(stat, {"unit"}); !unit.empty()) sent["Unit"] = unit;
    return sent;
}

Json query_of(const Json& query) {
    Json sent = {{"Id", text_at(query, {"id"})}};
    if (const auto text = text_at(query, {"expression"}); !text.empty()) sent["Expression"] = text;
    if (const auto text = text_at(query, {"label"}); !text.empty()) sent["Label"] = text;
    if (const Json* stat = find(query, {"metricStat"}); stat && stat->is_object())
        sent["MetricStat"] = stat_of(*stat);
    if (const auto period = whole(query, "period")) sent["Period"] = *period;
    if (const Json* data = find(query, {"returnData"}); data && data->is_boolean())
        sent["ReturnData"] = *data;
    return sent;
}

Result<std::string> body_of(const Json& config, TimePoint now) {
    const Json* listed = find(config, {"metricDataQueries"});
    if (!listed || !listed->is_array() || listed->empty())
        return invalid("cloudWatch metric has no metricDataQueries");
    Json queries = Json::array();
    for (const auto& query : *listed) queries.push_back(query_of(query));
    const std::string wanted = text_at(config, {"interval"});
    const auto interval =
        TRY(parse_duration(wanted.empty() ? "5m" : wanted).while_doing("cloudWatch interval"));
    const auto seconds = [](TimePoint when) {
        return std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
    };
    return sluice::to_text(Json{{"StartTime", seconds(now - interval)},
                                {"EndTime", seconds(now)},
                                {"MetricDataQueries", std::move(queries)}});
}

AskWithKeys ask_of(const Json& config, const Credentials& credentials, TimePoint now) {
    return [&config, &credentials, now](const AwsKeys& keys) -> Result<Query> {
        const std::string region = given(credentials, "region");
        std::string url = given(credentials, "cloudwatch-url");
        if (url.empty())
            url = concat("https://monitoring.", region, ".amazonaws.com",
                         region.starts_with("cn-") ? ".cn" : "", "/");
        Query query{.request = {.method = "POST",
                                .url = url,
                                .headers = {{"Content-Type", "application/x-amz-json-1.0"},
                                            {"X-Amz-Target",
                                             "GraniteServiceVersion20100801.GetMetricData"}},
                                .body = TRY(body_of(config, now)),
                                .deadline = std::chrono::seconds{30}}};
        sign_aws(query.request, keys, region, "monitoring", now);
        return query;
    };
}

// "[[0.5 1] []]", as upstream shows it.
std::string values_text(const Json& results) {
    std::vector<std::string> lists;
    for (const auto& result : results) {
        std::vector<std::string> values;
        if (const Json* listed = find(result, {"Values"}); listed && listed->is_array())
            for (const auto& value : *listed) values.push_back(go_json_text(value));
        lists.push_back(concat("[", join(values, " "), "]"));
    }
    return shortened(concat("[", join(lists, " "), "]"));
}

}  // namespace
}  // namespace cloudwatch

Result<Query> build_cloudwatch_query(const Json& config, const Credentials& credentials,
                                     TimePoint now) {
    const std::string region = cloudwatch::given(credentials, "region");
    if (region.empty()) return invalid("cloudWatch needs a region: AWS_REGION is not set");
    TRY(cloudwatch::body_of(config, now));
    return first_aws_query({credentials, region, "", now},
                           cloudwatch::ask_of(config, credentials, now));
}

Result<std::optional<Query>> next_cloudwatch_query(const Json& config,
                                                   const Credentials& credentials, TimePoint now,
                                                   const HttpResponse& response, int step) {
    return next_aws_query({credentials, cloudwatch::given(credentials, "region"), "", now},
                          cloudwatch::ask_of(config, credentials, now), response, step);
}

Result<Reading> parse_cloudwatch_response(const HttpResponse& response) {
    const auto answer = parse_json(response.body);
    if (response.status != 200) {
        // {"__type": "com.amazonaws…#AccessDenied", "message": "…"}
        const std::string type = answer.ok() ? text_at(*answer, {"__type"}) : "";
        const std::string said =
            type.empty() ? body_start(response)
                         : concat(type.substr(type.find('#') + 1), ": ",
                                  text_at(*answer, {"message"}, text_at(*answer, {"Message"})));
        return unavailable(concat("cloudWatch answered ", response.status, ": ", said,
                                  retry_after_text(response)));
    }
    if (!answer.ok()) return unavailable("cloudWatch's answer: " + answer.error().message);
    const Json* results = find(*answer, {"MetricDataResults"});
    if (!results || !results->is_array())
        return unavailable("cloudWatch's answer has no MetricDataResults");
    Reading reading = TRY(json_reading(*results));
    reading.text = cloudwatch::values_text(*results);
    if (const Json* messages = find(*answer, {"Messages"}); messages && !messages->empty())
        reading.metadata["messages"] = go_json_text(*messages);
    return reading;
}

}  // namespace sluice::analysis
