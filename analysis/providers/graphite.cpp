// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/graphite.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace graphite {
namespace {

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// What may stand in a query string as it is; the rest is encoded, escapes are kept.
std::string query_text(const std::string& text) {
    constexpr std::string_view plain = "-_.~!$&'()*+,;=:@/?%";
    std::string encoded;
    for (const char c : text) {
        const bool word =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (word || plain.find(c) != std::string_view::npos)
            encoded += c;
        else
            encoded += percent_encode(std::string_view(&c, 1));
    }
    return encoded;
}

// [value, time]; nothing where there is no value.
Result<std::optional<double>> value_in(const Json& point) {
    if (!point.is_array() || point.size() != 2)
        return invalid(concat("error unmarshaling data point: ", go_json_text(point)));
    const Json& value = point[0];
    if (value.is_null()) return std::optional<double>{};
    if (value.is_number()) return std::optional(value.get<double>());
    if (value.is_string())
        if (const auto number = parse_number(value.get<std::string>()))
            return std::optional(*number);
    return invalid(concat("error unmarshaling value: ", go_json_text(value)));
}

}  // namespace
}  // namespace graphite

Result<Query> build_graphite_query(const Json& config) {
    std::string address = text_at(config, {"address"});
    if (address.empty()) return invalid("graphite address is not configured");
    while (address.ends_with('/')) address.pop_back();
    std::string query = text_at(config, {"query"});
    std::erase_if(query, graphite::is_blank);
    if (query.empty()) return invalid("graphite query is empty");
    return Query{
        .request = {.method = "GET",
                    .url = concat(address, "/render?", graphite::query_text(query), "&format=json"),
                    .deadline = std::chrono::seconds{10}}};
}

Result<Reading> parse_graphite_response(const HttpResponse& response) {
    if (response.status >= 400)
        return unavailable(concat("error response: ", response.status, " ", body_start(response),
                                  retry_after_text(response)));
    const Json series = TRY(parse_json(response.body).while_doing("graphite's answer"));
    if (!series.is_array()) return unavailable("graphite's answer is no list of series");
    const Json* points = series.empty() ? nullptr : find(series[0], {"datapoints"});
    if (!points || !points->is_array() || points->empty()) return unavailable("no values found");
    std::vector<double> values;
    for (const auto& point : *points)
        if (const auto value = TRY(graphite::value_in(point))) values.push_back(*value);
    return floats_reading(values);
}

}  // namespace sluice::analysis
