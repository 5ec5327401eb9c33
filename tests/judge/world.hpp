// SPDX-License-Identifier: Apache-2.0
// Made-up traffic of a baseline and a canary, minute by minute. Knows nothing of the judge: plain
// numbers, one seed.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <vector>

namespace judge_bench {

struct Minute {
    double total = 0;  // requests
    double bad = 0;    // errors
};

struct Minutes {
    Minute baseline, canary;
};

using Random = std::mt19937_64;

// Independent streams for every (seed, cell, run).
Random stream(std::uint64_t seed, std::uint64_t cell, std::uint64_t run);

// A stationary first-order autoregression with standard deviation 1.
class Memory {
public:
    Memory(double rho, Random& random);
    double next(Random& random);

private:
    double rho_;
    std::normal_distribution<double> normal_;
    double value_;
};

// Load that multiplies both arms: AR(1), sd 20 %, ρ 0.95; 1 where off.
class SharedLoad {
public:
    SharedLoad(bool on, Random& random);
    double next(Random& random);

private:
    bool on_;
    Memory memory_;
};

// Totals are Poisson. Errors come in bursts: bursts arrive Poisson, sizes are geometric, each burst
// in one arm, and in one minute or spread evenly at random over this and the next.
struct RatioTraffic {
    double baseline_requests = 600;  // a minute
    double canary_requests = 600;
    double baseline_errors = 0.005;  // per request
    double canary_errors = 0.005;
    double burst_mean = 1;
    bool shared_load = false;
    bool two_minutes = false;
};

class RatioWorld {
public:
    RatioWorld(const RatioTraffic& traffic, Random& random);
    Minutes next();

private:
    double errors(double mean, double& left_over);

    const RatioTraffic& traffic_;
    Random& random_;
    SharedLoad load_;
    double baseline_left_ = 0, canary_left_ = 0;  // of bursts, for the next minute
};

// Prometheus' default upper bounds, in seconds; a last bucket is +Inf.
inline constexpr std::array<double, 11> default_bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                       0.5,   1,    2.5,   5,    10};
using Buckets = std::array<double, default_bounds.size() + 1>;  // cumulative

// Durations are log-normal; private noise multiplies the canary's, and the baseline's too where
// `both_noisy`.
struct LatencyTraffic {
    double requests = 600;  // a minute and an arm
    double canary_requests = 600;
    double median = 0.1;
    double sigma = 0.5;
    double harm = 1;  // the canary's durations times this
    double noise = 0, rho = 0;
    bool both_noisy = false;
    bool shared_load = true;
};

struct LatencyMinute {
    Buckets baseline, canary;
};

class LatencyWorld {
public:
    LatencyWorld(const LatencyTraffic& traffic, Random& random);
    LatencyMinute next();

private:
    Buckets arm(double requests, double median);

    const LatencyTraffic& traffic_;
    Random& random_;
    SharedLoad load_;
    Memory baseline_noise_, canary_noise_;
};

struct GaugeTraffic {
    double level = 0.6;
    double harm = 1;
    double noise = 0.03, rho = 0;
    bool both_noisy = false;
    bool shared_load = true;
};

class GaugeWorld {
public:
    GaugeWorld(const GaugeTraffic& traffic, Random& random);
    // Baseline, canary.
    std::array<double, 2> next();

private:
    const GaugeTraffic& traffic_;
    Random& random_;
    SharedLoad load_;
    Memory baseline_noise_, canary_noise_;
};

}  // namespace judge_bench
