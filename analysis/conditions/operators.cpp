// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/operators.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace sluice::analysis {
namespace {

// -1, 0, 1, or nothing where there is no order; NaN compares as `unordered`.
constexpr int unordered = 2;

template <class T>
int order(const T& left, const T& right) {
    if (left < right) return -1;
    if (right < left) return 1;
    return left == right ? 0 : unordered;
}

std::optional<int> compare(const Value& left, const Value& right) {
    if (left.is_number() && right.is_number()) {
        if (left.as<long>() && right.as<long>()) return order(*left.as<long>(), *right.as<long>());
        return order(left.number(), right.number());
    }
    if (left.data.index() != right.data.index()) return std::nullopt;
    if (const auto* text = left.as<std::string>()) return order(*text, *right.as<std::string>());
    if (const auto* when = left.as<TimePoint>()) return order(*when, *right.as<TimePoint>());
    if (const auto* length = left.as<Duration>()) return order(*length, *right.as<Duration>());
    return std::nullopt;
}

Result<Value> ordered(std::string_view sign, const Value& left, const Value& right) {
    const auto result = compare(left, right);
    if (!result) return mismatched(sign, left, right);
    if (*result == unordered) return Value{false};
    if (sign == "<") return Value{*result < 0};
    if (sign == ">") return Value{*result > 0};
    if (sign == "<=") return Value{*result <= 0};
    return Value{*result >= 0};
}

// Go's integers wrap around; in C++ only unsigned ones may.
long wrap(unsigned long number) {
    return static_cast<long>(number);
}

Result<Value> whole_arithmetic(std::string_view sign, long left, long right) {
    const auto l = static_cast<unsigned long>(left);
    const auto r = static_cast<unsigned long>(right);
    if (sign == "+") return Value{wrap(l + r)};
    if (sign == "-") return Value{wrap(l - r)};
    if (sign == "*") return Value{wrap(l * r)};
    // expr-lang divides whole numbers as floats.
    if (sign == "/") return Value{static_cast<double>(left) / static_cast<double>(right)};
    if (right == 0) return invalid("runtime error: integer divide by zero");
    return Value{right == -1 ? 0L : left % right};
}

Result<Value> arithmetic(std::string_view sign, const Value& left, const Value& right) {
    if (sign == "**" || sign == "^") return Value{std::pow(left.number(), right.number())};
    if (left.as<long>() && right.as<long>())
        return whole_arithmetic(sign, *left.as<long>(), *right.as<long>());
    const double l = left.number();
    const double r = right.number();
    if (sign == "+") return Value{l + r};
    if (sign == "-") return Value{l - r};
    if (sign == "*") return Value{l * r};
    if (sign == "/") return Value{l / r};
    return mismatched(sign, left, right);
}

// Adds without overflow; times beyond a century from either end have no use here.
Result<Value> time_arithmetic(std::string_view sign, const Value& left, const Value& right) {
    const auto* l = left.as<TimePoint>();
    const auto* r = right.as<TimePoint>();
    if (l && r && sign == "-") return Value{Duration{*l - *r}};
    const auto* length = right.as<Duration>() ? right.as<Duration>() : left.as<Duration>();
    const auto* when = l ? l : r;
    if (!when || !length || (sign == "-" && !l) || (sign != "-" && sign != "+"))
        return mismatched(sign, left, right);
    if (std::abs(static_cast<double>(length->count())) > 1e15)
        return invalid("the duration is too long");
    return Value{sign == "+" ? *when + *length : *when - *length};
}

bool same_kind(const Value& left, const Value& right) {
    return (left.is_number() && right.is_number()) || left.data.index() == right.data.index();
}

Result<Value> equality(std::string_view sign, const Value& left, const Value& right) {
    const bool comparable = same_kind(left, right) || left.is_nil() || right.is_nil();
    if (!comparable && left.type_known && right.type_known) return mismatched(sign, left, right);
    return Value{equal(left, right) == (sign == "==")};
}

Result<Value> contained(const Value& item, const Value& in) {
    if (in.is_nil()) return Value{false};
    if (const auto* items = in.list())
        return Value{std::any_of(items->begin(), items->end(),
                                 [&](const Value& other) { return equal(item, other); })};
    if (const auto* entries = in.map()) {
        const auto* key = item.as<std::string>();
        return Value{key && entries->contains(*key)};
    }
    return invalid(concat("operator \"in\" not defined on ", type_name(in)));
}

Result<Value> text_test(std::string_view sign, const Value& left, const Value& right) {
    const auto* text = left.as<std::string>();
    const auto* part = right.as<std::string>();
    if (!text || !part) return mismatched(sign, left, right);
    if (sign == "contains") return Value{text->find(*part) != std::string::npos};
    if (sign == "startsWith") return Value{text->starts_with(*part)};
    return Value{text->ends_with(*part)};
}

Result<Value> range(const Value& left, const Value& right) {
    const auto* from = left.as<long>();
    const auto* to = right.as<long>();
    if (!from || !to) return mismatched("..", left, right);
    if (*to < *from) return list_value({});
    if (static_cast<unsigned long>(*to) - static_cast<unsigned long>(*from) >=
        size_t(longest_range))
        return invalid("memory budget exceeded");
    List items;
    for (long i = *from; i <= *to; ++i) items.emplace_back(i);
    return list_value(std::move(items));
}

// Where a bound of a slice falls: below 0 counts from the end, beyond the ends is cut off.
Result<long> slice_bound(const Value& bound, long size, long otherwise) {
    if (bound.is_nil()) return otherwise;
    const auto* at = bound.as<long>();
    if (!at) return invalid(concat("non-integer slice index ", type_name(bound)));
    return std::clamp(*at < 0 ? size + *at : *at, 0L, size);
}

}  // namespace

