// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/special.hpp"

#include <cmath>

namespace sluice::judge {
namespace {

// From here on the asymptotic series are exact enough.
constexpr double series_from = 6;
constexpr double half_log_two_pi = 0.91893853320467274178;

}  // namespace

double normal_tail(double z) {
    return 0.5 * std::erfc(z * M_SQRT1_2);
}

// M. J. Wichura, Algorithm AS 241, PPND7.
double quick_normal_upper(double tail) {
    const double q = 0.5 - tail;
    if (std::abs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) /
               (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
    }
    double r = std::sqrt(-std::log(q < 0 ? 1 - tail : tail));
    double z = 0;
    if (r <= 5) {
        r -= 1.6;
        z = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
            ((0.12021132975 * r + 0.73700164250) * r + 1);
    } else {
        r -= 5;
        z = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
            ((0.012258202635 * r + 0.24197894225) * r + 1);
    }
    return q < 0 ? -z : z;
}

double normal_upper(double tail) {
    if (tail > 0.5) return -normal_upper(1 - tail);
    // One Newton step on the logarithm of the tail.
    const double z = quick_normal_upper(tail), now = normal_tail(z);
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * M_PI);
    return z + std::log(now / tail) * now / density;
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

Gammas gammas(double z) {
    double first = 0, second = 0;
    for (; z < series_from; ++z) {
        const double inverse = 1 / z;
        first -= inverse;
        second += inverse * inverse;
    }
    const double inverse = 1 / z, square = inverse * inverse;
    first += std::log(z) - 0.5 * inverse -
             square * (1.0 / 12 - square * (1.0 / 120 - square * (1.0 / 252 - square / 240)));
    second +=
        inverse + 0.5 * square +
        inverse * square * (1.0 / 6 - square * (1.0 / 30 - square * (1.0 / 42 - square / 30)));
    return {first, second};
}

}  // namespace sluice::judge
