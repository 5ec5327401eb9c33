// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace sluice {
namespace {

struct Civil {
    int year, month, day, hour, minute, second, milli;
};

Civil civil(TimePoint when) {
    using namespace std::chrono;
    const auto midnight = floor<days>(when);
    const year_month_day date{midnight};
    const hh_mm_ss clock{when - midnight};
    return {int(date.year()),
            int(unsigned(date.month())),
            int(unsigned(date.day())),
            int(clock.hours().count()),
            int(clock.minutes().count()),
            int(clock.seconds().count()),
            int(clock.subseconds().count())};
}

// Reads exactly `digits` decimal digits at `at`; advances it.
std::optional<int> digits(std::string_view text, size_t& at, size_t count) {
    if (at + count > text.size()) return std::nullopt;
    int value = 0;
    for (size_t i = 0; i < count; ++i, ++at) {
        const char c = text[at];
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

bool eat(std::string_view text, size_t& at, char wanted) {
    if (at >= text.size() || text[at] != wanted) return false;
    ++at;
    return true;
}

std::optional<TimePoint> rfc3339(std::string_view text) {
    using namespace std::chrono;
    size_t at = 0;
    const auto y = digits(text, at, 4);
    if (!y || !eat(text, at, '-')) return std::nullopt;
    const auto mo = digits(text, at, 2);
    if (!mo || !eat(text, at, '-')) return std::nullopt;
    const auto d = digits(text, at, 2);
    if (!d || (!eat(text, at, 'T') && !eat(text, at, 't'))) return std::nullopt;
    const auto h = digits(text, at, 2);
    if (!h || !eat(text, at, ':')) return std::nullopt;
    const auto mi = digits(text, at, 2);
    if (!mi || !eat(text, at, ':')) return std::nullopt;
    const auto s = digits(text, at, 2);
    if (!s) return std::nullopt;
    long milli = 0;
    if (eat(text, at, '.')) {
        long scale = 100;
        const size_t start = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
            milli += (text[at] - '0') * scale;
        if (at == start) return std::nullopt;
    }
    minutes offset{0};
    if (!eat(text, at, 'Z') && !eat(text, at, 'z')) {
        const bool minus = at < text.size() && text[at] == '-';
        if (!minus && !(at < text.size() && text[at] == '+')) return std::nullopt;
        ++at;
        const auto oh = digits(text, at, 2);
        if (!oh || !eat(text, at, ':')) return std::nullopt;
        const auto om = digits(text, at, 2);
        if (!om || *oh > 23 || *om > 59) return std::nullopt;
        offset = minutes{*oh * 60 + *om} * (minus ? -1 : 1);
    }
    const year_month_day date{year{*y}, month{unsigned(*mo)}, day{unsigned(*d)}};
    if (at != text.size() || !date.ok() || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
    return sys_days{date} + hours{*h} + minutes{*mi} + seconds{*s} + milliseconds{milli} - offset;
}

// Nanoseconds of a Go duration unit, 0 for an unknown one.
double unit_nanos(std::string_view unit) {
    if (unit == "ns") return 1;
    if (unit == "us" || unit == "\u00b5s" || unit == "\u03bcs") return 1e3;
    if (unit == "ms") return 1e6;
    if (unit == "s") return 1e9;
    if (unit == "m") return 60e9;
    if (unit == "h") return 3600e9;
    return 0;
}

bool numeric(char c) {
    return (c >= '0' && c <= '9') || c == '.';
}

std::optional<Duration> go_duration(std::string_view text) {
    const bool negative = !text.empty() && text[0] == '-';
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    if (text == "0") return Duration{0};
    if (text.empty()) return std::nullopt;
    double nanos = 0;
    while (!text.empty()) {
        size_t n = 0;
        while (n < text.size() && numeric(text[n])) ++n;
        double amount = 0;
        const auto [end, problem] =
            std::from_chars(text.data(), text.data() + n, amount, std::chars_format::fixed);
        if (n == 0 || problem != std::errc{} || end != text.data() + n) return std::nullopt;
        text.remove_prefix(n);
        size_t u = 0;
        while (u < text.size() && !numeric(text[u])) ++u;
        const double unit = unit_nanos(text.substr(0, u));
        if (unit == 0) return std::nullopt;
        text.remove_prefix(u);
        nanos += amount * unit;
    }
    if (nanos > 9.2e18) return std::nullopt;
    const auto millis = Duration{static_cast<long>(std::floor(nanos / 1e6 + 1e-6))};
    return negative ? -millis : millis;
}

}  // namespace

std::string format_rfc3339(TimePoint when) {
    const Civil c = civil(when);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month,
                  c.day, c.hour, c.minute, c.second);
    return text.data();
}

std::string format_rfc3339_micro(TimePoint when) {
    const Civil c = civil(when);
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03d000Z", c.year,
                  c.month, c.day, c.hour, c.minute, c.second, c.milli);
    return text.data();
}

Result<TimePoint> parse_rfc3339(std::string_view text) {
    const auto when = rfc3339(text);
    if (!when)
        return invalid("expected an RFC 3339 time such as 2026-11-20T10:31:07Z, found \"" +
                       std::string(text) + "\"");
    return *when;
}

std::string format_duration(Duration duration) {
    using namespace std::chrono;
    std::string text;
    if (duration < Duration{0}) {
        text = "-";
        duration = -duration;
    }
    if (duration.count() == 0) return "0s";
    if (duration < seconds{1}) return text + std::to_string(duration.count()) + "ms";
    const long h = duration / hours{1};
    const long m = duration % hours{1} / minutes{1};
    const long s = duration % minutes{1} / seconds{1};
    const long ms = duration % seconds{1} / milliseconds{1};
    if (h > 0) text += std::to_string(h) + "h";
    if (h > 0 || m > 0) text += std::to_string(m) + "m";
    text += std::to_string(s);
    if (ms > 0) {
        std::string fraction = std::to_string(1000 + ms).substr(1);
        while (fraction.back() == '0') fraction.pop_back();
        text += "." + fraction;
    }
    return text + "s";
}

Result<Duration> parse_duration(std::string_view text) {
    const auto duration = go_duration(text);
    if (!duration)
        return invalid("expected a duration such as 90s or 1h30m, found \"" + std::string(text) +
                       "\"");
    return *duration;
}

}  // namespace sluice