bool less_than(const Value& left, const Value& right) {
    return compare(left, right) == -1;
}

Error mismatched(std::string_view sign, const Value& left, const Value& right) {
    return invalid(concat("invalid operation: ", sign, " (mismatched types ", type_name(left),
                          " and ", type_name(right), ")"));
}

Result<Value> apply_binary(std::string_view sign, const Value& left, const Value& right) {
    if (sign == "==" || sign == "!=") return equality(sign, left, right);
    if (sign == "<" || sign == ">" || sign == "<=" || sign == ">=")
        return ordered(sign, left, right);
    if (sign == "in") return contained(left, right);
    if (sign == "contains" || sign == "startsWith" || sign == "endsWith")
        return text_test(sign, left, right);
    if (sign == "..") return range(left, right);
    if (left.is_number() && right.is_number()) return arithmetic(sign, left, right);
    if (left.as<std::string>() && right.as<std::string>() && sign == "+") {
        std::string text = *left.as<std::string>() + *right.as<std::string>();
        if (text.size() > size_t(longest_text)) return invalid("memory budget exceeded");
        return Value{std::move(text)};
    }
    return time_arithmetic(sign, left, right);
}

Result<Value> apply_unary(std::string_view sign, const Value& operand) {
    if (sign == "not" || sign == "!") {
        if (const auto* truth = operand.as<bool>()) return Value{!*truth};
    } else {
        if (const auto* whole = operand.as<long>())
            return Value{sign == "-" ? wrap(0UL - static_cast<unsigned long>(*whole)) : *whole};
        if (const auto* real = operand.as<double>()) return Value{sign == "-" ? -*real : *real};
    }
    return invalid(
        concat("invalid operation: ", sign, " (mismatched type ", type_name(operand), ")"));
}

Result<Value> fetch(const Value& from, const Value& index) {
    if (const auto* items = from.list()) {
        const auto* whole = index.as<long>();
        const auto* real = index.as<double>();
        if (!whole && !(real && *real > -1e9 && *real < 1e9))
            return invalid(concat("array elements can only be selected using an integer (got ",
                                  type_name(index), ")"));
        const long size = static_cast<long>(items->size());
        long at = whole ? *whole : static_cast<long>(*real);
        if (at < 0) at += size;
        if (at < 0 || at >= size)
            return invalid(concat("index out of range: ", at, " (array length is ", size, ")"));
        return (*items)[static_cast<size_t>(at)];
    }
    if (const auto* entries = from.map()) {
        const auto* key = index.as<std::string>();
        if (!key)
            return invalid(concat("cannot use ", type_name(index), " to get an element from ",
                                  type_name(from)));
        const auto found = entries->find(*key);
        Value value = found == entries->end() ? Value{} : found->second;
        value.type_known = false;
        return value;
    }
    return invalid(concat("cannot fetch ", shown(index), " from ", type_name(from)));
}

Result<Value> slice(const Value& from, const Value& low, const Value& high) {
    const auto* items = from.list();
    const auto* text = from.as<std::string>();
    if (!items && !text) return invalid(concat("cannot slice ", type_name(from)));
    const long size = static_cast<long>(items ? items->size() : text->size());
    const long end = TRY(slice_bound(high, size, size));
    const long start = std::min(TRY(slice_bound(low, size, 0)), end);
    if (text) return Value{text->substr(size_t(start), size_t(end - start))};
    return list_value(List(items->begin() + start, items->begin() + end));
}

}  // namespace sluice::analysis
