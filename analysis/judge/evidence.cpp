// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/evidence.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::judge {
namespace evidence_detail {
namespace {

// Times of scrapes and of changes are not exact; this much of a bucket's edge does not count.
constexpr double edge = 0.01;

// Where a bucket lies among the changes of weight.
struct Lying {
    int epoch = 0;
    double epoch_start = 0;
    bool straddles = false;
};

Lying lying(double start, double end, double first_start, const std::vector<double>& changes) {
    Lying found{.epoch_start = first_start};
    const double slack = edge * (end - start);
    for (const double change : changes) {
        if (change >= end - slack) break;
        if (change > start + slack) found.straddles = true;
        if (change <= first_start + slack) continue;  // the weight that it all began with
        ++found.epoch;
        found.epoch_start = change;
    }
    return found;
}

}  // namespace
}  // namespace evidence_detail

Evidence pair_up(const std::vector<ArmBucket>& baseline, const std::vector<ArmBucket>& canary,
                 const std::vector<double>& weight_changes, int warm_up) {
    using namespace evidence_detail;
    Evidence evidence;
    if (baseline.empty() || canary.empty()) {
        evidence.unpaired = static_cast<int>(baseline.size() + canary.size());
        return evidence;
    }
    const double first_start = std::max(baseline.front().end - baseline.front().seconds,
                                        canary.front().end - canary.front().seconds);
    size_t b = 0, c = 0;
    while (b < baseline.size() || c < canary.size()) {
        const bool has_b = b < baseline.size(), has_c = c < canary.size();
        const double slack = edge * (has_c ? canary[c].seconds : baseline[b].seconds);
        if (!has_c || (has_b && baseline[b].end < canary[c].end - slack)) {
            ++b;
            ++evidence.unpaired;
            continue;
        }
        if (!has_b || canary[c].end < baseline[b].end - slack) {
            ++c;
            ++evidence.unpaired;
            continue;
        }
        const auto &left = baseline[b++], &right = canary[c++];
        if (std::abs(left.seconds - right.seconds) > slack ||
            left.sample.index() != right.sample.index()) {
            ++evidence.unpaired;
            continue;
        }
        const double start = right.end - right.seconds;
        const auto where = lying(start, right.end, first_start, weight_changes);
        if (where.straddles)
            ++evidence.straddling;
        else if (start < where.epoch_start + (warm_up - edge) * right.seconds)
            ++evidence.warming_up;
        else
            evidence.buckets.push_back(
                {right.end, right.seconds, where.epoch, left.sample, right.sample});
    }
    return evidence;
}

}  // namespace sluice::judge
