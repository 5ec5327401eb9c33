// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/api_result.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {

std::string group_resource(const ResourceType& type) {
    return type.group.empty() ? type.plural : concat(type.plural, ".", type.group);
}

Json to_status(const StatusError& error) {
    Json status = {{"kind", "Status"},    {"apiVersion", "v1"},       {"metadata", Json::object()},
                   {"status", "Failure"}, {"message", error.message}, {"code", error.code}};
    if (!error.reason.empty()) status["reason"] = error.reason;
    Json details = Json::object();
    if (!error.name.empty()) details["name"] = error.name;
    if (!error.group.empty()) details["group"] = error.group;
    if (!error.plural.empty()) details["kind"] = error.plural;
    if (error.retry_after_seconds > 0) details["retryAfterSeconds"] = error.retry_after_seconds;
    for (const auto& cause : error.causes)
        details["causes"].push_back(
            {{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
    if (!details.empty() || error.bare_details) status["details"] = std::move(details);
    return status;
}

HttpResponse to_response(const StatusError& error) {
    HttpResponse response{.status = error.code,
                          .headers = {{"Content-Type", "application/json"}},
                          .body = to_text(to_status(error)) + "\n"};
    if (error.code == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
    if (error.retry_after_seconds > 0)
        response.headers.push_back({"Retry-After", std::to_string(error.retry_after_seconds)});
    return response;
}

namespace status {
namespace {

StatusError about(int code, std::string_view reason, const ResourceType& type,
                  std::string_view name, std::string message) {
    return {.code = code,
            .reason = std::string(reason),
            .message = std::move(message),
            .name = std::string(name),
            .group = type.group,
            .plural = type.plural};
}

}  // namespace

StatusError not_found(const ResourceType& type, std::string_view name) {
    return about(404, "NotFound", type, name,
                 concat(group_resource(type), " \"", name, "\" not found"));
}
StatusError already_exists(const ResourceType& type, std::string_view name) {
    return about(409, "AlreadyExists", type, name,
                 concat(group_resource(type), " \"", name, "\" already exists"));
}
StatusError conflict(const ResourceType& type, std::string_view name, std::string_view why) {
    return about(409, "Conflict", type, name,
                 concat("Operation cannot be fulfilled on ", group_resource(type), " \"", name,
                        "\": ", why));
}
StatusError stale(const ResourceType& type, std::string_view name) {
    return conflict(type, name,
                    "the object has been modified; please apply your changes to the latest version "
                    "and try again");
}
StatusError invalid(const ResourceType& type, std::string_view name,
                    std::vector<StatusCause> causes) {
    std::vector<std::string> texts;
    for (const auto& cause : causes) texts.push_back(concat(cause.field, ": ", cause.message));
    const std::string kind = type.group.empty() ? type.kind : concat(type.kind, ".", type.group);
    const std::string all = texts.size() == 1 ? texts[0] : concat("[", join(texts, ", "), "]");
    StatusError error =
        about(422, "Invalid", type, name, concat(kind, " \"", name, "\" is invalid: ", all));
    error.plural = type.kind;  // upstream names the kind here, the resource elsewhere
    error.causes = std::move(causes);
    return error;
}
StatusError bad_request(std::string message) {
    return {.code = 400, .reason = "BadRequest", .message = std::move(message)};
}
StatusError forbidden(const ResourceType& type, std::string_view name, std::string_view why) {
    return about(403, "Forbidden", type, name,
                 concat(group_resource(type), " \"", name, "\" is forbidden: ", why));
}
StatusError unauthorized() {
    return {.code = 401, .reason = "Unauthorized", .message = "Unauthorized"};
}
StatusError no_such_path() {
    return {.code = 404,
            .reason = "NotFound",
            .message = "the server could not find the requested resource",
            .bare_details = true};
}
StatusError method_not_allowed() {
    return {.code = 405,
            .reason = "MethodNotAllowed",
            .message = "the server does not allow this method on the requested resource",
            .bare_details = true};
}
StatusError unsupported_media_type(std::string message) {
    return {.code = 415, .reason = "UnsupportedMediaType", .message = std::move(message)};
}
StatusError body_too_large() {
    return {.code = 413,
            .reason = "RequestEntityTooLarge",
            .message = concat("Request entity too large: limit is ", max_body_bytes)};
}
StatusError headers_too_large() {
    return {.code = 431, .reason = "BadRequest", .message = "the request's headers are too large"};
}
StatusError expired(std::string message) {
    return {.code = 410, .reason = "Expired", .message = std::move(message)};
}
StatusError too_large_version(long asked, long newest) {
    return {.code = 504,
            .reason = "Timeout",
            .message = concat("Too large resource version: ", asked, ", current: ", newest),
            .causes = {{"", "ResourceVersionTooLarge", "Too large resource version"}},
            .retry_after_seconds = 1};
}
StatusError internal(std::string message) {
    return {.code = 500,
            .reason = "InternalError",
            .message = concat("Internal error occurred: ", message)};
}
StatusError unavailable(std::string message) {
    return {.code = 503,
            .reason = "ServiceUnavailable",
            .message = std::move(message),
            .retry_after_seconds = 1};
}
StatusError insufficient_storage(std::string message) {
    return {.code = 507, .reason = "InsufficientStorage", .message = std::move(message)};
}
}  // namespace status

}  // namespace sluice::standalone::apiserver
