// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/datadog.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace datadog {
namespace {

constexpr const char* default_secret = "datadog";
constexpr const char* default_address = "https://api.datadoghq.com";
constexpr size_t most_groups_shown = 100;

bool is_v1(const Json& config) {
    return text_at(config, {"apiVersion"}, "v1") == "v1";
}

size_t query_count(const Json& config) {
    const Json* queries = find(config, {"queries"});
    return queries && queries->is_object() ? queries->size() : 0;
}

Result<void> check(const Json& config) {
    const bool one = !text_at(config, {"query"}).empty();
    const bool formula = !text_at(config, {"formula"}).empty();
    const size_t many = query_count(config);
    if (!one && many == 0)
        return invalid("Must have either a query or queries. Please review the Analysis Template.");
    if (one && many > 0)
        return invalid(
            "Cannot have both a query and queries. Please review the Analysis Template.");
    if (is_v1(config) && !one)
        return invalid(
            "Query is empty. API Version v1 only supports using the query parameter in your "
            "Analysis Template.");
    if (formula && many == 0)
        return invalid(
            "Formula are only valid when queries are set. Please review the Analysis Template.");
    if (!formula && many > 1)
        return invalid("When multiple queries are provided you must include a formula.");
    if (is_v1(config) && !text_at(config, {"aggregator"}).empty())
        return invalid("Aggregator is not supported in v1. Please review the Analysis Template.");
    return {};
}

Result<Duration> timeout_of(const Json& config) {
    const std::string text = text_at(config, {"requestTimeout"});
    if (text.empty()) return Duration{std::chrono::seconds{10}};
    const auto timeout = parse_duration(text);
    if (!timeout.ok())
        return invalid(concat("Could not parse the request timeout: ", timeout.error().message,
                              ". Please review the Analysis Template."));
    if (*timeout <= Duration{0})
        return invalid(
            "Request timeout must be a positive duration (e.g. 30s). Please review the Analysis "
            "Template.");
    return std::min(*timeout, Duration{std::chrono::hours{1}});
}

std::string scalar_body(const Json& config, long from, long to) {
    const std::string aggregator = text_at(config, {"aggregator"}, "last");
    Json queries = Json::array();
    const auto add = [&](const std::string& name, const std::string& query) {
        queries.push_back({{"aggregator", aggregator.empty() ? "last" : aggregator},
                           {"data_source", "metrics"},
                           {"name", name},
                           {"query", query}});
    };
    if (const auto one = text_at(config, {"query"}); !one.empty()) add("query", one);
    if (const Json* many = find(config, {"queries"}); many && many->is_object())
        for (const auto& [name, query] : many->items())
            if (query.is_string()) add(name, query.get<std::string>());
    Json formulas = Json::array();
    if (const auto formula = text_at(config, {"formula"}); !formula.empty())
        formulas.push_back({{"formula", formula}});
    return sluice::to_text(Json{{"data",
                                 {{"type", "scalar_request"},
                                  {"attributes",
                                   {{"from", from * 1000},
                                    {"to", to * 1000},
                                    {"queries", std::move(queries)},
                                    {"formulas", std::move(formulas)}}}}}});
}

Result<Reading> read_series(const Json& answer) {
    const Json* series = find(answer, {"series"});
    const Json* points = series && series->is_array() && !series->empty()
                             ? find(series->front(), {"pointlist"})
                             : nullptr;
    if (!points || !points->is_array() || points->empty())
        return Reading{Value{}, series ? go_json_text(*series) : "null", {}};
    const Json& last = points->back();
    if (!last.is_array() || last.size() != 2)
        return unavailable("Datapoint does not have 2 values");
    if (!last[1].is_number())
        return unavailable(concat("the last point has no value: ", go_json_text(last)));
    const double value = last[1].get<double>();
    return Reading{Value{value}, format_float(value), {}};
}

// One name for a row: the tags of all group columns.
Result<std::string> group_name(const std::vector<const Json*>& columns, size_t row) {
    std::vector<std::string> parts;
    for (const Json* column : columns) {
        const Json* values = find(*column, {"values"});
        const bool there = values && values->is_array() && row < values->size() &&
                           (*values)[row].is_array() && !(*values)[row].empty();
        if (!there) return unavailable(concat("could not parse group label at index ", row));
        for (const auto& tag : (*values)[row])
            parts.push_back(tag.is_string() ? tag.get<std::string>() : go_json_text(tag));
    }
    return join(parts, ",");
}

struct Group {
    std::string name;
    double value;
};

// The lowest and the highest where there are many: one of them is what a condition fails on.
crds::TextMap groups_shown(std::vector<Group> groups) {
    crds::TextMap metadata;
    if (groups.size() > most_groups_shown) {
        std::stable_sort(groups.begin(), groups.end(),
                         [](const Group& a, const Group& b) { return a.value < b.value; });
        groups.erase(groups.begin() + most_groups_shown / 2, groups.end() - most_groups_shown / 2);
        metadata["groups_truncated"] = "true";
    }
    Json shown = Json::array();
    for (const auto& group : groups)
        shown.push_back({{"name", group.name}, {"value", group.value}});
    metadata["groups"] = go_json_text(shown);
    return metadata;
}

Result<Reading> read_columns(const Json& columns) {
    const Json* numbers = nullptr;
    std::vector<const Json*> groups;
    for (const auto& column : columns) {
        const std::string type = text_at(column, {"type"});
        if (!numbers && (type.empty() || type == "number")) numbers = &column;
        if (type == "group") groups.push_back(&column);
    }
    const Json* rows = numbers ? find(*numbers, {"values"}) : nullptr;
    std::vector<double> values;
    std::vector<Group> named;
    for (size_t i = 0; rows && rows->is_array() && i < rows->size(); ++i) {
        const Json& row = (*rows)[i];
        if (row.is_null()) continue;  // no data for this group
        if (!row.is_number())
            return unavailable(concat("could not parse numeric value \"", go_json_text(row),
                                      "\" in column \"", text_at(*numbers, {"name"}), "\""));
        values.push_back(row.get<double>());
        if (!groups.empty()) named.push_back({TRY(group_name(groups, i)), values.back()});
    }
    if (values.empty()) return Reading{Value{}, "[]", {}};
    if (groups.empty()) return Reading{Value{values[0]}, format_float(values[0]), {}};
    Reading reading = floats_reading(values);
    reading.metadata = groups_shown(std::move(named));
    return reading;
}

}  // namespace
}  // namespace datadog

