// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice {
namespace metric_text {

std::string number(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

// Prometheus' exposition formats, "Comments, help text, and type information".
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

MetricLabels named(const std::vector<std::string>& names, const MetricValues& values) {
    MetricLabels labels;
    for (size_t i = 0; i < names.size() && i < values.size(); ++i)
        labels.emplace_back(names[i], values[i]);
    return labels;
}

}  // namespace metric_text

void MetricText::family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help);
    text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricText::sample(const MetricLabels& labels, double value, std::string_view suffix) {
    text_.append(name_).append(suffix);
    for (size_t i = 0; i < labels.size(); ++i) {
        text_.append(i == 0 ? "{" : ",").append(labels[i].first).append("=\"");
        text_.append(metric_text::escaped(labels[i].second)).append("\"");
    }
    if (!labels.empty()) text_ += '}';
    text_.append(" ").append(metric_text::number(value)).append("\n");
}

CounterFamily::CounterFamily(std::string name, std::string help, std::vector<std::string> labels)
    : name_(std::move(name)), help_(std::move(help)), labels_(std::move(labels)) {}

void CounterFamily::add(const MetricValues& values, double by) {
    const std::lock_guard lock(mutex_);
    series_[values] += by;
}

void CounterFamily::forget_unless(const std::function<bool(const MetricValues&)>& keep) {
    const std::lock_guard lock(mutex_);
    std::erase_if(series_, [&](const auto& each) { return !keep(each.first); });
}

void CounterFamily::write(MetricText& text) const {
    text.family(name_, "counter", help_);
    const std::lock_guard lock(mutex_);
    for (const auto& [values, value] : series_)
        text.sample(metric_text::named(labels_, values), value);
}

HistogramFamily::HistogramFamily(std::string name, std::string help,
                                 std::vector<std::string> labels, std::vector<double> bounds)
    : name_(std::move(name)),
      help_(std::move(help)),
      labels_(std::move(labels)),
      bounds_(std::move(bounds)) {}

void HistogramFamily::observe(const MetricValues& values, double value) {
    const auto bucket = static_cast<size_t>(
        std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin());
    const std::lock_guard lock(mutex_);
    auto& series = series_[values];
    series.buckets.resize(bounds_.size() + 1);
    ++series.buckets[bucket];
    series.sum += value;
    ++series.count;
}

void HistogramFamily::forget_unless(const std::function<bool(const MetricValues&)>& keep) {
    const std::lock_guard lock(mutex_);
    std::erase_if(series_, [&](const auto& each) { return !keep(each.first); });
}

void HistogramFamily::write(MetricText& text) const {
    text.family(name_, "histogram", help_);
    const std::lock_guard lock(mutex_);
    for (const auto& [values, series] : series_) {
        long below = 0;
        for (size_t i = 0; i < series.buckets.size(); ++i) {
            below += series.buckets[i];
            const std::string bound =
                i < bounds_.size() ? metric_text::number(bounds_[i]) : std::string("+Inf");
            auto labels = metric_text::named(labels_, values);
            labels.emplace_back("le", bound);
            text.sample(labels, static_cast<double>(below), "_bucket");
        }
        const auto labels = metric_text::named(labels_, values);
        text.sample(labels, series.sum, "_sum");
        text.sample(labels, static_cast<double>(series.count), "_count");
    }
}

}  // namespace sluice
