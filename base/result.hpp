// SPDX-License-Identifier: Apache-2.0
// Errors are values (DESIGN D10). A Result either holds a value or an Error whose kind says what
// the caller does next and whose message reads outside-in: "get rollout shop/shop: 503 after 3
// tries".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.hpp"

namespace sluice {

// Chosen by what the caller does next.
enum class ErrorKind {
    Invalid,        // the input is wrong: report it, do not retry
    NotFound,       // the object is absent: create it or give up
    AlreadyExists,  // create found one: read it
    Conflict,       // compare-and-swap lost: re-read, decide again
    Gone,           // a resourceVersion or continue token is too old: list anew
    Denied,         // no right to do this: report it, retry slowly
    Unavailable,    // the other side fails now: retry with back-off
    NoSpace,        // a disk or a quota of ours is full: report it, retry with back-off
    Timeout,        // the deadline passed; the effect may or may not have happened
    Internal,       // a bug of ours: count it
};

std::string_view to_text(ErrorKind kind);

struct [[nodiscard]] Error {
    ErrorKind kind = ErrorKind::Internal;
    std::string message;

    // Puts what was attempted in front: `error.while_doing("get rollout a/b")`.
    Error while_doing(std::string_view attempt) && {
        message = std::string(attempt) + ": " + message;
        return std::move(*this);
    }

    bool operator==(const Error&) const = default;
};

inline Error invalid(std::string message) {
    return {ErrorKind::Invalid, std::move(message)};
}
inline Error not_found(std::string message) {
    return {ErrorKind::NotFound, std::move(message)};
}
inline Error unavailable(std::string message) {
    return {ErrorKind::Unavailable, std::move(message)};
}
inline Error internal(std::string message) {
    return {ErrorKind::Internal, std::move(message)};
}

template <class T>
class [[nodiscard]] Result {
public:
    using Value = T;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }

    T& value() & {
        check(ok(), "value() of a failed Result");
        return std::get<0>(state_);
    }
    const T& value() const& {
        check(ok(), "value() of a failed Result");
        return std::get<0>(state_);
    }
    T&& value() && {
        check(ok(), "value() of a failed Result");
        return std::get<0>(std::move(state_));
    }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    const Error& error() const& {
        check(!ok(), "error() of a good Result");
        return std::get<1>(state_);
    }
    Error&& error() && {
        check(!ok(), "error() of a good Result");
        return std::get<1>(std::move(state_));
    }

    bool failed_with(ErrorKind kind) const { return !ok() && error().kind == kind; }

    Result while_doing(std::string_view attempt) && {
        if (ok()) return std::move(*this);
        return std::get<1>(std::move(state_)).while_doing(attempt);
    }

private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using Value = void;

    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    void value() const { check(ok(), "value() of a failed Result"); }

    const Error& error() const& {
        check(!ok(), "error() of a good Result");
        return *error_;
    }
    Error&& error() && {
        check(!ok(), "error() of a good Result");
        return std::move(*error_);
    }

    bool failed_with(ErrorKind kind) const { return !ok() && error_->kind == kind; }

    Result while_doing(std::string_view attempt) && {
        if (ok()) return {};
        return std::move(*error_).while_doing(attempt);
    }

private:
    std::optional<Error> error_;
};

}  // namespace sluice

// Evaluates a Result; returns its error from the enclosing function or yields its value:
// `const Json live = TRY(client.get(ref));`. The counter lets one TRY stand in another.
#define TRY(expression) SLUICE_TRY(expression, __COUNTER__)
#define SLUICE_TRY(expression, count) SLUICE_TRY_NAMED(expression, SLUICE_JOIN(try_result_, count))
#define SLUICE_JOIN(left, right) SLUICE_JOIN_EXPANDED(left, right)
#define SLUICE_JOIN_EXPANDED(left, right) left##right
#define SLUICE_TRY_NAMED(expression, result)                \
    __extension__({                                         \
        auto result = (expression);                         \
        if (!result.ok()) return std::move(result).error(); \
        std::move(result).value();                          \
    })
