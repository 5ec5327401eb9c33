// SPDX-License-Identifier: Apache-2.0
// Kayenta's NetflixACAJudge-v1.0 (reference 3.2, steps A to E), for people who bring their canary
// config. Sluice's own judge is analysis/judge; docs/judge.md says what differs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/field.hpp"

namespace sluice::kayenta {

enum class Direction { Increase, Decrease, Either };
enum class NanStrategy { Remove, Replace };
enum class Label { Pass, High, Low, Nodata, NodataFailMetric, Error };
enum class Measure { MeanRatio, Cles };

std::string_view to_text(Label label);  // Kayenta's words

// Effects below `decrease` or above `increase` count.
struct Thresholds {
    double decrease = 1;
    double increase = 1;
    bool operator==(const Thresholds&) const = default;
};

struct Metric {
    std::string name;
    std::vector<std::string> groups;
    Direction direction = Direction::Either;
    NanStrategy nan_strategy = NanStrategy::Remove;
    bool remove_outliers = false;
    double outlier_factor = 3;
    bool critical = false;
    bool must_have_data = false;
    bool muted = false;
    Measure measure = Measure::MeanRatio;
    Thresholds allowed;
    Thresholds critical_effect;
    bool operator==(const Metric&) const = default;
};

struct Config {
    std::string name;
    std::vector<Metric> metrics;
    std::map<std::string, double> group_weights;
    bool operator==(const Config&) const = default;
};

// A CanaryConfig document as Kayenta stores it (3.4). Unknown words fall to their defaults, as with
// Kayenta; a metric without a name is a problem. Keys of other concerns (queries, templates) are
// passed over.
Config decode_config(const Field& document);

// NaN stands for a missing point; pairing in time plays no part.
struct Arms {
    std::vector<double> experiment, control;
};

// Hard-wired in Kayenta; the vectors use others.
struct Precision {
    double tolerance = 0.25;
    double confidence = 0.98;
};

struct Classified {
    std::string name;
    Label label = Label::Pass;
    bool critical = false;            // and so decides the score
    double effect = 1;                // NaN where a mean is zero
    std::optional<double> low, high;  // of the shift; Kayenta does not show them
    std::string reason;
};

Classified classify(const Metric& metric, const Arms& arms, const Precision& precision = {});

enum class Outcome { Pass, Marginal, Fail };
std::string_view to_text(Outcome outcome);

struct GroupScore {
    std::string name;
    double score = 0;
    double weight = 0;
    bool no_data = false;
};

struct Score {
    double score = 0;  // 0 to 100, two decimals
    Outcome outcome = Outcome::Fail;
    std::vector<GroupScore> groups;
    std::string reason;
};

// `metrics` and `classified` go together. At or above `pass` is Pass, at or above `marginal` is
// Marginal.
Score score(const Config& config, const std::vector<Classified>& classified, double pass = 95,
            double marginal = 75);

}  // namespace sluice::kayenta
