// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/splunk.hpp"

#include <map>
#include <nlohmann/json.hpp>

#include "analysis/providers/replies.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace splunk {
namespace {

struct Event {
    std::string name, data;
};

// Server-sent events: "name: text" lines up to an empty one; the data's lines belong together.
std::vector<Event> events_in(std::string_view body) {
    std::vector<Event> events;
    Event event;
    for (const auto& whole : split(body, '\n')) {
        std::string_view line = whole;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) {
            if (!event.name.empty()) events.push_back(std::move(event));
            event = {};
        } else if (line.starts_with("event:")) {
            event.name = trim(line.substr(6));
        } else if (line.starts_with("data:")) {
            event.data += concat(line.substr(5), "\n");
        }
    }
    return events;
}

std::string problem_in(const Json& message) {
    const std::string said = text_at(message, {"message"});
    return said.empty() ? go_json_text(message) : said;
}

using Newest = std::map<std::string, double>;  // by series

void read_data(const Json& message, Newest& newest) {
    const Json* rows = find(message, {"data"});
    if (!rows || !rows->is_array()) return;
    for (const auto& row : *rows)
        if (const Json* value = find(row, {"value"}); value && value->is_number())
            newest[text_at(row, {"tsId"})] = value->get<double>();
}

}  // namespace
}  // namespace splunk

std::optional<CredentialsRef> splunk_credentials(const Json& config) {
    return named_secret(config, "splunk");
}

Result<Query> build_splunk_query(const Json& config, const Credentials& credentials,
                                 TimePoint now) {
    const std::string token = secret_entry(credentials, "sf_token_key");
    if (token.empty()) return invalid("sf_token_key not found");
    std::string address = text_at(config, {"address"});
    while (address.ends_with('/')) address.pop_back();
    const std::string program = text_at(config, {"query"});
    if (address.empty() || program.empty()) return invalid("splunk needs address and query");
    if (const auto api = address.find("://api."); api != std::string::npos)
        address.replace(api, 7, "://stream.");
    const auto window = TRY(window_of(config, now).while_doing("splunk interval"));
    return Query{.request = {.method = "POST",
                             .url = concat(address, "/v2/signalflow/execute?start=", window.from,
                                           "&stop=", window.to, "&immediate=true"),
                             .headers = {{"Content-Type", "text/plain"}, {"X-SF-Token", token}},
                             .body = program,
                             .deadline = std::chrono::seconds{30}}};
}

Result<Reading> parse_splunk_response(const HttpResponse& response) {
    if (response.status != 200) {
        const auto answer = parse_json(response.body);
        return unavailable(concat(
            "splunk answered ", response.status, ": ",
            answer.ok() && answer->is_object() ? splunk::problem_in(*answer) : body_start(response),
            retry_after_text(response)));
    }
    splunk::Newest newest;
    bool over = false;
    for (const auto& event : splunk::events_in(response.body)) {
        const auto message = parse_json(event.data);
        if (!message.ok()) continue;
        if (event.name == "error") return unavailable("splunk: " + splunk::problem_in(*message));
        const std::string control = text_at(*message, {"event"});
        if (control == "CHANNEL_ABORT")
            return unavailable("splunk: the computation was aborted: " + go_json_text(*message));
        over = over || control == "END_OF_CHANNEL";
        if (event.name == "data") splunk::read_data(*message, newest);
    }
    if (!over) return unavailable("splunk: the stream broke off");
    std::vector<double> values;
    for (const auto& [series, value] : newest) values.push_back(value);
    return one_or_all(values);
}

}  // namespace sluice::analysis
