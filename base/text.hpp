// SPDX-License-Identifier: Apache-2.0
// Small text helpers (GCC 12 has no std::format).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice {

namespace detail {
inline void append(std::string& text, std::string_view part) {
    text += part;
}
inline void append(std::string& text, char part) {
    text += part;
}
template <class Number>
    requires std::is_integral_v<Number>
void append(std::string& text, Number part) {
    text += std::to_string(part);
}
}  // namespace detail

// concat("weight ", 5, " %"): strings, characters and whole numbers, put together.
template <class... Parts>
std::string concat(const Parts&... parts) {
    std::string text;
    (detail::append(text, parts), ...);
    return text;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
// A whole decimal number with nothing around it.
std::optional<long> parse_integer(std::string_view text);
std::optional<double> parse_number(std::string_view text);
// The shortest text that reads back as the same double: "0.95", "1", "NaN", "+Inf".
std::string format_number(double value);

std::string percent_encode(std::string_view text);
std::optional<std::string> percent_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace sluice
