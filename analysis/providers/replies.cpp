// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/replies.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::analysis {
namespace replies {
namespace {

constexpr size_t longest_start = 300;
constexpr size_t longest_value = 4096;  // of a measurement's value, which a status keeps ten times

void write(const Json& value, std::string& text) {
    if (value.is_number_float()) {
        const double number = value.get<double>();
        // Go writes whole floats without a point, and no exponents in this range.
        if (std::abs(number) < 1e21 && (number == 0 || std::abs(number) >= 1e-6))
            text += format_float(number);
        else
            text += sluice::to_text(value);
        return;
    }
    if (!value.is_structured()) {
        text += sluice::to_text(value);
        return;
    }
    const bool list = value.is_array();
    text += list ? '[' : '{';
    bool first = true;
    for (const auto& [key, item] : value.items()) {
        if (!first) text += ',';
        first = false;
        if (!list) text += sluice::to_text(Json(key)) + ":";
        write(item, text);
    }
    text += list ? ']' : '}';
}

std::string cut(std::string_view text, size_t longest) {
    if (text.size() <= longest) return std::string(text);
    while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xC0) == 0x80) --longest;
    return concat(text.substr(0, longest), "…");
}

}  // namespace
}  // namespace replies

std::string retry_after_text(const HttpResponse& response) {
    const auto after = header(response.headers, "Retry-After");
    return after ? concat(", which asks to be asked again after ", replies::cut(*after, 64)) : "";
}

std::string body_start(const HttpResponse& response) {
    return replies::cut(trim(response.body), replies::longest_start);
}

std::string shortened(std::string_view text) {
    return replies::cut(text, replies::longest_value);
}

std::string go_json_text(const Json& value) {
    std::string text;
    replies::write(value, text);
    return text;
}

Result<Reading> json_reading(const Json& value) {
    Value result = value_of(value);
    if (too_big(result)) return invalid("the answer holds too many values");
    return Reading{std::move(result), shortened(go_json_text(value)), {}};
}

Reading floats_reading(const std::vector<double>& numbers) {
    std::vector<std::string> texts;
    for (const double number : numbers) texts.push_back(format_float(number));
    return {floats(numbers), shortened(concat("[", join(texts, ","), "]")), {}};
}

Reading one_or_all(const std::vector<double>& numbers) {
    if (numbers.empty()) return {Value{}, "[]", {}};
    if (numbers.size() == 1) return {Value{numbers[0]}, format_float(numbers[0]), {}};
    return floats_reading(numbers);
}

CredentialsRef named_secret(const Json& config, const std::string& otherwise) {
    const std::string name = text_at(config, {"secretRef", "name"});
    return {name.empty() ? otherwise : name, bool_at(config, {"secretRef", "namespaced"}), ""};
}

std::string secret_entry(const Credentials& credentials, const std::string& entry) {
    const auto found = credentials.find(entry);
    return found == credentials.end() ? std::string() : std::string(trim(found->second));
}

Result<Window> window_of(const Json& config, TimePoint now) {
    const std::string wanted = text_at(config, {"interval"});
    const auto interval = TRY(parse_duration(wanted.empty() ? "5m" : wanted));
    const auto to = std::chrono::floor<std::chrono::seconds>(now);
    const auto milliseconds = [](TimePoint when) {
        return when.time_since_epoch() / std::chrono::milliseconds{1};
    };
    return Window{milliseconds(to - interval), milliseconds(to)};
}

}  // namespace sluice::analysis
