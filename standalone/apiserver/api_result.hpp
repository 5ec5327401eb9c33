// SPDX-License-Identifier: Apache-2.0
// A failed request, as the Kubernetes API tells it: a Status with reason, code and message. Inside
// the API server errors are these, not sluice::Error, because clients match on reason and details.
// Reasons and codes:
// kubernetes/community, contributors/devel/sig-architecture/api-conventions.md.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/http.hpp"
#include "base/json.hpp"
#include "base/resource.hpp"

namespace sluice::standalone::apiserver {

struct StatusCause {
    std::string field;    // "metadata.name"
    std::string reason;   // "FieldValueInvalid"
    std::string message;  // "Invalid value: …"
};

struct [[nodiscard]] StatusError {
    int code = 500;
    std::string reason;
    std::string message;
    // details, where the error is about an object
    std::string name;
    std::string group;
    std::string plural;  // the Status calls it kind
    std::vector<StatusCause> causes;
    int retry_after_seconds = 0;
    bool bare_details = false;  // details without a word in them, as upstream's handlers say it
};

Json to_status(const StatusError& error);
HttpResponse to_response(const StatusError& error);

// A body of more bytes is refused: upstream's limit.
constexpr size_t max_body_bytes = 3U << 20;

namespace status {
// "rollouts.argoproj.io "web" not found"
StatusError not_found(const ResourceType& type, std::string_view name);
StatusError already_exists(const ResourceType& type, std::string_view name);
StatusError conflict(const ResourceType& type, std::string_view name, std::string_view why);
// The text of every lost compare-and-swap.
StatusError stale(const ResourceType& type, std::string_view name);
StatusError invalid(const ResourceType& type, std::string_view name,
                    std::vector<StatusCause> causes);
StatusError bad_request(std::string message);
StatusError forbidden(const ResourceType& type, std::string_view name, std::string_view why);
StatusError unauthorized();
// No such path.
StatusError no_such_path();
StatusError method_not_allowed();
StatusError unsupported_media_type(std::string message);
StatusError body_too_large();
StatusError headers_too_large();
StatusError expired(std::string message);
StatusError too_large_version(long asked, long newest);
StatusError internal(std::string message);
StatusError unavailable(std::string message);
// 507: clients do not retry by themselves, for it takes somebody to make room.
StatusError insufficient_storage(std::string message);
}  // namespace status

// As sluice::Result, for TRY.
template <class T>
class [[nodiscard]] ApiResult {
public:
    ApiResult(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    ApiResult(StatusError error) : state_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return state_.index() == 0; }
    [[nodiscard]] T& value() & { return std::get<0>(state_); }
    [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
    [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
    T* operator->() { return &value(); }
    T& operator*() & { return value(); }
    [[nodiscard]] const StatusError& error() const& { return std::get<1>(state_); }
    [[nodiscard]] StatusError&& error() && { return std::get<1>(std::move(state_)); }

private:
    std::variant<T, StatusError> state_;
};

template <>
class [[nodiscard]] ApiResult<void> {
public:
    ApiResult() = default;
    ApiResult(StatusError error) : error_(std::move(error)) {}

    [[nodiscard]] bool ok() const { return !error_; }
    void value() const {}
    [[nodiscard]] const StatusError& error() const& { return *error_; }
    [[nodiscard]] StatusError&& error() && { return std::move(*error_); }

private:
    std::optional<StatusError> error_;
};

// "rollouts.argoproj.io", or "pods" for the core group.
std::string group_resource(const ResourceType& type);

}  // namespace sluice::standalone::apiserver
