// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/value.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace sluice::analysis {

double Value::number() const {
    if (const auto* whole = as<long>()) return static_cast<double>(*whole);
    const auto* real = as<double>();
    check(real != nullptr, "number() of a value that is none");
    return *real;
}

const List* Value::list() const {
    const auto* shared = as<std::shared_ptr<const List>>();
    return shared ? shared->get() : nullptr;
}

const Map* Value::map() const {
    const auto* shared = as<std::shared_ptr<const Map>>();
    return shared ? shared->get() : nullptr;
}

namespace {

// A text weighs by its length, so that copies of long ones are paid for.
std::uint32_t weight_of(const Value& part) {
    const auto* text = part.as<std::string>();
    return text ? static_cast<std::uint32_t>(std::min<size_t>(1 + text->size() / 32, 1U << 30))
                : part.weight;
}

void add_part(Value& whole, const Value& part) {
    whole.depth = std::max(
        whole.depth, static_cast<std::uint16_t>(std::min<int>(part.depth + 1, deepest_value + 1)));
    whole.weight =
        std::min<std::uint32_t>(whole.weight + std::min(weight_of(part), 1U << 30), 1U << 30);
}

}  // namespace

Value list_value(List items) {
    Value value;
    value.depth = 1;
    for (const auto& item : items) add_part(value, item);
    value.data = std::make_shared<const List>(std::move(items));
    return value;
}

Value map_value(Map entries) {
    Value value;
    value.depth = 1;
    for (const auto& [key, entry] : entries) {
        add_part(value, entry);
        value.weight = std::min<std::uint32_t>(
            value.weight + static_cast<std::uint32_t>(key.size() / 32), 1U << 30);
    }
    value.data = std::make_shared<const Map>(std::move(entries));
    return value;
}

bool too_big(const Value& value) {
    return value.depth > deepest_value || value.weight > heaviest_value;
}

Value floats(const std::vector<double>& numbers) {
    return list_value(List(numbers.begin(), numbers.end()));
}

Value value_of(const Json& json) {
    Value value;
    if (json.is_boolean()) value = Value{json.get<bool>()};
    if (json.is_number()) value = Value{json.get<double>()};
    if (json.is_string()) value = Value{json.get<std::string>()};
    if (json.is_array()) {
        List items;
        for (const auto& item : json) {
            items.push_back(value_of(item));
            items.back().type_known = false;
        }
        value = list_value(std::move(items));
    }
    if (json.is_object()) {
        Map entries;
        for (const auto& [key, inner] : json.items()) {
            Value entry = value_of(inner);
            entry.type_known = false;
            entries.emplace(key, std::move(entry));
        }
        value = map_value(std::move(entries));
    }
    return value;
}

std::string type_name(const Value& value) {
    return match(
        value.data, [](std::monostate) -> std::string { return "nil"; },
        [](bool) -> std::string { return "bool"; }, [](long) -> std::string { return "int"; },
        [](double) -> std::string { return "float64"; },
        [](const std::string&) -> std::string { return "string"; },
        [](TimePoint) -> std::string { return "time.Time"; },
        [](Duration) -> std::string { return "time.Duration"; },
        [](const std::shared_ptr<const List>& items) -> std::string {
            const bool floats_only =
                !items->empty() && std::all_of(items->begin(), items->end(), [](const Value& item) {
                    return item.type_known && item.as<double>();
                });
            return floats_only ? "[]float64" : "[]interface {}";
        },
        [](const std::shared_ptr<const Map>&) -> std::string { return "map[string]interface {}"; });
}

namespace {

// Go's %v: exponents where the plain digits would be many.
std::string printed_float(double value) {
    const double size = std::abs(value);
    if (!std::isfinite(value) || size == 0 || (size >= 1e-4 && size < 1e21))
        return format_float(value);
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   std::chars_format::scientific)
                         .ptr;
    return {buffer.data(), end};
}

}  // namespace

std::string to_text(const Value& value) {
    return match(
        value.data, [](std::monostate) -> std::string { return "<nil>"; },
        [](bool truth) -> std::string { return truth ? "true" : "false"; },
        [](long number) { return std::to_string(number); },
        [](double number) { return printed_float(number); },
        [](const std::string& text) { return text; },
        [](TimePoint when) { return format_rfc3339(when); },
        [](Duration length) { return format_duration(length); },
        [](const std::shared_ptr<const List>& items) {
            std::vector<std::string> parts;
            for (const auto& item : *items) parts.push_back(to_text(item));
            return "[" + join(parts, " ") + "]";
        },
        [](const std::shared_ptr<const Map>& entries) {
            std::vector<std::string> parts;
            for (const auto& [key, item] : *entries) parts.push_back(key + ":" + to_text(item));
            return "map[" + join(parts, " ") + "]";
        });
}

std::string shown(const Value& value) {
    constexpr std::uint32_t most_parts = 32;
    constexpr size_t longest = 200;
    if (value.weight > most_parts) return "…";
    std::string text = to_text(value);
    if (text.size() <= longest) return text;
    size_t cut = longest;
    while (cut > 0 && (text[cut] & 0xC0) == 0x80) --cut;  // between characters
    return text.substr(0, cut) + "…";
}

std::string format_float(double value) {
    if (!std::isfinite(value) || value == 0)
        return std::signbit(value) && value == 0 ? "-0" : format_number(value);
    // libstdc++ prints large numbers exactly in fixed notation; Go pads the shortest digits with
    // zeros. So take the shortest digits and lay them out.
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                   std::chars_format::scientific)
                         .ptr;
    const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
    const auto e = text.find('e');
    std::string digits(text.substr(0, e));
    std::erase(digits, '.');
    auto exponent_text = text.substr(e + 1);
    if (exponent_text.front() == '+') exponent_text.remove_prefix(1);
    const long point = parse_integer(exponent_text).value_or(0) + 1;  // digits before the point
    std::string laid_out = std::signbit(value) ? "-" : "";
    const long count = static_cast<long>(digits.size());
    if (point <= 0) return laid_out + "0." + std::string(static_cast<size_t>(-point), '0') + digits;
    if (point >= count)
        return laid_out + digits + std::string(static_cast<size_t>(point - count), '0');
    const auto split_at = static_cast<size_t>(point);
    return laid_out + digits.substr(0, split_at) + "." + digits.substr(split_at);
}

bool equal(const Value& left, const Value& right) {
    if (left.is_number() && right.is_number()) {
        const auto* l = left.as<long>();
        const auto* r = right.as<long>();
        return l && r ? *l == *r : left.number() == right.number();
    }
    if (const auto* l = left.list()) {
        const auto* r = right.list();
        return r && l->size() == r->size() &&
               std::equal(l->begin(), l->end(), r->begin(),
                          [](const Value& a, const Value& b) { return equal(a, b); });
    }
    if (const auto* l = left.map()) {
        const auto* r = right.map();
        return r && l->size() == r->size() &&
               std::equal(l->begin(), l->end(), r->begin(), [](const auto& a, const auto& b) {
                   return a.first == b.first && equal(a.second, b.second);
               });
    }
    return left.data == right.data;
}

}  // namespace sluice::analysis
