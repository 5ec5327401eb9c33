// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/skywalking.hpp"

#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace skywalking {
namespace {

// "2026-11-20 1204", in UTC.
std::string minute(TimePoint when) {
    const std::string text = format_rfc3339(when);
    return concat(text.substr(0, 10), " ", text.substr(11, 2), text.substr(14, 2));
}

}  // namespace
}  // namespace skywalking

Result<Query> build_skywalking_query(const Json& config, TimePoint now) {
    std::string address = text_at(config, {"address"});
    if (address.empty()) return invalid("skywalking address is not configured");
    while (address.ends_with('/')) address.pop_back();
    const std::string wanted = text_at(config, {"interval"});
    const auto interval =
        TRY(parse_duration(wanted.empty() ? "5m" : wanted).while_doing("skywalking interval"));
    const Json body = {{"query", text_at(config, {"query"})},
                       {"variables",
                        {{"duration",
                          {{"start", skywalking::minute(now - interval)},
                           {"end", skywalking::minute(now)},
                           {"step", "MINUTE"}}}}}};
    return Query{.request = {.method = "POST",
                             .url = address + "/graphql",
                             .headers = {{"Content-Type", "application/json; charset=utf-8"},
                                         {"Accept", "application/json; charset=utf-8"}},
                             .body = sluice::to_text(body),
                             .deadline = std::chrono::seconds{30}}};
}

Result<Reading> parse_skywalking_response(const HttpResponse& response) {
    if (response.status / 100 != 2)
        return unavailable(concat("skywalking answered ", response.status, ": ",
                                  body_start(response), retry_after_text(response)));
    const Json answer = TRY(parse_json(response.body).while_doing("skywalking's answer"));
    if (const Json* errors = find(answer, {"errors"});
        errors && errors->is_array() && !errors->empty())
        return unavailable(
            concat("graphql: ", text_at(errors->front(), {"message"}, "an error without a text")));
    const Json* data = find(answer, {"data"});
    if (!data || data->is_null()) return unavailable("no results returned from SkyWalking query");
    return json_reading(*data);
}

}  // namespace sluice::analysis
