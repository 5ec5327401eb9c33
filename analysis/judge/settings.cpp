// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/settings.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace sluice::judge {
namespace settings_detail {
namespace {

constexpr double default_burn_factor = 14.4;

// A number, or a text such as "0.5%".
std::optional<double> share(const Field& field) {
    if (!field.present()) return std::nullopt;
    const Json& value = field.document();
    if (value.is_number()) return value.get<double>();
    if (value.is_string()) {
        std::string text(trim(value.get<std::string>()));
        const bool percent = text.ends_with('%');
        if (percent) text.pop_back();
        if (const auto number = parse_number(trim(text)); number && std::isfinite(*number))
            return percent ? *number / 100 : *number;
    }
    field.complain("expected a number or a percentage such as 0.5%");
    return std::nullopt;
}

std::optional<double> share_between(const Field& field, double low, double high) {
    const auto value = share(field);
    if (value && !(*value > low && *value < high)) {
        field.complain(concat("expected a number between ", format_number(low), " and ",
                              format_number(high), ", found ", format_number(*value)));
        return std::nullopt;
    }
    return value;
}

std::optional<double> positive_share(const Field& field) {
    const auto value = share(field);
    if (value && !(*value >= 0)) {
        field.complain(concat("must not be negative, found ", format_number(*value)));
        return std::nullopt;
    }
    return value;
}

// A number is what may be added to the baseline (0.1 or "10%"); ratios also take {times, points}.
std::optional<RateLine> line(const Field& field, Kind kind) {
    if (!field.present()) return std::nullopt;
    if (!field.peek().is_object()) {
        const auto more = positive_share(field);
        return more ? std::optional<RateLine>({1 + *more, 0}) : std::nullopt;
    }
    RateLine line;
    const Field times = field.at("times"), points = field.at("points");
    line.times = share(times).value_or(1);
    if (line.times < 1) times.complain("must be at least 1");
    if (kind == Kind::Ratio)
        line.plus = positive_share(points).value_or(0) / 100;
    else if (points.present())
        points.complain("only a ratio has points");
    return line;
}

template <class Value>
std::optional<Value> word(const Field& field,
                          std::initializer_list<std::pair<std::string_view, Value>> words) {
    const auto text = field.text();
    if (!text) return std::nullopt;
    std::vector<std::string> known;
    for (const auto& [name, value] : words) {
        if (name == *text) return value;
        known.emplace_back(name);
    }
    field.complain(concat("expected one of ", join(known, ", "), ", found \"", *text, "\""));
    return std::nullopt;
}

// Seconds, from a number or a duration.
std::optional<double> seconds(const Field& field) {
    if (field.present() && field.peek().is_number()) return field.number();
    const auto duration = field.duration();
    if (!duration) return std::nullopt;
    return static_cast<double>(duration->count()) / 1000;
}

int count(const Field& field, int otherwise) {
    const auto number = field.integer();
    if (!number) return otherwise;
    if (*number >= 0 && *number <= 100'000) return static_cast<int>(*number);
    field.complain(concat("expected 0 to 100000, found ", *number));
    return otherwise;
}

std::optional<BurnRate> burn_rate(const Field& field) {
    if (!field.present()) return std::nullopt;
    BurnRate rate;
    rate.objective = share_between(field.at("objective"), 0, 1).value_or(rate.objective);
    for (const auto& item : field.at("windows").items()) {
        BurnRate::Windows windows;
        windows.long_seconds = seconds(item.at("long")).value_or(windows.long_seconds);
        windows.short_seconds = seconds(item.at("short")).value_or(windows.short_seconds);
        windows.factor = item.at("factor").number().value_or(default_burn_factor);
        if (!(windows.short_seconds > 0 && windows.short_seconds < windows.long_seconds))
            item.complain("the short window must be shorter than the long one");
        rate.windows.push_back(windows);
    }
    if (rate.windows.empty()) rate.windows = {{3600, 300, 14.4}, {21'600, 1800, 6}};
    return rate;
}

}  // namespace
}  // namespace settings_detail

using namespace settings_detail;

Settings default_settings(Kind kind) {
    Settings settings{.kind = kind};
    if (kind == Kind::Ratio) {
        settings.margin = {2, 0.001};
        settings.abort = {1.5, 0.0005};
    } else {
        settings.margin = {1.1, 0};
        settings.abort = {1.05, 0};
        settings.first_verdict = 10;
    }
    return settings;
}

Settings decode_settings(const Field& block) {
    const Field kind_field = block.at("kind");
    if (!kind_field.present()) kind_field.complain("required: ratio, quantile or gauge");
    const auto kind = word<Kind>(
        kind_field, {{"ratio", Kind::Ratio}, {"quantile", Kind::Quantile}, {"gauge", Kind::Gauge}});
    Settings settings = default_settings(kind.value_or(Kind::Ratio));
    settings.name = block.at("name").text().value_or("");
    if (const auto margin = line(block.at("margin"), settings.kind)) {
        settings.margin = *margin;
        settings.abort = {1 + (margin->times - 1) / 2, margin->plus / 2};
    }
    if (const auto abort = line(block.at("abortMargin"), settings.kind)) settings.abort = *abort;
    if (const Field field = block.at("direction"); field.present()) {
        settings.direction = word<Direction>(field, {{"increase", Direction::Increase},
                                                     {"decrease", Direction::Decrease},
                                                     {"either", Direction::Either}})
                                 .value_or(Direction::Increase);
        if (settings.kind == Kind::Ratio && settings.direction != Direction::Increase)
            field.complain("of a ratio only an increase is harm");
    }
    if (const Field field = block.at("quantile"); field.present()) {
        settings.quantile = share_between(field, 0, 1).value_or(settings.quantile);
        if (settings.kind != Kind::Quantile)
            field.complain("only a metric of kind quantile has one");
    }
    settings.false_alarm = share_between(block.at("falseAlarm"), 0, 0.5).value_or(0.01);
    settings.false_promotion = share_between(block.at("falsePromotion"), 0, 0.5).value_or(0.05);
    settings.warm_up = count(block.at("warmUp"), settings.warm_up);
    settings.first_verdict = count(block.at("firstVerdict"), settings.first_verdict);
    settings.limit = positive_share(block.at("limit"));
    const Field burn = block.at("burnRate");
    settings.burn_rate = burn_rate(burn);
    if (burn.present() && settings.kind != Kind::Ratio)
        burn.complain("only a ratio has a burn rate");
    settings.deadline = seconds(block.at("deadline"));
    settings.on_deadline =
        word<Policy>(block.at("onDeadline"),
                     {{"hold", Policy::Hold}, {"pass", Policy::Pass}, {"fail", Policy::Fail}})
            .value_or(Policy::Hold);
    return settings;
}

Plan decode_plan(const Field& document) {
    Plan plan;
    const auto alarm = share_between(document.at("falseAlarm"), 0, 0.5);
    const auto promotion = share_between(document.at("falsePromotion"), 0, 0.5);
    const auto blocks = document.at("metrics").items();
    if (blocks.empty()) document.at("metrics").complain("required: a list of metrics to judge");
    std::set<std::string> names;
    for (const auto& block : blocks) {
        auto settings = decode_settings(block);
        if (settings.name.empty())
            block.at("name").complain("required: the metric's name");
        else if (!names.insert(settings.name).second)
            block.at("name").complain(concat("a metric \"", settings.name, "\" stands above"));
        if (!block.at("falseAlarm").present())
            settings.false_alarm = alarm.value_or(0.01) / static_cast<double>(blocks.size());
        if (promotion && !block.at("falsePromotion").present())
            settings.false_promotion = *promotion;
        plan.metrics.push_back(std::move(settings));
    }
    return plan;
}

std::string_view to_text(Kind kind) {
    switch (kind) {
        case Kind::Ratio: return "ratio";
        case Kind::Quantile: return "quantile";
        case Kind::Gauge: return "gauge";
    }
    return "";
}

}  // namespace sluice::judge
