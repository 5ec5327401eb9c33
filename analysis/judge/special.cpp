// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/special.hpp"

#include <cmath>

namespace sluice::judge {
namespace {

// From here on the asymptotic series are exact enough.
constexpr double series_from = 8;
constexpr double half_log_two_pi = 0.91893853320467274178;

}  // namespace

double normal_tail(double z) {
    return 0.5 * std::erfc(z * M_SQRT1_2);
}

double normal_upper(double tail) {
    if (tail > 0.5) return -normal_upper(1 - tail);
    // Abramowitz and Stegun 26.2.23 as a start, then Newton on the logarithm of the tail.
    const double t = std::sqrt(-2 * std::log(tail));
    double z = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) /
                       (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
    for (int round = 0; round < 3; ++round) {
        const double now = normal_tail(z);
        const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * M_PI);
        z += std::log(now / tail) * now / density;
    }
    return z;
}

double normal_of_student(double t, double freedom) {
    const double z =
        (8 * freedom + 1) / (8 * freedom + 3) * std::sqrt(freedom * std::log1p(t * t / freedom));
    return t < 0 ? -z : z;
}

double student_of_normal(double z, double freedom) {
    const double scaled = z * (8 * freedom + 3) / (8 * freedom + 1);
    const double t = std::sqrt(freedom * std::expm1(scaled * scaled / freedom));
    return z < 0 ? -t : t;
}

double log_gamma(double z) {
    double product = 1;
    while (z < series_from) product *= z++;
    const double inverse = 1 / z, square = inverse * inverse;
    const double series =
        inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square / 1680)));
    const double value = (z - 0.5) * std::log(z) - z + half_log_two_pi + series;
    return product == 1 ? value : value - std::log(product);
}

double digamma(double z) {
    double sum = 0;
    while (z < series_from) sum -= 1 / z++;
    const double inverse = 1 / z, square = inverse * inverse;
    return sum + std::log(z) - 0.5 * inverse -
           square * (1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square / 240)));
}

double trigamma(double z) {
    double sum = 0;
    for (; z < series_from; ++z) sum += 1 / (z * z);
    const double inverse = 1 / z, square = inverse * inverse;
    return sum + inverse + 0.5 * square +
           inverse * square * (1.0 / 6 - square * (1.0 / 30 - square * (1.0 / 42 - square / 30)));
}

}  // namespace sluice::judge
