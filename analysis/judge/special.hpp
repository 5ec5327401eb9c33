// SPDX-License-Identifier: Apache-2.0
// The special functions that the judge needs, fast enough to be called thousands of times a look.
#pragma once

namespace sluice::judge {

// P(Z > z) of a standard normal variable.
double normal_tail(double z);
// The z with P(Z > z) = tail; 0 < tail < 1, good to 1e-9.
double normal_upper(double tail);
// The same to 1e-7, in a tenth of the time.
double quick_normal_upper(double tail);
// The z whose normal tail equals that of Student's t with `freedom` > 0 degrees of freedom at t
// (D. L. Wallace, 1959: within 1 % from three degrees on).
double normal_of_student(double t, double freedom);
// The inverse of it.
double student_of_normal(double z, double freedom);

// ln Γ(z) for z > 0, to 1e-10.
double log_gamma(double z);
// Its first two derivatives, z > 0, to 1e-8.
struct Gammas {
    double digamma, trigamma;
};
Gammas gammas(double z);

}  // namespace sluice::judge
