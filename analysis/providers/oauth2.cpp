// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/oauth2.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {

const Json* oauth2_of(const Json& config) {
    const Json* block = find(config, {"authentication", "oauth2"});
    return block && !text_at(*block, {"tokenUrl"}).empty() ? block : nullptr;
}

Result<Query> oauth2_token_query(const Json& oauth2, bool insecure) {
    const std::string id = text_at(oauth2, {"clientId"});
    const std::string secret = text_at(oauth2, {"clientSecret"});
    if (id.empty() || secret.empty())
        return invalid("missing mandatory parameter in metric for OAuth2 setup");
    std::vector<std::string> scopes;
    if (const Json* listed = find(oauth2, {"scopes"}); listed && listed->is_array())
        for (const auto& scope : *listed)
            if (scope.is_string()) scopes.push_back(scope.get<std::string>());
    std::string form = "grant_type=client_credentials";
    if (!scopes.empty()) form += "&scope=" + percent_encode(join(scopes, " "));
    // RFC 6749 2.3.1: both are form-encoded before they become a user and a password.
    const std::string basic =
        base64_encode(concat(percent_encode(id), ":", percent_encode(secret)));
    return Query{.request = {.method = "POST",
                             .url = text_at(oauth2, {"tokenUrl"}),
                             .headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                                         {"Accept", "application/json"},
                                         {"Authorization", "Basic " + basic}},
                             .body = std::move(form),
                             .deadline = std::chrono::seconds{10}},
                 .insecure = insecure};
}

Result<std::string> oauth2_token(const HttpResponse& response) {
    const auto answer = parse_json(response.body);
    if (response.status / 100 != 2) {
        const std::string code = answer.ok() ? text_at(*answer, {"error"}) : "";
        const std::string why = answer.ok() ? text_at(*answer, {"error_description"}) : "";
        return unavailable(concat("oauth2: cannot fetch token: ", response.status,
                                  code.empty() ? "" : " ", code, why.empty() ? "" : ": ", why,
                                  retry_after_text(response)));
    }
    // What came may be a token: it is not shown.
    if (!answer.ok()) return unavailable("oauth2: cannot parse json: the answer is no JSON");
    std::string token = text_at(*answer, {"access_token"});
    if (token.empty()) return unavailable("oauth2: server response missing access_token");
    if (token.find_first_of("\r\n") != std::string::npos)
        return unavailable("oauth2: the token holds a line break");
    return token;
}

Query with_bearer(Query query, const std::string& token) {
    query.request.headers.push_back({"Authorization", "Bearer " + token});
    return query;
}

}  // namespace sluice::analysis
