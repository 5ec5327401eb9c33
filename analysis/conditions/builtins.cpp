// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/builtins.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.hpp"

namespace sluice::analysis {
namespace {

using Call = Result<Value> (*)(const List&, const Environment&);

struct Builtin {
    std::string_view name;
    size_t fewest, most;  // arguments
    Call call;
};

Error bad_argument(std::string_view function, const Value& argument) {
    return invalid(concat("invalid argument for ", function, " (type ", type_name(argument), ")"));
}

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
        return invalid(concat("strconv.ParseInt: parsing \"", *text, "\": invalid syntax"));
    }
    return invalid(concat("asInt() not supported on ", type_name(args[0]), " ", to_text(args[0])));
}

Result<Value> as_float(const List& args, const Environment&) {
    if (args[0].is_number()) return Value{args[0].number()};
    if (const auto* text = args[0].as<std::string>()) {
        if (const auto number = parse_number(*text)) return Value{*number};
        return invalid(concat("strconv.ParseFloat: parsing \"", *text, "\": invalid syntax"));
    }
    return invalid(
        concat("asFloat() not supported on ", type_name(args[0]), " ", to_text(args[0])));
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

Result<Value> length(const List& args, const Environment&) {
    if (const auto* items = args[0].list()) return Value{static_cast<long>(items->size())};
    if (const auto* entries = args[0].map()) return Value{static_cast<long>(entries->size())};
    if (const auto* text = args[0].as<std::string>())  // in runes, as expr-lang counts
        return Value{static_cast<long>(
            std::count_if(text->begin(), text->end(), [](char c) { return (c & 0xC0) != 0x80; }))};
    return bad_argument("len", args[0]);
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
    auto numbers = TRY(numbers_in("median", args));
    if (numbers.empty()) return Value{0.0};
    std::sort(numbers.begin(), numbers.end(), less);
    const size_t half = numbers.size() / 2;
    if (numbers.size() % 2 == 1) return Value{numbers[half].number()};
    return Value{(numbers[half - 1].number() + numbers[half].number()) / 2};
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

Result<Value> text_of(const List& args, const Environment&) {
    return Value{to_text(args[0])};
}

Result<Value> first(const List& args, const Environment&) {
    const auto* items = args[0].list();
    if (!items) return bad_argument("first", args[0]);
    return items->empty() ? Value{} : items->front();
}

Result<Value> last(const List& args, const Environment&) {
    const auto* items = args[0].list();
    if (!items) return bad_argument("last", args[0]);
    return items->empty() ? Value{} : items->back();
}

Result<Value> trimmed(const List& args, const Environment&) {
    const auto* text = args[0].as<std::string>();
    if (!text) return bad_argument("trim", args[0]);
    return Value{std::string(trim(*text))};
}

Result<Value> lowered(const List& args, const Environment&) {
    const auto* text = args[0].as<std::string>();
    if (!text) return bad_argument("lower", args[0]);
    return Value{to_lower(*text)};
}

Result<Value> time_now(const List&, const Environment& environment) {
    return Value{environment.now};
}

Result<Value> length_of_time(const List& args, const Environment&) {
    const auto* text = args[0].as<std::string>();
    if (!text) return bad_argument("duration", args[0]);
    return Value{TRY(parse_duration(*text))};
}

Result<Value> date(const List& args, const Environment&) {
    const auto* text = args[0].as<std::string>();
    if (!text) return bad_argument("date", args[0]);
    return Value{TRY(parse_rfc3339(*text))};
}

constexpr size_t any_number = 1000;
constexpr std::array<Builtin, 26> builtins{{{"asInt", 1, 1, as_int},
                                            {"asFloat", 1, 1, as_float},
                                            {"isNaN", 1, 1, is_nan},
                                            {"isInf", 1, 1, is_inf},
                                            {"isNil", 1, 1, is_nil},
                                            {"default", 2, 2, otherwise},
                                            {"len", 1, 1, length},
                                            {"min", 1, any_number, least},
                                            {"max", 1, any_number, greatest},
                                            {"sum", 1, 1, sum},
                                            {"mean", 1, any_number, mean},
                                            {"median", 1, any_number, median},
                                            {"round", 1, 1, rounded<round_half_away>},
                                            {"floor", 1, 1, rounded<round_down>},
                                            {"ceil", 1, 1, rounded<round_up>},
                                            {"abs", 1, 1, absolute},
                                            {"int", 1, 1, as_int},
                                            {"float", 1, 1, as_float},
                                            {"string", 1, 1, text_of},
                                            {"first", 1, 1, first},
                                            {"last", 1, 1, last},
                                            {"trim", 1, 1, trimmed},
                                            {"lower", 1, 1, lowered},
                                            {"now", 0, 0, time_now},
                                            {"duration", 1, 1, length_of_time},
                                            {"date", 1, 1, date}}};

}  // namespace

Result<Value> call_builtin(std::string_view function, const List& arguments,
                           const Environment& environment) {
    for (const auto& builtin : builtins) {
        if (builtin.name != function) continue;
        if (arguments.size() < builtin.fewest)
            return invalid(concat("not enough arguments to call ", function));
        if (arguments.size() > builtin.most)
            return invalid(concat("too many arguments to call ", function));
        return builtin.call(arguments, environment);
    }
    return invalid(concat("unknown name ", function));
}

}  // namespace sluice::analysis
