// SPDX-License-Identifier: Apache-2.0
// What Prometheus is asked for: the expression, the range, the form.
#include <cmath>

#include "analysis/judge/prometheus_source.hpp"
#include "base/text.hpp"

namespace sluice::judge {
namespace expression_detail {
namespace {

std::string labelled(const std::string& expression, std::string_view label,
                     std::string_view value) {
    return concat("label_replace(", expression, ", \"", label, "\", \"", value, "\", \"\", \"\")");
}

// The selector with more matchers; it is a plain one: name, name{…} or {…}.
std::string narrowed(std::string_view selector, std::string_view matchers) {
    const std::string kept(trim(selector));
    if (!kept.ends_with('}')) return concat(kept, "{", matchers, "}");
    std::string inner(trim(std::string_view(kept).substr(0, kept.size() - 1)));
    const char last = inner.empty() ? '{' : inner.back();
    return concat(inner, last == '{' || last == ',' ? "" : ",", matchers, "}");
}

// The series of a selector under the name `part`, and when each was scraped last.
std::vector<std::string> parts_of(const Source& source, const std::string& selector,
                                  const std::string& part) {
    const auto both = [&](const std::string& from, const auto& mark) {
        return std::vector{
            mark(labelled(from, "sluice_part", part)),
            mark(labelled(concat("timestamp(", from, ")"), "sluice_part", part + "-scraped"))};
    };
    if (!source.selects_arms()) return both(selector, [](std::string text) { return text; });
    std::vector<std::string> parts;
    for (const auto& [arm, matchers] : {std::pair(source.baseline, source.baseline_matchers),
                                        std::pair(source.canary, source.canary_matchers)}) {
        const auto marked = [&](const std::string& text) {
            return labelled(text, source.arm_label, arm);
        };
        for (auto& one : both(narrowed(selector, matchers), marked)) parts.push_back(one);
    }
    return parts;
}

}  // namespace
}  // namespace expression_detail

using namespace expression_detail;

std::string expression_of(const JudgedMetric& metric) {
    const auto& source = metric.source;
    std::vector<std::string> parts;
    const auto add = [&](const std::string& selector, const char* part) {
        for (auto& one : parts_of(source, selector, part)) parts.push_back(std::move(one));
    };
    switch (metric.settings.kind) {
        case Kind::Ratio:
            add(source.total, "total");
            add(source.bad, "bad");
            break;
        case Kind::Quantile: add(source.histogram, "histogram"); break;
        case Kind::Gauge: add(source.value, "value"); break;
    }
    if (!source.weight.empty()) parts.push_back(labelled(source.weight, "sluice_part", "weight"));
    return join(parts, " or ");
}

Range range_of(const Source& source, TimePoint now) {
    const double seconds = static_cast<double>(now.time_since_epoch().count()) / 1000;
    const double end = std::floor(seconds / source.bucket) * source.bucket;
    const double buckets = std::ceil(source.window / source.bucket) + lead_buckets;
    return {end - buckets * source.bucket, end, source.bucket};
}

std::string form_of(const JudgedMetric& metric, const Range& range) {
    return concat("query=", percent_encode(expression_of(metric)),
                  "&start=", format_number(range.start), "&end=", format_number(range.end),
                  "&step=", format_number(range.step));
}

}  // namespace sluice::judge
