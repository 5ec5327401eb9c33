// SPDX-License-Identifier: Apache-2.0
// Prometheus' text format, version 0.0.4, and the series that are counted rather than read off
// objects. What names an object is forgotten with it: forget_unless().
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

class MetricText {
public:
    // Begins a family; samples of it follow. `type`: "gauge", "counter" or "histogram".
    void family(std::string_view name, std::string_view type, std::string_view help);
    // `suffix`: "", or "_bucket", "_sum", "_count" of a histogram.
    void sample(const MetricLabels& labels, double value, std::string_view suffix = {});
    [[nodiscard]] std::string take() { return std::exchange(text_, {}); }

private:
    std::string name_;
    std::string text_;
};

// Values in the order of the label names.
using MetricValues = std::vector<std::string>;

// Any thread.
class CounterFamily {
public:
    CounterFamily(std::string name, std::string help, std::vector<std::string> labels);
    void add(const MetricValues& values, double by = 1);
    void forget_unless(const std::function<bool(const MetricValues&)>& keep);
    void write(MetricText& text) const;

private:
    std::string name_, help_;
    std::vector<std::string> labels_;
    mutable std::mutex mutex_;
    std::map<MetricValues, double> series_;  // guarded by mutex_
};

// Any thread.
class HistogramFamily {
public:
    // `bounds`: upper bounds, rising; the last bucket, without a bound, comes by itself.
    HistogramFamily(std::string name, std::string help, std::vector<std::string> labels,
                    std::vector<double> bounds);
    void observe(const MetricValues& values, double value);
    void forget_unless(const std::function<bool(const MetricValues&)>& keep);
    void write(MetricText& text) const;

private:
    struct Series {
        std::vector<long> buckets;  // not cumulative
        double sum = 0;
        long count = 0;
    };

    std::string name_, help_;
    std::vector<std::string> labels_;
    std::vector<double> bounds_;
    mutable std::mutex mutex_;
    std::map<MetricValues, Series> series_;  // guarded by mutex_
};

}  // namespace sluice
