// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/dynatrace.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace dynatrace {
namespace {

// Slots without data are null; the newest one often is.
std::optional<double> newest(const Json& values) {
    for (size_t i = values.size(); i > 0; --i)
        if (values[i - 1].is_number()) return values[i - 1].get<double>();
    return std::nullopt;
}

std::string problem_in(const HttpResponse& response) {
    const auto answer = parse_json(response.body);
    const std::string said = answer.ok() ? text_at(*answer, {"error", "message"}) : "";
    return said.empty() ? body_start(response) : said;
}

}  // namespace
}  // namespace dynatrace

std::optional<CredentialsRef> dynatrace_credentials(const Json& config) {
    return named_secret(config, "dynatrace");
}

Result<Query> build_dynatrace_query(const Json& config, const Credentials& credentials,
                                    TimePoint now) {
    const std::string token = secret_entry(credentials, "dynatrace_token");
    if (token.empty()) return invalid("dynatrace_token not found");
    std::string address = text_at(config, {"address"});
    while (address.ends_with('/')) address.pop_back();
    const std::string selector = text_at(config, {"query"});
    if (address.empty() || selector.empty()) return invalid("dynatrace needs address and query");
    const auto window = TRY(window_of(config, now).while_doing("dynatrace interval"));
    return Query{
        .request = {
            .url = concat(address, "/api/v2/metrics/query?metricSelector=",
                          percent_encode(selector), "&from=", window.from, "&to=", window.to),
            .headers = {{"Authorization", "Api-Token " + token}, {"Accept", "application/json"}},
            .deadline = std::chrono::seconds{30}}};
}

Result<Reading> parse_dynatrace_response(const HttpResponse& response) {
    if (response.status != 200)
        return unavailable(concat("dynatrace answered ", response.status, ": ",
                                  dynatrace::problem_in(response), retry_after_text(response)));
    const Json answer = TRY(parse_json(response.body).while_doing("dynatrace's answer"));
    const Json* results = find(answer, {"result"});
    if (!results || !results->is_array()) return unavailable("dynatrace's answer has no result");
    std::vector<double> values;
    for (const auto& result : *results) {
        const Json* series = find(result, {"data"});
        if (!series || !series->is_array()) continue;
        for (const auto& one : *series) {
            const Json* points = find(one, {"values"});
            if (!points || !points->is_array()) continue;
            if (const auto value = dynatrace::newest(*points)) values.push_back(*value);
        }
    }
    return one_or_all(values);
}

}  // namespace sluice::analysis
