// SPDX-License-Identifier: Apache-2.0
#include "tests/judge/cost.hpp"

#include <algorithm>
#include <ctime>
#include <functional>
#include <limits>

#include "tests/judge/cells.hpp"

namespace judge_bench {
namespace cost_detail {
namespace {

using namespace sluice::judge;

constexpr int metrics = 20, buckets = 60, rounds = 60;

struct Judged {
    Settings settings;
    Evidence evidence;
};

double cpu_milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

// The median over rounds, so that a processor that is shared with others counts little.
double cost_of(const std::vector<Judged>& all, Detail detail) {
    std::vector<double> costs;
    double kept = 0;  // so that nothing is left out
    for (int round = 0; round < rounds; ++round) {
        const double began = cpu_milliseconds();
        for (const auto& one : all)
            kept += judge_metric(one.settings, one.evidence, 3600, detail).estimate;
        costs.push_back(cpu_milliseconds() - began);
    }
    std::nth_element(costs.begin(), costs.begin() + rounds / 2, costs.end());
    return kept < 0 ? kept : costs[rounds / 2];
}

// Twenty metrics whose minutes come from `next`; minute 61 is left out as warm-up is.
Judged judged(Kind kind, const std::function<std::pair<Sample, Sample>()>& next) {
    std::vector<ArmBucket> baseline, canary;
    for (int minute = 1; minute <= buckets + 1; ++minute) {
        auto [left, right] = next();
        baseline.push_back({60.0 * minute, 60, std::move(left)});
        canary.push_back({60.0 * minute, 60, std::move(right)});
    }
    auto settings = default_settings(kind);
    settings.name = "m";
    return {settings, pair_up(baseline, canary, {}, settings.warm_up)};
}

Cost ratios(const char* name, std::uint64_t seed, const RatioTraffic& traffic) {
    std::vector<Judged> all;
    for (std::uint64_t k = 0; k < metrics; ++k) {
        auto random = stream(seed, 1'000'000, k);
        RatioWorld world(traffic, random);
        all.push_back(judged(Kind::Ratio, [&] {
            const auto minute = world.next();
            return std::pair<Sample, Sample>(Counts{minute.baseline.total, minute.baseline.bad},
                                             Counts{minute.canary.total, minute.canary.bad});
        }));
    }
    return {name, cost_of(all, Detail::VerdictOnly), cost_of(all, Detail::Explained)};
}

Cost latencies(std::uint64_t seed) {
    std::vector<Judged> all;
    const LatencyTraffic traffic{.noise = 0.03, .rho = 0.5, .both_noisy = true};
    for (std::uint64_t k = 0; k < metrics; ++k) {
        auto random = stream(seed, 1'000'001, k);
        LatencyWorld world(traffic, random);
        const auto histogram = [](const Buckets& from) {
            Histogram made;
            for (size_t i = 0; i < from.size(); ++i)
                made.push_back({i < default_bounds.size() ? default_bounds[i] : 1e300, from[i]});
            made.back().bound = std::numeric_limits<double>::infinity();
            return made;
        };
        all.push_back(judged(Kind::Quantile, [&] {
            const auto minute = world.next();
            return std::pair<Sample, Sample>(histogram(minute.baseline), histogram(minute.canary));
        }));
    }
    return {"quantiles", cost_of(all, Detail::VerdictOnly), cost_of(all, Detail::Explained)};
}

Cost gauges(std::uint64_t seed) {
    std::vector<Judged> all;
    const GaugeTraffic traffic{.noise = 0.03, .rho = 0.5, .both_noisy = true};
    for (std::uint64_t k = 0; k < metrics; ++k) {
        auto random = stream(seed, 1'000'002, k);
        GaugeWorld world(traffic, random);
        all.push_back(judged(Kind::Gauge, [&] {
            const auto pair = world.next();
            return std::pair<Sample, Sample>(pair[0], pair[1]);
        }));
    }
    return {"gauges", cost_of(all, Detail::VerdictOnly), cost_of(all, Detail::Explained)};
}

}  // namespace
}  // namespace cost_detail

std::vector<Cost> costs_of_a_look(std::uint64_t seed) {
    using namespace cost_detail;
    const RatioTraffic busy{.baseline_requests = 6000, .canary_requests = 6000};
    auto bursts = [&](double mean, double requests) {
        auto traffic = busy;
        traffic.burst_mean = mean;
        traffic.baseline_requests = traffic.canary_requests = requests;
        return traffic;
    };
    return {ratios("ratios, independent errors, 600/min an arm", seed, bursts(1, 600)),
            ratios("ratios, independent errors, 6,000/min an arm", seed, bursts(1, 6000)),
            ratios("ratios, bursts of mean 5, 600/min an arm", seed, bursts(5, 600)),
            ratios("ratios, bursts of mean 5, 6,000/min an arm", seed, bursts(5, 6000)),
            ratios("ratios, bursts of mean 20, 600/min an arm", seed, bursts(20, 600)),
            ratios("ratios, bursts of mean 20, 6,000/min an arm", seed, bursts(20, 6000)),
            latencies(seed),
            gauges(seed)};
}

}  // namespace judge_bench
