// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/prometheus_source.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/text.hpp"

namespace sluice::judge {
namespace source_detail {
namespace {

constexpr double shortest_bucket = 5, longest_window = 86'400;

// One series over the columns of the range: nothing where it was not scraped in the bucket.
struct Track {
    std::vector<std::optional<double>> values;
    std::vector<std::optional<double>> scraped;  // seconds since the epoch
};

using Key = std::map<std::string, std::string>;  // labels without name, part and arm's label

struct ArmTracks {
    std::map<Key, Track> total, bad, histogram, value;
};

// Increases of one counter, bucket by bucket. `broken` marks buckets that it leaves in the dark.
std::vector<double> increases(const Track& track, std::vector<bool>& broken) {
    std::vector<double> found(track.values.size(), 0);
    std::optional<size_t> last;
    for (size_t k = 0; k < track.values.size(); ++k) {
        const auto& value = track.values[k];
        if (!value) continue;
        if (last && *last + 1 == k) {
            const double before = *track.values[*last];
            found[k] = *value >= before ? *value - before : *value;
        } else if (last) {
            // Scrapes are missing between: what happened when is not known.
            for (size_t dark = *last + 1; dark <= k; ++dark) broken[dark] = true;
        } else if (k > 0) {
            found[k] = *value;  // it began in this bucket, from nothing
        }
        last = k;
    }
    return found;
}

void drop_stale(Track& track, const Track* times, const Range& range) {
    if (!times) return;
    for (size_t k = 0; k < track.values.size(); ++k) {
        const double end = range.start + range.step * static_cast<double>(k);
        if (k < times->scraped.size() && times->scraped[k] &&
            *times->scraped[k] <= end - range.step)
            track.values[k].reset();
    }
}

std::vector<double> summed(std::map<Key, Track>& tracks, std::vector<bool>& broken,
                           size_t columns) {
    std::vector<double> sum(columns, 0);
    for (auto& [labels, track] : tracks) {
        const auto more = increases(track, broken);
        for (size_t k = 0; k < columns; ++k) sum[k] += more[k];
    }
    return sum;
}

// In which buckets the arm was there at all: some series had a value at both of its ends.
std::vector<bool> alive(const std::map<Key, Track>& tracks, size_t columns) {
    std::vector<bool> found(columns, false);
    for (const auto& [labels, track] : tracks)
        for (size_t k = 0; k < columns; ++k)
            if (track.values[k]) found[k] = true;
    return found;
}

std::vector<ArmBucket> buckets_of(const JudgedMetric& metric, ArmTracks& arm, const Range& range,
                                  size_t columns) {
    std::vector<bool> broken(columns, false);
    std::vector<ArmBucket> buckets;
    const auto add = [&](size_t k, Sample sample) {
        buckets.push_back(
            {range.start + range.step * static_cast<double>(k), range.step, std::move(sample)});
    };
    if (metric.settings.kind == Kind::Gauge) {
        for (size_t k = 1; k < columns; ++k) {
            double sum = 0, count = 0;
            for (const auto& [labels, track] : arm.value)
                if (track.values[k]) {
                    sum += *track.values[k];
                    ++count;
                }
            if (count > 0) add(k, sum / count);
        }
        return buckets;
    }
    if (metric.settings.kind == Kind::Ratio) {
        const auto present = alive(arm.total, columns);
        const auto total = summed(arm.total, broken, columns);
        const auto bad = summed(arm.bad, broken, columns);
        for (size_t k = 1; k < columns; ++k)
            if (present[k] && !broken[k]) add(k, Counts{total[k], bad[k]});
        return buckets;
    }
    const auto present = alive(arm.histogram, columns);
    std::map<double, std::vector<double>> by_bound;
    for (auto& [labels, track] : arm.histogram) {
        const auto le = labels.find("le");
        const auto bound = le == labels.end() ? std::nullopt : parse_number(le->second);
        if (!bound || std::isnan(*bound)) continue;
        auto& sum = by_bound.try_emplace(*bound, columns, 0.0).first->second;
        const auto more = increases(track, broken);
        for (size_t k = 0; k < columns; ++k) sum[k] += more[k];
    }
    for (size_t k = 1; k < columns; ++k) {
        if (!present[k] || broken[k]) continue;
        Histogram histogram;
        for (const auto& [bound, sum] : by_bound) histogram.push_back({bound, sum[k]});
        add(k, std::move(histogram));
    }
    return buckets;
}

// The column of a sample's time; nothing where it lies outside.
std::optional<size_t> column_of(double time, const Range& range, size_t columns) {
    const double at = (time - range.start) / range.step;
    const long column = std::lround(at);
    if (std::abs(at - static_cast<double>(column)) > 0.01 || column < 0 ||
        column >= static_cast<long>(columns))
        return std::nullopt;
    return static_cast<size_t>(column);
}

Result<Track> track_of(const Json& series, const Range& range, size_t columns, bool times) {
    Track track{std::vector<std::optional<double>>(columns),
                std::vector<std::optional<double>>(columns)};
    const Json* values = find(series, {"values"});
    if (!values || !values->is_array()) return invalid("a series of the answer has no values");
    for (const auto& sample : *values) {
        if (!sample.is_array() || sample.size() != 2 || !sample[0].is_number() ||
            !sample[1].is_string())
            return invalid("a sample is not [time, \"value\"]");
        const auto number = parse_number(sample[1].get<std::string>());
        const auto column = column_of(sample[0].get<double>(), range, columns);
        if (!number || !std::isfinite(*number) || !column) continue;
        (times ? track.scraped : track.values)[*column] = *number;
    }
    return track;
}

}  // namespace
}  // namespace source_detail

using namespace source_detail;

JudgedMetric decode_judged_metric(const Field& block) {
    JudgedMetric metric{decode_settings(block), {}};
    auto& source = metric.source;
    source.server = crds::decode_prometheus(block.at("prometheus"));
    source.arm_label = block.at("armLabel").text().value_or(source.arm_label);
    source.baseline = block.at("baseline").required_text();
    source.canary = block.at("canary").required_text();
    const auto selector = [&](const char* key, Kind kind) {
        const Field field = block.at(key);
        if (metric.settings.kind == kind) return field.required_text();
        if (field.present())
            field.complain(concat("only a metric of kind ", to_text(kind), " has one"));
        return std::string();
    };
    source.total = selector("total", Kind::Ratio);
    source.bad = selector("bad", Kind::Ratio);
    source.histogram = selector("histogram", Kind::Quantile);
    source.value = selector("value", Kind::Gauge);
    source.weight = block.at("weight").text().value_or("");
    const auto seconds = [&](const char* key, double otherwise) {
        const auto duration = block.at(key).duration();
        return duration ? static_cast<double>(duration->count()) / 1000 : otherwise;
    };
    source.bucket = seconds("bucket", source.bucket);
    source.window = seconds("window", source.window);
    if (source.bucket < shortest_bucket) block.at("bucket").complain("must be at least 5s");
    if (source.window < source.bucket || source.window > longest_window)
        block.at("window").complain("must be between a bucket and 24h");
    return metric;
}

Result<ArmsSeen> read_matrix(const JudgedMetric& metric, const Json& data, const Range& range) {
    const Json* result = find(data, {"result"});
    if (text_at(data, {"resultType"}) != "matrix" || !result || !result->is_array())
        return invalid("the answer is not a matrix");
    const auto columns =
        static_cast<size_t>(std::lround((range.end - range.start) / range.step)) + 1;
    std::map<std::string, ArmTracks> arms;                 // by the label's value
    std::map<std::pair<std::string, Key>, Track> scraped;  // by part and all labels
    ArmsSeen seen;
    for (const auto& series : *result) {
        const Json* labels = find(series, {"metric"});
        if (!labels || !labels->is_object()) return invalid("a series of the answer has no labels");
        Key key;
        for (const auto& [name, value] : labels->items())
            if (value.is_string() && name != "__name__") key[name] = value.get<std::string>();
        const std::string what = key["sluice_part"], arm = key[metric.source.arm_label];
        key.erase("sluice_part");
        constexpr std::string_view suffix = "-scraped";
        const bool times = what.ends_with(suffix);
        Track track = TRY(track_of(series, range, columns, times));
        if (what == "weight") {
            std::optional<double> before;
            for (size_t k = 0; k < columns; ++k) {
                if (!track.values[k]) continue;
                if (before && *before != *track.values[k])
                    seen.weight_changes.push_back(range.start +
                                                  range.step * (static_cast<double>(k) - 0.5));
                before = track.values[k];
            }
            continue;
        }
        if (times) {
            scraped[{what.substr(0, what.size() - suffix.size()), key}] = std::move(track);
            continue;
        }
        auto& of = arms[arm];
        auto& tracks = what == "bad"         ? of.bad
                       : what == "histogram" ? of.histogram
                       : what == "value"     ? of.value
                                             : of.total;
        tracks[key] = std::move(track);
    }
    const auto arm_named = [&](const std::string& name) {
        auto& of = arms[name];
        const auto clean = [&](const char* what, std::map<Key, Track>& tracks) {
            for (auto& [key, track] : tracks) {
                const auto times = scraped.find({what, key});
                drop_stale(track, times == scraped.end() ? nullptr : &times->second, range);
            }
        };
        clean("total", of.total);
        clean("bad", of.bad);
        clean("histogram", of.histogram);
        clean("value", of.value);
        return buckets_of(metric, of, range, columns);
    };
    seen.baseline = arm_named(metric.source.baseline);
    seen.canary = arm_named(metric.source.canary);
    std::sort(seen.weight_changes.begin(), seen.weight_changes.end());
    return seen;
}

WindowLook look_at(const JudgedMetric& metric, const ArmsSeen& arms, double end, double since) {
    const double bucket = metric.source.bucket, slack = bucket / 100;
    const double window = std::ceil(metric.source.window / bucket) * bucket;
    const double from = std::max(since, end - window);
    const auto within = [&](const std::vector<ArmBucket>& buckets) {
        std::vector<ArmBucket> kept;
        for (const auto& one : buckets)
            if (one.end - one.seconds >= from - slack && one.end <= end + slack)
                kept.push_back(one);
        return kept;
    };
    const auto baseline = within(arms.baseline), canary = within(arms.canary);
    const auto evidence = pair_up(baseline, canary, arms.weight_changes, metric.settings.warm_up);
    const double first = canary.empty() ? end : canary.front().end - bucket;
    const double elapsed = end - first;
    return {judge_metric(metric.settings, evidence, elapsed),
            metric.settings.deadline && elapsed >= *metric.settings.deadline};
}

}  // namespace sluice::judge
