// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/replay.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::judge {
namespace replay_detail {
namespace {

// Six digits: enough for people, and the same on every machine.
nlohmann::ordered_json rounded(double number) {
    if (number == std::floor(number) && std::abs(number) < 1e15) return static_cast<long>(number);
    const double scale = std::pow(10, 5 - std::floor(std::log10(std::abs(number))));
    return std::isfinite(scale) && scale > 0 ? std::round(number * scale) / scale : number;
}

Result<double> number_at(const Json& object, std::string_view key) {
    const Json* value = find(object, {key});
    if (!value) return invalid(concat("\"", key, "\" is missing"));
    if (!value->is_number()) return invalid(concat("\"", key, "\" is not a number"));
    return value->get<double>();
}

Result<double> count_at(const Json& object, std::string_view key) {
    const double count = TRY(number_at(object, key));
    if (!(count >= 0)) return invalid(concat("\"", key, "\" must not be negative"));
    return count;
}

Result<Histogram> histogram_at(const Json& object) {
    const Json* steps = find(object, {"histogram"});
    if (!steps || !steps->is_object() || steps->empty())
        return invalid("\"histogram\" is not an object of bounds and counts");
    Histogram histogram;
    for (const auto& [key, count] : steps->items()) {
        const auto bound = parse_number(key);
        if (!bound || std::isnan(*bound))
            return invalid(concat("\"histogram\" has a bound \"", key, "\" that is not a number"));
        if (!count.is_number() || !(count.get<double>() >= 0))
            return invalid(concat("\"histogram\" has a count at \"", key, "\" that is none"));
        histogram.push_back({*bound, count.get<double>()});
    }
    std::sort(histogram.begin(), histogram.end(),
              [](const auto& a, const auto& b) { return a.bound < b.bound; });
    return histogram;
}

Result<Sample> sample_at(const Json& object, Kind kind) {
    switch (kind) {
        case Kind::Ratio: {
            Counts counts;
            counts.total = TRY(count_at(object, "total"));
            counts.bad = TRY(count_at(object, "bad"));
            return Sample{counts};
        }
        case Kind::Quantile: return Sample{TRY(histogram_at(object))};
        case Kind::Gauge: return Sample{TRY(number_at(object, "value"))};
    }
    return invalid("no such kind");
}

nlohmann::ordered_json counts_json(const Counts& counts, double level) {
    nlohmann::ordered_json json{{"level", rounded(level)}};
    if (counts.total > 0) json["total"] = rounded(counts.total);
    if (counts.bad > 0) json["bad"] = rounded(counts.bad);
    return json;
}

}  // namespace
}  // namespace replay_detail

std::string to_json_text(const Look& look) {
    using namespace replay_detail;
    nlohmann::ordered_json json{{"t", rounded(look.t)}, {"verdict", to_text(look.verdict)}};
    auto& list = json["metrics"] = nlohmann::ordered_json::array();
    for (const auto& metric : look.metrics) {
        nlohmann::ordered_json item{
            {"name", metric.name},
            {"verdict", to_text(metric.verdict)},
            {"estimate", rounded(metric.estimate)},
            {"low", rounded(metric.low)},
            {"high", rounded(metric.high)},
            {"reason", metric.reason},
            {"failsAbove", rounded(metric.fails_above)},
            {"passesBelow", rounded(metric.passes_below)},
            {"buckets", metric.buckets},
            {"baseline", counts_json(metric.baseline_counts, metric.baseline)},
            {"canary", counts_json(metric.canary_counts, metric.canary)}};
        if (metric.dispersion > 1.005) item["dispersion"] = rounded(metric.dispersion);
        if (!metric.needs.empty()) item["needs"] = metric.needs;
        list.push_back(std::move(item));
    }
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Replay::Replay(Plan plan) : plan_(std::move(plan)) {}

Result<std::optional<Look>> Replay::feed(std::string_view line) {
    using namespace replay_detail;
    const Json object = TRY(parse_json(line));
    if (!object.is_object()) return invalid("expected a JSON object");
    const double t = TRY(number_at(object, "t"));
    if (!std::isfinite(t)) return invalid("\"t\" is not a time");
    if (last_ && t < *last_)
        return invalid(concat("\"t\" is ", format_number(t), " after ", format_number(*last_),
                              ": lines must be in order of time"));
    // What the line says, before the look of the time before, which it must not touch.
    if (object.contains("weight")) {
        const double weight = TRY(number_at(object, "weight"));
        if (!(weight >= 0 && weight <= 100)) return invalid("\"weight\" is not between 0 and 100");
        auto seen = look_before(t);
        if (!weight_ || *weight_ != weight) changes_.push_back(t);
        weight_ = weight;
        last_ = t;
        return seen;
    }
    auto line_read = TRY(read_sample(object, t));
    auto seen = look_before(t);
    last_ = t;
    if (!line_read.buckets) return seen;
    if (!first_start_) first_start_ = t - line_read.bucket.seconds;
    line_read.buckets->push_back(std::move(line_read.bucket));
    pending_ = true;
    return seen;
}

Result<Replay::SampleLine> Replay::read_sample(const Json& object, double t) {
    using namespace replay_detail;
    const std::string arm = text_at(object, {"arm"}), metric = text_at(object, {"metric"});
    if (arm != "baseline" && arm != "canary")
        return invalid("\"arm\" is neither \"baseline\" nor \"canary\"");
    if (metric.empty()) return invalid("\"metric\" is missing");
    const double seconds = object.contains("seconds") ? TRY(number_at(object, "seconds")) : 60.0;
    if (!(seconds > 0)) return invalid("\"seconds\" must be above 0");
    const auto settings = std::find_if(plan_.metrics.begin(), plan_.metrics.end(),
                                       [&](const auto& known) { return known.name == metric; });
    if (settings == plan_.metrics.end()) return SampleLine{};
    ArmBucket bucket{t, seconds, TRY(sample_at(object, settings->kind))};
    auto& series = series_[metric];
    auto& buckets = arm == "canary" ? series.canary : series.baseline;
    if (!buckets.empty() && buckets.back().end >= t)
        return invalid(
            concat("a second bucket of ", metric, " in the ", arm, " ends at ", format_number(t)));
    return SampleLine{&buckets, std::move(bucket)};
}

std::optional<Look> Replay::look_before(double t) {
    if (!pending_ || !last_ || t <= *last_) return std::nullopt;
    return look();
}

std::optional<Look> Replay::finish() {
    if (!pending_) return std::nullopt;
    return look();
}

Look Replay::look() {
    pending_ = false;
    Look found{.t = last_.value_or(0)};
    for (const auto& settings : plan_.metrics) {
        const auto& series = series_[settings.name];
        const auto evidence = pair_up(series.baseline, series.canary, changes_, settings.warm_up);
        found.metrics.push_back(
            judge_metric(settings, evidence, found.t - first_start_.value_or(found.t)));
    }
    found.verdict = joined(found.metrics);
    return found;
}

}  // namespace sluice::judge
