// SPDX-License-Identifier: Apache-2.0
#include "tests/judge/world.hpp"

#include <algorithm>
#include <cmath>

namespace judge_bench {
namespace {

std::uint64_t mixed(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

double poisson(double mean, Random& random) {
    if (mean <= 0) return 0;
    return static_cast<double>(std::poisson_distribution<long>(mean)(random));
}

double geometric_sum(long bursts, double mean, Random& random) {
    if (bursts <= 0 || mean <= 1) return static_cast<double>(std::max(0L, bursts));
    return static_cast<double>(bursts +
                               std::negative_binomial_distribution<long>(bursts, 1 / mean)(random));
}

double normal_cdf(double z) {
    return 0.5 * std::erfc(-z * M_SQRT1_2);
}

// exp of a normal variable with that deviation, with mean 1.
double multiplier(double deviation, double normal) {
    return std::exp(deviation * normal - 0.5 * deviation * deviation);
}

}  // namespace

Random stream(std::uint64_t seed, std::uint64_t cell, std::uint64_t run) {
    return Random(mixed(mixed(mixed(seed) + cell) + run));
}

Memory::Memory(double rho, Random& random) : rho_(rho), value_(normal_(random)) {}

double Memory::next(Random& random) {
    value_ = rho_ * value_ + std::sqrt(1 - rho_ * rho_) * normal_(random);
    return value_;
}

SharedLoad::SharedLoad(bool on, Random& random) : on_(on), memory_(0.95, random) {}

double SharedLoad::next(Random& random) {
    return on_ ? multiplier(0.2, memory_.next(random)) : 1;
}

RatioWorld::RatioWorld(const RatioTraffic& traffic, Random& random)
    : traffic_(traffic), random_(random), load_(traffic.shared_load, random) {}

double RatioWorld::errors(double mean, double& left_over) {
    const long bursts = static_cast<long>(poisson(mean / traffic_.burst_mean, random_));
    if (!traffic_.two_minutes) return geometric_sum(bursts, traffic_.burst_mean, random_);
    double now = left_over;
    left_over = 0;
    for (long burst = 0; burst < bursts; ++burst) {
        const long size = static_cast<long>(geometric_sum(1, traffic_.burst_mean, random_));
        const auto here = std::binomial_distribution<long>(size, 0.5)(random_);
        now += static_cast<double>(here);
        left_over += static_cast<double>(size - here);
    }
    return now;
}

Minutes RatioWorld::next() {
    const double load = load_.next(random_);
    const auto arm = [&](double requests, double rate, double& left_over) {
        Minute minute{poisson(requests * load, random_), errors(requests * load * rate, left_over)};
        // A retry is a request too.
        minute.total = std::max(minute.total, minute.bad);
        return minute;
    };
    return {arm(traffic_.baseline_requests, traffic_.baseline_errors, baseline_left_),
            arm(traffic_.canary_requests, traffic_.canary_errors, canary_left_)};
}

LatencyWorld::LatencyWorld(const LatencyTraffic& traffic, Random& random)
    : traffic_(traffic),
      random_(random),
      load_(traffic.shared_load, random),
      baseline_noise_(traffic.rho, random),
      canary_noise_(traffic.rho, random) {}

Buckets LatencyWorld::arm(double requests, double median) {
    Buckets buckets{};
    long left = static_cast<long>(poisson(requests, random_));
    double seen = 0, below = 0;
    for (size_t i = 0; i < default_bounds.size(); ++i) {
        const double share = normal_cdf(std::log(default_bounds[i] / median) / traffic_.sigma);
        const double of_rest = below < 1 ? std::clamp((share - below) / (1 - below), 0.0, 1.0) : 1;
        const long here = std::binomial_distribution<long>(left, of_rest)(random_);
        left -= here;
        seen += static_cast<double>(here);
        buckets[i] = seen;
        below = share;
    }
    buckets.back() = seen + static_cast<double>(left);
    return buckets;
}

LatencyMinute LatencyWorld::next() {
    const double load = load_.next(random_);
    const double own = multiplier(traffic_.noise, canary_noise_.next(random_));
    const double others =
        traffic_.both_noisy ? multiplier(traffic_.noise, baseline_noise_.next(random_)) : 1;
    // Busy minutes are slow minutes, for both.
    return {arm(traffic_.requests * load, traffic_.median * load * others),
            arm(traffic_.canary_requests * load, traffic_.median * load * own * traffic_.harm)};
}

GaugeWorld::GaugeWorld(const GaugeTraffic& traffic, Random& random)
    : traffic_(traffic),
      random_(random),
      load_(traffic.shared_load, random),
      baseline_noise_(traffic.rho, random),
      canary_noise_(traffic.rho, random) {}

std::array<double, 2> GaugeWorld::next() {
    const double load = load_.next(random_);
    const double own = multiplier(traffic_.noise, canary_noise_.next(random_));
    const double others =
        traffic_.both_noisy ? multiplier(traffic_.noise, baseline_noise_.next(random_)) : 1;
    return {traffic_.level * load * others, traffic_.level * load * own * traffic_.harm};
}

}  // namespace judge_bench
