// SPDX-License-Identifier: Apache-2.0
// What a judged metric is asked to show. The same block stands in `provider.plugin:
// {"sluice/judge": {…}}` and in the list of `sluice judge --config`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/judge/ratio.hpp"
#include "base/field.hpp"

namespace sluice::judge {

enum class Kind { Ratio, Quantile, Gauge };
enum class Direction { Increase, Decrease, Either };  // which change is harm
enum class Policy { Hold, Pass, Fail };               // at a deadline without an answer

// Canary errors over an objective's budget, in a long and a short window at once.
struct BurnRate {
    double objective = 0.999;  // share of good requests
    struct Windows {
        double long_seconds = 3600;
        double short_seconds = 300;
        double factor = 14.4;
        bool operator==(const Windows&) const = default;
    };
    std::vector<Windows> windows;
    bool operator==(const BurnRate&) const = default;
};

struct Settings {
    std::string name;
    Kind kind = Kind::Ratio;
    Direction direction = Direction::Increase;  // ratios: increase only
    double quantile = 0.95;
    // Beyond `abort` harm is shown; below `margin` safety is. Ratios take both parts, the others
    // `times` alone (1.1 is +10 %).
    RateLine margin;
    RateLine abort;
    double false_alarm = 0.01;      // all looks of one attempt, shared between its metrics
    double false_promotion = 0.05;  // all looks of one attempt
    int warm_up = 1;              // buckets left out from the start and after each change of weight
    int first_verdict = 4;        // buckets
    std::optional<double> limit;  // the canary's own level above which it fails, whatever else
    std::optional<BurnRate> burn_rate;
    std::optional<double> deadline;  // seconds of evidence; afterwards on_deadline answers
    Policy on_deadline = Policy::Hold;

    bool operator==(const Settings&) const = default;
};

// The defaults of a kind.
Settings default_settings(Kind kind);
// Reads a block. Keys that are not the judge's own (queries, …) are the caller's to ask for.
Settings decode_settings(const Field& block);

struct Plan {
    std::vector<Settings> metrics;
    bool operator==(const Plan&) const = default;
};

// JUDGE.yaml: `metrics:` and, over all of them, `falseAlarm` and `falsePromotion`. The budget for
// false alarms is shared evenly between metrics that name none of their own.
Plan decode_plan(const Field& document);

std::string_view to_text(Kind kind);

}  // namespace sluice::judge
