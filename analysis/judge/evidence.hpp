// SPDX-License-Identifier: Apache-2.0
// What was seen of one metric in both arms: samples of time buckets, paired, with the buckets left
// out that say nothing about this canary at this weight.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "analysis/judge/histogram.hpp"
#include "analysis/judge/ratio.hpp"

namespace sluice::judge {

enum class Arm { Baseline, Canary };

using Sample = std::variant<Counts, Histogram, double>;  // ratio, quantile, gauge

// One bucket of one arm: the time (end - seconds, end], in seconds of any clock.
struct ArmBucket {
    double end = 0;
    double seconds = 60;
    Sample sample;
    bool operator==(const ArmBucket&) const = default;
};

// One bucket of both arms.
struct PairedBucket {
    double end = 0;
    double seconds = 60;
    int epoch = 0;  // times between changes of weight, from 0
    Sample baseline;
    Sample canary;
    bool operator==(const PairedBucket&) const = default;
};

struct Evidence {
    std::vector<PairedBucket> buckets;  // in order of time
    // Left out, and why.
    int straddling = 0;  // the weight changed within
    int warming_up = 0;
    int unpaired = 0;  // one arm is missing, or of another length
    bool operator==(const Evidence&) const = default;
};

// Both arms in order of time, as are the moments at which the weight changed. `warm_up` buckets are
// left out from the first one on and after each change.
Evidence pair_up(const std::vector<ArmBucket>& baseline, const std::vector<ArmBucket>& canary,
                 const std::vector<double>& weight_changes, int warm_up);

}  // namespace sluice::judge
