// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/list_options.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

const ResourceType list_options_type{"meta.k8s.io", "v1", "ListOptions", "ListOptions", false};
constexpr const char* match_field = "resourceVersionMatch";

StatusCause match_forbidden(const std::string& why) {
    return {match_field, "FieldValueForbidden", concat("Forbidden: ", why)};
}
StatusCause match_unsupported(const std::string& match, const char* supported) {
    return {match_field, "FieldValueNotSupported",
            concat("Unsupported value: \"", match, "\": supported values: ", supported)};
}

std::vector<StatusCause> list_problems(const Query& query) {
    const std::string match = query.get(match_field);
    const std::string version = query.get("resourceVersion");
    std::vector<StatusCause> causes;
    if (!query.get("sendInitialEvents").empty())
        causes.push_back({"sendInitialEvents", "FieldValueForbidden",
                          "Forbidden: sendInitialEvents is forbidden for list"});
    if (match.empty()) return causes;
    if (version.empty())
        causes.push_back(match_forbidden(
            "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    if (!query.get("continue").empty())
        causes.push_back(
            match_forbidden("resourceVersionMatch is forbidden when continue is provided"));
    if (match != "Exact" && match != "NotOlderThan")
        causes.push_back(match_unsupported(match, "\"Exact\", \"NotOlderThan\", \"\""));
    if (match == "Exact" && version == "0")
        causes.push_back(match_forbidden(
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
    return causes;
}

std::vector<StatusCause> watch_problems(const Query& query) {
    const std::string match = query.get(match_field);
    const bool initial_events = !query.get("sendInitialEvents").empty();
    std::vector<StatusCause> causes;
    if (!initial_events && !match.empty())
        causes.push_back(match_forbidden(
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
    if (initial_events && match != "NotOlderThan")
        causes.push_back(match_forbidden(
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
    if (!match.empty() && match != "NotOlderThan" && initial_events)
        causes.push_back(match_unsupported(match, "\"NotOlderThan\""));
    if (!query.get("continue").empty())
        causes.push_back(
            match_forbidden("resourceVersionMatch is forbidden when continue is provided"));
    return causes;
}

StatusError no_version(const std::string& text, bool watch) {
    const std::string why = concat("resourceVersion: Invalid value: \"", text,
                                   "\": strconv.ParseUint: parsing \"", text, "\": invalid syntax");
    // Upstream calls it its own fault in a watch.
    if (watch) return {.code = 500, .message = why};
    return status::bad_request("invalid resource version: " + why);
}

}  // namespace

ApiResult<ListOptions> read_list_options(const Query& query, bool watch) {
    ListOptions options;
    if (const std::string text = query.get("limit"); !text.empty()) {
        const auto limit = parse_integer(text);
        if (!limit)
            return status::bad_request(
                concat("strconv.ParseInt: parsing \"", text, "\": invalid syntax"));
        options.limit = std::max(0L, *limit);
    }
    auto causes = watch ? watch_problems(query) : list_problems(query);
    if (!causes.empty()) return status::invalid(list_options_type, "", std::move(causes));
    if (const std::string text = query.get("resourceVersion"); !text.empty()) {
        options.version = parse_integer(text);
        if (!options.version || *options.version < 0) return no_version(text, watch);
    }
    options.continue_token = query.get("continue");
    if (!options.continue_token.empty() && options.version.value_or(0) != 0)
        return status::bad_request(
            "specifying resource version is not allowed when using continue");
    options.exact = query.get(match_field) == "Exact";
    options.initial_events = query.flag("sendInitialEvents");
    return options;
}

}  // namespace sluice::standalone::apiserver