std::optional<CredentialsRef> datadog_credentials(const Json& config) {
    const std::string name = text_at(config, {"secretRef", "name"});
    return CredentialsRef{name.empty() ? datadog::default_secret : name,
                          bool_at(config, {"secretRef", "namespaced"}),
                          name.empty() ? "datadog" : ""};
}

Result<Query> build_datadog_query(const Json& config, const Credentials& credentials,
                                  TimePoint now) {
    const auto secret = [&](const char* key) {
        const auto found = credentials.find(key);
        return found == credentials.end() ? std::string() : std::string(trim(found->second));
    };
    if (secret("api-key").empty() || secret("app-key").empty())
        return invalid("failed to find the credentials for datadog metrics provider");
    TRY(datadog::check(config));
    std::string address = secret("address");
    if (address.empty()) address = datadog::default_address;
    while (address.ends_with('/')) address.pop_back();
    const auto interval =
        TRY(parse_duration(text_at(config, {"interval"}, "5m")).while_doing("datadog interval"));
    const long to =
        std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() / std::chrono::seconds{1};
    const long from = to - interval / std::chrono::seconds{1};
    Query query{.request = {.headers = {{"Content-Type", "application/json"},
                                        {"DD-API-KEY", secret("api-key")},
                                        {"DD-APPLICATION-KEY", secret("app-key")}},
                            .deadline = TRY(datadog::timeout_of(config))}};
    if (datadog::is_v1(config)) {
        query.request.url =
            concat(address, "/api/v1/query?from=", from,
                   "&query=", percent_encode(text_at(config, {"query"})), "&to=", to);
        return query;
    }
    query.request.method = "POST";
    query.request.url = address + "/api/v2/query/scalar";
    query.request.body = datadog::scalar_body(config, from, to);
    return query;
}

Result<Reading> parse_datadog_response(const Json& config, const HttpResponse& response) {
    if (response.status == 401 || response.status == 403)
        return unavailable(concat("received authentication error response code: ", response.status,
                                  " ", body_start(response)));
    if (response.status != 200)
        return unavailable(concat("received non 2xx response code: ", response.status, " ",
                                  body_start(response), retry_after_text(response)));
    const auto answer = TRY(parse_json(response.body).while_doing("Could not parse JSON body"));
    if (datadog::is_v1(config)) return datadog::read_series(answer);
    if (const auto errors = text_at(answer, {"data", "errors"}); !errors.empty())
        return unavailable(concat("There were errors in your query: ", errors));
    const Json* columns = find(answer, {"data", "attributes", "columns"});
    return datadog::read_columns(columns && columns->is_array() ? *columns : Json::array());
}

}  // namespace sluice::analysis
