// SPDX-License-Identifier: Apache-2.0
// What a condition computes with: the values of Go's expr-lang/expr, which upstream evaluates
// conditions with. Whole numbers and floats are different types there, and stay so here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"

namespace sluice::analysis {

struct Value;
using List = std::vector<Value>;
using Map = std::map<std::string, Value, std::less<>>;

// Cheap to copy: lists and maps are shared and never changed.
struct Value {
    using Data = std::variant<std::monostate, bool, long, double, std::string, TimePoint, Duration,
                              std::shared_ptr<const List>, std::shared_ptr<const Map>>;
    Data data;
    // expr-lang checks types before it runs anything. Where it knows both sides of == to be of
    // different types it refuses the condition; what comes out of JSON has no type known before.
    bool type_known = true;
    // What bounds all work on a value, however often its parts are shared: how deep lists and maps
    // are nested, and how many parts it would have if none were shared.
    std::uint16_t depth = 0;
    std::uint32_t weight = 1;

    Value() = default;
    Value(bool truth) : data(truth) {}
    Value(long number) : data(number) {}
    Value(double number) : data(number) {}
    Value(std::string text) : data(std::move(text)) {}
    Value(TimePoint when) : data(when) {}
    Value(Duration length) : data(length) {}
    Value(std::shared_ptr<const List> items) : data(std::move(items)) {}
    Value(std::shared_ptr<const Map> entries) : data(std::move(entries)) {}
    Value(const char* text) : data(std::string(text)) {}
    Value(int number) : data(static_cast<long>(number)) {}

    template <class T>
    [[nodiscard]] const T* as() const {
        return std::get_if<T>(&data);
    }
    [[nodiscard]] bool is_nil() const { return data.index() == 0; }
    [[nodiscard]] bool is_number() const { return as<long>() || as<double>(); }
    // Of a number.
    [[nodiscard]] double number() const;
    [[nodiscard]] const List* list() const;
    [[nodiscard]] const Map* map() const;
};

Value list_value(List items);
Value map_value(Map entries);
// Values beyond these are made by nobody: conditions that would are refused.
inline constexpr int deepest_value = 600;
inline constexpr std::uint32_t heaviest_value = 1'000'000;
[[nodiscard]] bool too_big(const Value& value);

// What Prometheus-like providers give: a list whose items are known to be floats.
Value floats(const std::vector<double>& numbers);
// What encoding/json gives Go: every number a float, nothing known about types inside.
Value value_of(const Json& json);

// The type's name as Go prints it: "float64", "[]float64", "map[string]interface {}", "nil".
std::string type_name(const Value& value);
// Go's %v, for messages.
std::string to_text(const Value& value);
// As much of it as belongs into an error.
std::string shown(const Value& value);
// Go's strconv.FormatFloat(value, 'f', -1, 64): the shortest digits that read back, no exponent.
std::string format_float(double value);

// expr-lang's runtime.Equal: numbers by value, lists and maps item by item.
bool equal(const Value& left, const Value& right);

}  // namespace sluice::analysis
