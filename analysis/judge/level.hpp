// SPDX-License-Identifier: Apache-2.0
// Does a series of paired differences (the logarithm of canary over baseline, one a bucket) lie
// above a line? Load that both arms share has cancelled in the pairing; what is left is private
// noise, and that remembers: minutes that follow each other are alike.
//
// The noise is white noise plus a first-order autoregression, in unknown shares and of unknown
// memory. Neither is plugged in: each of a grid of (memory, share) is weighed by how well it
// explains the series (generalised least squares by a Kalman filter, level and scale integrated
// out), and the tail is the weighted mean of their Student tails. So ten alike minutes are not
// taken for ten witnesses.
#pragma once

#include <span>
#include <vector>

namespace sluice::judge {

struct Difference {
    int bucket = 0;     // its number in time; gaps are missing buckets
    double value = 0;   // ln(canary / baseline)
    double spread = 1;  // its white variance relative to the others'; fewer requests, more of it
    bool operator==(const Difference&) const = default;
};

class LevelEvidence {
public:
    // In order of time; fewer than three differences show nothing.
    explicit LevelEvidence(std::span<const Difference> differences);

    // The probability of what was seen if the true level were at most (above) or at least (below)
    // at `line`.
    [[nodiscard]] double tail_above(double line) const;
    [[nodiscard]] double tail_below(double line) const;
    [[nodiscard]] double estimate() const;
    // The lines at which those probabilities are what is given.
    [[nodiscard]] double low(double tail) const;
    [[nodiscard]] double high(double tail) const;
    // Buckets that would say as much if they were independent; at most their number.
    [[nodiscard]] double independent_buckets() const;

private:
    struct Candidate {
        double weight, level, error;
    };
    [[nodiscard]] double limit(double tail, double side) const;

    double freedom_ = 0;
    double white_error_ = 0;
    size_t buckets_ = 0;
    std::vector<Candidate> candidates_;
};

}  // namespace sluice::judge
