// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/web.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/providers/json_path.hpp"
#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace web {
namespace {

constexpr long default_timeout = 10;  // seconds
constexpr long longest_timeout = 3600;

Result<std::vector<HttpHeader>> headers_in(const Json& config) {
    std::vector<HttpHeader> headers;
    const Json* listed = find(config, {"headers"});
    if (!listed || !listed->is_array()) return headers;
    for (const auto& header : *listed) {
        HttpHeader one{text_at(header, {"key"}), text_at(header, {"value"})};
        if (one.name.empty() || one.name.find_first_of("\r\n:") != std::string::npos ||
            one.value.find_first_of("\r\n") != std::string::npos)
            return invalid(concat("header \"", one.name, "\" holds a line break or a colon"));
        headers.push_back(std::move(one));
    }
    return headers;
}

Result<std::string> body_of(const Json& config, std::string_view method) {
    const std::string text = text_at(config, {"body"});
    const Json* json = find(config, {"jsonBody"});
    if (json && json->is_null()) json = nullptr;
    if (!text.empty() && json)
        return invalid("use either Body or JSONBody; both cannot exists for WebMetric payload");
    if ((!text.empty() || json) && method == "GET")
        return invalid("Body/JSONBody can only be used with POST or PUT WebMetric Method types");
    return json ? sluice::to_text(*json) : text;
}

}  // namespace
}  // namespace web

Result<Query> build_web_query(const Json& config) {
    if (const Json* sigv4 = find(config, {"authentication", "sigv4"});
        sigv4 && sigv4->is_object() && !sigv4->empty())
        return invalid("web authentication sigv4 is not served yet");
    const std::string method = text_at(config, {"method"}, "GET");
    if (method != "GET" && method != "POST" && method != "PUT")
        return invalid(concat("web method must be GET, POST or PUT, found \"", method, "\""));
    const long wanted = integer_at(config, {"timeoutSeconds"});
    const long timeout =
        wanted <= 0 ? web::default_timeout : std::min(wanted, web::longest_timeout);
    Query query{.request = {.method = method,
                            .url = text_at(config, {"url"}),
                            .headers = TRY(web::headers_in(config)),
                            .body = TRY(web::body_of(config, method)),
                            .deadline = std::chrono::seconds{timeout}},
                .insecure = bool_at(config, {"insecure"})};
    if (query.request.url.empty()) return invalid("web metric has no url");
    if (const Json* json = find(config, {"jsonBody"}); json && !json->is_null()) {
        std::erase_if(query.request.headers, [](const HttpHeader& header) {
            return to_lower(header.name) == "content-type";
        });
        query.request.headers.push_back({"Content-Type", "application/json"});
    }
    return query;
}

Result<Reading> parse_web_response(const Json& config, const HttpResponse& response) {
    if (response.status < 200 || response.status >= 300)
        return unavailable(concat("received non 2xx response code: ", response.status,
                                  retry_after_text(response)));
    const auto body = parse_json(response.body);
    if (!body.ok()) return Reading{Value{response.body}, response.body, {}};
    std::string path = text_at(config, {"jsonPath"});
    if (path.empty()) path = "{$}";
    const auto found =
        TRY(find_json_path(path, *body).while_doing("Could not find JSONPath in body"));
    if (found.empty()) return unavailable("result of web metric produced no value");
    return json_reading(*found.front());
}

}  // namespace sluice::analysis
