// SPDX-License-Identifier: Apache-2.0
// The Mann–Whitney test as Kayenta's NetflixACAJudge-v1.0 computes it (reference 3.2, step C):
// normal approximation with midranks and continuity correction, and limits found by a root finder
// that stops within 1e-4. On tied data those limits are where the root finder happens to stop, so
// the finder is part of the contract (3.5, "Warning on exact conformance").
#pragma once

#include <span>
#include <vector>

namespace sluice::kayenta {

struct MannWhitney {
    double low = 0;  // of the shift from control to experiment
    double high = 0;
    double estimate = 0;
};

// Neither is empty. Arms that are constant but different are spread by a hundred-thousandth of
// their value, as Kayenta does with random noise; here the same every time.
MannWhitney mann_whitney(std::span<const double> experiment, std::span<const double> control,
                         double confidence);

// The standardised rank sum of the experiment shifted down by `shift`, less z; falls with `shift`.
double wilcoxon_difference(double shift, double z, std::span<const double> experiment,
                           std::span<const double> control);

// The bracket of its roots.
struct Bracket {
    double low, high;
};
Bracket bracket_of(std::span<const double> experiment, std::span<const double> control);

}  // namespace sluice::kayenta
