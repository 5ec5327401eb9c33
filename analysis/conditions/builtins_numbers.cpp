// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/builtins.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/text.hpp"

namespace sluice::analysis {
namespace builtin_numbers {
namespace {

// A float beyond a long has no defined conversion in C++ (Go's is unspecified too).
long to_long(double number) {
    if (std::isnan(number)) return std::numeric_limits<long>::min();
    if (number >= 9.2233720368547e18) return std::numeric_limits<long>::max();
    if (number <= -9.2233720368547e18) return std::numeric_limits<long>::min();
    return static_cast<long>(number);
}

Result<Value> as_int(const List& args, const Environment&) {
    if (const auto* whole = args[0].as<long>()) return Value{*whole};
    if (const auto* real = args[0].as<double>()) return Value{to_long(*real)};
    if (const auto* text = args[0].as<std::string>()) {
        if (const auto number = parse_integer(text->starts_with('+') ? text->substr(1) : *text))
            return Value{*number};
        return invalid(
            concat("strconv.ParseInt: parsing \"", shown(args[0]), "\": invalid syntax"));
    }
    return invalid(concat("asInt() not supported on ", type_name(args[0]), " ", shown(args[0])));
}

Result<Value> as_float(const List& args, const Environment&) {
    if (args[0].is_number()) return Value{args[0].number()};
    if (const auto* text = args[0].as<std::string>()) {
        if (const auto number = parse_number(*text)) return Value{*number};
        return invalid(
            concat("strconv.ParseFloat: parsing \"", shown(args[0]), "\": invalid syntax"));
    }
    return invalid(concat("asFloat() not supported on ", type_name(args[0]), " ", shown(args[0])));
}

Error not_a_float(std::string_view function, const Value& argument) {
    return invalid(concat("cannot use ", type_name(argument),
                          " as argument (type float64) to call ", function));
}

Result<Value> is_nan(const List& args, const Environment&) {
    if (!args[0].is_number()) return not_a_float("isNaN", args[0]);
    return Value{std::isnan(args[0].number())};
}

Result<Value> is_inf(const List& args, const Environment&) {
    if (!args[0].is_number()) return not_a_float("isInf", args[0]);
    return Value{std::isinf(args[0].number())};
}

Result<Value> is_nil(const List&, const Environment& environment) {
    return Value{environment.result.is_nil()};
}

Result<Value> otherwise(const List& args, const Environment& environment) {
    Value value = environment.result.is_nil() ? args[1] : environment.result;
    value.type_known = false;
    return value;
}

// Numbers given one by one or in lists.
Result<std::vector<Value>> numbers_in(std::string_view function, const List& args) {
    std::vector<Value> numbers;
    for (const auto& arg : args) {
        const List single{arg};
        for (const auto& item : arg.list() ? *arg.list() : single) {
            if (!item.is_number()) return bad_argument(function, item);
            numbers.push_back(item);
        }
    }
    return numbers;
}

bool less(const Value& left, const Value& right) {
    return left.number() < right.number();
}

Result<Value> least(const List& args, const Environment&) {
    const auto numbers = TRY(numbers_in("min", args));
    if (numbers.empty()) return invalid("not enough arguments to call min");
    return *std::min_element(numbers.begin(), numbers.end(), less);
}

Result<Value> greatest(const List& args, const Environment&) {
    const auto numbers = TRY(numbers_in("max", args));
    if (numbers.empty()) return invalid("not enough arguments to call max");
    return *std::max_element(numbers.begin(), numbers.end(), less);
}

Result<Value> sum(const List& args, const Environment&) {
    const auto numbers = TRY(numbers_in("sum", args));
    const bool whole =
        std::all_of(numbers.begin(), numbers.end(), [](const Value& v) { return v.as<long>(); });
    unsigned long whole_sum = 0;  // Go's int wraps around
    double real_sum = 0;
    for (const auto& number : numbers) {
        if (whole) whole_sum += static_cast<unsigned long>(*number.as<long>());
        real_sum += number.number();
    }
    return whole ? Value{static_cast<long>(whole_sum)} : Value{real_sum};
}

Result<Value> mean(const List& args, const Environment&) {
    const auto numbers = TRY(numbers_in("mean", args));
    double total = 0;
    for (const auto& number : numbers) total += number.number();
    return Value{numbers.empty() ? 0.0 : total / static_cast<double>(numbers.size())};
}

Result<Value> median(const List& args, const Environment&) {
    std::vector<double> numbers;
    for (const auto& number : TRY(numbers_in("median", args))) numbers.push_back(number.number());
    if (numbers.empty()) return Value{0.0};
    // NaN goes before all others, as Go's sort.Float64s has it: sorting needs an order.
    const auto split = std::partition(numbers.begin(), numbers.end(),
                                      [](double number) { return std::isnan(number); });
    std::sort(split, numbers.end());
    const size_t half = numbers.size() / 2;
    if (numbers.size() % 2 == 1) return Value{numbers[half]};
    return Value{(numbers[half - 1] + numbers[half]) / 2};
}

using Bits = std::uint64_t;

Result<Bits> bits_argument(std::string_view function, const Value& argument) {
    if (const auto* whole = argument.as<long>()) return static_cast<Bits>(*whole);
    return invalid(
        concat("cannot use ", type_name(argument), " as argument (type int) to call ", function));
}

template <Bits (*combine)(Bits, Bits)>
Result<Value> bitwise(const List& args, const Environment&) {
    return Value{static_cast<long>(combine(TRY(bits_argument("a bit function", args[0])),
                                           TRY(bits_argument("a bit function", args[1]))))};
}

Bits both_bits(Bits left, Bits right) {
    return left & right;
}
Bits either_bits(Bits left, Bits right) {
    return left | right;
}
Bits differing_bits(Bits left, Bits right) {
    return left ^ right;
}
Bits cleared_bits(Bits left, Bits right) {
    return left & ~right;
}

Result<Value> inverted_bits(const List& args, const Environment&) {
    return Value{static_cast<long>(~TRY(bits_argument("bitnot", args[0])))};
}

// Go shifts everything out where C++ would not know what to do.
template <Bits (*shift)(long, Bits)>
Result<Value> shifted(const List& args, const Environment&) {
    const auto bits = TRY(bits_argument("a shift", args[0]));
    const auto* count = args[1].as<long>();
    if (!count) return bad_argument("a shift", args[1]);
    if (*count < 0)
        return invalid(concat("invalid operation: negative shift count ", *count, " (type int)"));
    return Value{static_cast<long>(shift(static_cast<long>(bits), static_cast<Bits>(*count)))};
}

Bits shifted_left(long bits, Bits count) {
    return count > 63 ? 0 : static_cast<Bits>(bits) << count;
}
Bits shifted_right(long bits, Bits count) {
    return static_cast<Bits>(bits >> std::min<Bits>(count, 63));
}
Bits shifted_right_unsigned(long bits, Bits count) {
    return count > 63 ? 0 : static_cast<Bits>(bits) >> count;
}

template <double (*rounding)(double)>
Result<Value> rounded(const List& args, const Environment&) {
    if (!args[0].is_number()) return bad_argument("a rounding function", args[0]);
    return Value{rounding(args[0].number())};
}

double round_half_away(double number) {
    return std::round(number);
}
double round_down(double number) {
    return std::floor(number);
}
double round_up(double number) {
    return std::ceil(number);
}

Result<Value> absolute(const List& args, const Environment&) {
    if (const auto* whole = args[0].as<long>())
        return Value{*whole < 0 ? static_cast<long>(0UL - static_cast<unsigned long>(*whole))
                                : *whole};
    if (const auto* real = args[0].as<double>()) return Value{std::abs(*real)};
    return bad_argument("abs", args[0]);
}

Result<Value> time_now(const List&, const Environment& environment) {
    return Value{environment.now};
}

Result<Value> length_of_time(const List& args, const Environment&) {
    return Value{TRY(parse_duration(TRY(text_argument("duration", args[0]))))};
}

// The layouts that expr-lang tries, as far as they are used: RFC 3339, a day, a day with a time.
Result<Value> date(const List& args, const Environment&) {
    const std::string text(TRY(text_argument("date", args[0])));
    for (const std::string& form : {text, text + "T00:00:00Z"})
        if (const auto when = parse_rfc3339(form); when.ok()) return Value{*when};
    if (const auto blank = text.find(' '); blank != std::string::npos)
        if (const auto when =
                parse_rfc3339(concat(text.substr(0, blank), "T", text.substr(blank + 1), "Z"));
            when.ok())
            return Value{*when};
    return invalid(concat("invalid date ", text));
}

constexpr size_t any_number = 1000;
constexpr std::array<Builtin, 28> numbers{
    {{"asInt", 1, 1, as_int, false},
     {"asFloat", 1, 1, as_float, false},
     {"isNaN", 1, 1, is_nan, false},
     {"isInf", 1, 1, is_inf, false},
     {"isNil", 1, 1, is_nil, false},
     {"default", 2, 2, otherwise, false},
     {"min", 1, any_number, least},
     {"max", 1, any_number, greatest},
     {"sum", 1, 1, sum},
     {"mean", 1, any_number, mean},
     {"median", 1, any_number, median},
     {"round", 1, 1, rounded<round_half_away>},
     {"floor", 1, 1, rounded<round_down>},
     {"ceil", 1, 1, rounded<round_up>},
     {"abs", 1, 1, absolute},
     {"int", 1, 1, as_int, false},
     {"float", 1, 1, as_float, false},
     {"bitand", 2, 2, bitwise<both_bits>, false},
     {"bitor", 2, 2, bitwise<either_bits>, false},
     {"bitxor", 2, 2, bitwise<differing_bits>, false},
     {"bitnand", 2, 2, bitwise<cleared_bits>, false},
     {"bitnot", 1, 1, inverted_bits, false},
     {"bitshl", 2, 2, shifted<shifted_left>, false},
     {"bitshr", 2, 2, shifted<shifted_right>, false},
     {"bitushr", 2, 2, shifted<shifted_right_unsigned>, false},
     {"now", 0, 0, time_now},
     {"duration", 1, 1, length_of_time},
     {"date", 1, 1, date}}};

}  // namespace
}  // namespace builtin_numbers

std::span<const Builtin> number_builtins() {
    return builtin_numbers::numbers;
}

}  // namespace sluice::analysis
