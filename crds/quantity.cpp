// SPDX-License-Identifier: Apache-2.0
// Quantities as k8s.io/apimachinery/pkg/api/resource reads and writes them.
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "crds/go_json.hpp"

namespace sluice::crds {
namespace quantity {

__extension__ using Wide = __int128;

enum class Format { Decimal, Exponent, Binary };

struct Parts {
    bool negative = false;
    std::string_view whole;     // digits without leading zeros, "0" where there are none
    std::string_view fraction;  // digits after the point
    std::string_view suffix;
};

struct Suffix {
    Format format;
    int exponent;  // of 10, or of 2 for Binary
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

size_t count_digits(std::string_view text) {
    size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    return n;
}

Parts take_apart(std::string_view text) {
    Parts parts;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        parts.negative = text[0] == '-';
        text.remove_prefix(1);
    }
    while (!text.empty() && text[0] == '0') text.remove_prefix(1);
    parts.whole = text.substr(0, count_digits(text));
    text.remove_prefix(parts.whole.size());
    if (parts.whole.empty()) parts.whole = "0";
    if (!text.empty() && text[0] == '.') {
        text.remove_prefix(1);
        parts.fraction = text.substr(0, count_digits(text));
        text.remove_prefix(parts.fraction.size());
    }
    parts.suffix = text;
    return parts;
}

struct Unit {
    std::string_view text;
    Format format;
    int exponent;
};

constexpr std::array units{
    Unit{"n", Format::Decimal, -9}, Unit{"u", Format::Decimal, -6}, Unit{"m", Format::Decimal, -3},
    Unit{"", Format::Decimal, 0},   Unit{"k", Format::Decimal, 3},  Unit{"M", Format::Decimal, 6},
    Unit{"G", Format::Decimal, 9},  Unit{"T", Format::Decimal, 12}, Unit{"P", Format::Decimal, 15},
    Unit{"E", Format::Decimal, 18}, Unit{"Ki", Format::Binary, 10}, Unit{"Mi", Format::Binary, 20},
    Unit{"Gi", Format::Binary, 30}, Unit{"Ti", Format::Binary, 40}, Unit{"Pi", Format::Binary, 50},
    Unit{"Ei", Format::Binary, 60},
};

std::optional<Suffix> read_suffix(std::string_view text) {
    for (const auto& unit : units)
        if (unit.text == text) return Suffix{unit.format, unit.exponent};
    if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
    text.remove_prefix(1);
    if (text[0] == '+') text.remove_prefix(1);
    const auto exponent = parse_integer(text);
    if (!exponent || *exponent < -40 || *exponent > 40) return std::nullopt;
    return Suffix{Format::Exponent, static_cast<int>(*exponent)};
}

// apimachinery keeps the text as written where its fast path finds it canonical already. The test
// there is coarse, so that "+1" and "5." pass it, and they are hashed as written.
bool kept_as_written(const Parts& parts, const Suffix& suffix) {
    const std::string digits = concat(parts.whole, parts.fraction);
    if (digits.size() > 18) return false;
    const long value = parse_integer(digits).value_or(0);
    if (suffix.format == Format::Binary) {
        const int precision = 15 - static_cast<int>(parts.whole.size()) -
                              static_cast<int>(static_cast<float>(suffix.exponent) * 3 / 10) - 1;
        return parts.fraction.empty() && precision >= 0 && (value & 7) != 0;
    }
    const int scale = suffix.exponent - static_cast<int>(parts.fraction.size());
    return scale >= -9 && scale % 3 == 0 && !digits.ends_with("000") && digits[0] != '0';
}

constexpr Wide widest = ~(static_cast<Wide>(1) << 127);

// The value in billionths, rounded up; nothing where 128 bits do not hold it.
std::optional<Wide> in_nanos(const Parts& parts, const Suffix& suffix) {
    Wide value = 0;
    const std::string digits = concat(parts.whole, parts.fraction);
    for (const char c : digits) {
        if (value > widest / 16) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    int scale = 9 - static_cast<int>(parts.fraction.size());
    if (suffix.format == Format::Binary) {
        for (int i = 0; i < suffix.exponent; ++i) {
            if (value > widest / 2) return std::nullopt;
            value *= 2;
        }
    } else {
        scale += suffix.exponent;
    }
    for (; scale > 0; --scale) {
        if (value > widest / 10) return std::nullopt;
        value *= 10;
    }
    bool rest = false;
    for (; scale < 0; ++scale) {
        rest = rest || value % 10 != 0;
        value /= 10;
    }
    return value + (rest ? 1 : 0);
}

std::string digits_of(Wide value) {
    if (value == 0) return "0";
    std::string text;
    for (; value > 0; value /= 10) text.insert(text.begin(), static_cast<char>('0' + value % 10));
    return text;
}

std::string unit_text(Format format, int exponent) {
    if (format == Format::Exponent)
        return exponent == 0 ? "" : concat("e", std::to_string(exponent));
    for (const auto& unit : units)
        if (unit.format == format && unit.exponent == exponent) return std::string(unit.text);
    return "";
}

std::string write_decimal(Wide nanos, Format format) {
    int exponent = -9;
    for (; nanos % 10 == 0; nanos /= 10) ++exponent;
    for (; exponent % 3 != 0; --exponent) nanos *= 10;
    return digits_of(nanos) + unit_text(format, exponent);
}

std::string write_binary(Wide whole) {
    int exponent = 0;
    for (; whole % 1024 == 0; whole /= 1024) exponent += 10;
    return digits_of(whole) + (exponent == 0 ? "" : unit_text(Format::Binary, exponent));
}

}  // namespace quantity

std::string canonical_quantity(std::string_view text) {
    using namespace quantity;
    const std::string_view written = trim(text);
    if (written.empty() || written.size() > 40) return std::string(text);
    const Parts parts = take_apart(written);
    const auto suffix = read_suffix(parts.suffix);
    if (!suffix) return std::string(text);
    if (kept_as_written(parts, *suffix)) return std::string(written);
    auto nanos = in_nanos(parts, *suffix);
    if (!nanos) return std::string(written);
    if (*nanos == 0) return "0";
    constexpr Wide nano = 1000000000;
    constexpr Wide cap = (static_cast<Wide>(1) << 63) - 1;
    if (suffix->format == Format::Binary && *nanos > cap * nano) nanos = cap * nano;
    const bool binary =
        suffix->format == Format::Binary && *nanos >= 1024 * nano && *nanos % nano == 0;
    const Format decimal = suffix->format == Format::Exponent ? Format::Exponent : Format::Decimal;
    return concat(parts.negative ? "-" : "",
                  binary ? write_binary(*nanos / nano) : write_decimal(*nanos, decimal));
}

}  // namespace sluice::crds
