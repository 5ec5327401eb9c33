// SPDX-License-Identifier: Apache-2.0
#include "examples/story/screen.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/text.hpp"

namespace story {
namespace {

using sluice::concat;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds live_interval{2};  // where there is no terminal

// Prometheus' answer comes as "[0.98765432]": four significant digits say enough.
std::string short_value(const std::string& value) {
    std::string text = value;
    if (text.starts_with("[") && text.ends_with("]")) text = text.substr(1, text.size() - 2);
    const auto number = sluice::parse_number(text);
    if (!number) return text;
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.4g", *number);
    return digits.data();
}

}  // namespace

Screen::Screen() : terminal_(::isatty(1) == 1) {}

void Screen::heading(std::string_view text) {
    clear_live();
    std::printf(terminal_ ? "\n\033[1m%s\033[0m\n" : "\n%s\n", std::string(text).c_str());
    std::fflush(stdout);
}

void Screen::line(std::string_view text) {
    clear_live();
    std::printf("%6.1f s  %s\n", static_cast<double>(elapsed().count()) / 1000,
                std::string(text).c_str());
    std::fflush(stdout);
}

void Screen::held(std::string_view text) {
    line(concat("  ok  ", text));
}

void Screen::plain(std::string_view text) {
    clear_live();
    std::printf("%s\n", std::string(text).c_str());
    std::fflush(stdout);
}

void Screen::live(const std::string& text) {
    if (!terminal_) {
        const auto now = Steady::now();
        if (now - live_printed_ < live_interval) return;
        live_printed_ = now;
        return line(concat("      ", text));
    }
    std::printf("\r\033[K%6.1f s      %s", static_cast<double>(elapsed().count()) / 1000,
                text.c_str());
    std::fflush(stdout);
    live_shown_ = true;
}

void Screen::clear_live() {
    if (live_shown_) std::printf("\r\033[K");
    live_shown_ = false;
}

sluice::Duration Screen::elapsed() const {
    return std::chrono::duration_cast<sluice::Duration>(Steady::now() - began_);
}

std::string one_decimal(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string describe_step(int weight, const Share& share, const AnalysisRun* run) {
    std::string text = concat(weight, " % asked, ", one_decimal(share.percent()), " % seen (",
                              share.of, " of ", share.all, ")");
    if (!run) return text;
    for (const auto& metric : run->metrics) {
        if (metric.measurements.empty()) continue;
        text += concat("  ", metric.name, " ", short_value(metric.measurements.back().value), " [",
                       metric.condition, ", ", metric.measurements.size(), " measured]");
    }
    return text;
}

std::string describe_values(const AnalysisRun* run) {
    if (!run) return "not measured";
    std::vector<std::string> parts;
    for (const auto& metric : run->metrics) {
        std::vector<std::string> values;
        for (const auto& measurement : metric.measurements)
            values.push_back(short_value(measurement.value));
        parts.push_back(
            concat(metric.name, " ", sluice::join(values, ", "), " [", metric.condition, "]"));
    }
    return sluice::join(parts, "; ");
}

}  // namespace story
