// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/new_relic.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace new_relic {
namespace {

constexpr const char* nrql =
    "query($query: Nrql!, $accountId: Int!, $timeout: Seconds!) { actor { account(id: $accountId) "
    "{ nrql(query: $query, timeout: $timeout) { results } } } }";

std::string endpoint(const Credentials& credentials) {
    if (const auto own = credentials.find("base-url-nerdgraph"); own != credentials.end())
        return std::string(trim(own->second));
    const auto region = credentials.find("region");
    const bool europe = region != credentials.end() && to_lower(trim(region->second)) == "eu";
    return europe ? "https://api.eu.newrelic.com/graphql" : "https://api.newrelic.com/graphql";
}

}  // namespace
}  // namespace new_relic

std::optional<CredentialsRef> new_relic_credentials(const Json& config) {
    const std::string profile = text_at(config, {"profile"});
    return CredentialsRef{profile.empty() ? "newrelic" : profile};
}

Result<Query> build_new_relic_query(const Json& config, const Credentials& credentials) {
    const auto key = credentials.find("personal-api-key");
    const auto account = credentials.find("account-id");
    if (key == credentials.end() || account == credentials.end() || trim(key->second).empty() ||
        trim(account->second).empty())
        return invalid("account ID or personal API key not found");
    const auto id = parse_integer(trim(account->second));
    if (!id) return invalid("could not parse account ID");
    const long timeout = integer_at(config, {"timeout"}, 5);
    if (timeout < 0) return invalid("timeout value needs to be a positive value");
    const Json body = {
        {"query", new_relic::nrql},
        {"variables",
         {{"accountId", *id}, {"query", text_at(config, {"query"})}, {"timeout", timeout}}}};
    return Query{.request = {.method = "POST",
                             .url = new_relic::endpoint(credentials),
                             .headers = {{"Content-Type", "application/json"},
                                         {"API-Key", std::string(trim(key->second))}},
                             .body = sluice::to_text(body),
                             // A little more than New Relic takes for the query itself.
                             .deadline = std::chrono::seconds{std::min(timeout, 600L) + 5}}};
}

Result<Reading> parse_new_relic_response(const HttpResponse& response) {
    if (response.status / 100 != 2)
        return unavailable(concat("New Relic answered ", response.status, ": ",
                                  body_start(response), retry_after_text(response)));
    const Json answer = TRY(parse_json(response.body).while_doing("New Relic's answer"));
    if (const Json* errors = find(answer, {"errors"});
        errors && errors->is_array() && !errors->empty())
        return unavailable(text_at(errors->front(), {"message"}, "an error without a text"));
    const Json* rows = find(answer, {"data", "actor", "account", "nrql", "results"});
    if (!rows || !rows->is_array() || rows->empty() || (rows->size() == 1 && rows->front().empty()))
        return unavailable("no results returned from NRQL query");
    return json_reading(rows->size() == 1 ? rows->front() : *rows);
}

}  // namespace sluice::analysis
