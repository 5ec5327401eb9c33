// SPDX-License-Identifier: Apache-2.0
// Is the canary's error rate above a line drawn from the baseline's? Counts of two arms, bucket by
// bucket, to the probability of the other answer.
//
// Errors come in clusters (a retry storm is one event that counts twenty), so counts are taken as a
// compound Poisson process whose dispersion (variance over mean, 1 for independent errors) is the
// same in both arms: the negative binomial with one dispersion. The dispersion is never plugged in:
// each of a grid of values is weighed by how well it explains the buckets, and the tail is the
// weighted mean of theirs. So a single burst, which says nothing about how often bursts come, is
// explained by a large dispersion and proves nothing; evenly spread errors rule large ones out.
#pragma once

#include <memory>
#include <span>
#include <vector>

namespace sluice::judge {

namespace ratio_detail {
struct Fitted;
}

struct Counts {
    double total = 0;  // requests
    double bad = 0;    // errors among them; two counters are not read at one instant, so this may
                       // exceed `total` by a little
    bool operator==(const Counts&) const = default;
};

// One bucket of time in both arms. Epochs number the times between changes of weight.
struct CountPair {
    Counts baseline;
    Counts canary;
    int epoch = 0;
    bool operator==(const CountPair&) const = default;
};

// A line over the baseline's rate: the higher of `times` the rate and the rate plus `plus`.
struct RateLine {
    double times = 1;
    double plus = 0;
    [[nodiscard]] double over(double rate) const;
    bool operator==(const RateLine&) const = default;
};

class RatioEvidence {
public:
    // Borrows nothing. Buckets in order of time.
    explicit RatioEvidence(std::span<const CountPair> buckets);

    // Whether what was seen would be less probable than `tail` if the canary's true rate were at
    // most (harm) or at least (safety) at the line.
    [[nodiscard]] bool shows_harm(const RateLine& line, double tail) const;
    [[nodiscard]] bool shows_safety(const RateLine& line, double tail) const;
    // The same of the canary alone, were its rate at most `rate`.
    [[nodiscard]] bool shows_rate_above(double rate, double tail) const;

    // Rates of the arms, per request; the canary's rate over the baseline's. Rates of the arms are
    // weighted alike over epochs, so that a change of weight at a bad hour is no difference.
    [[nodiscard]] Counts baseline() const { return baseline_; }
    [[nodiscard]] Counts canary() const { return canary_; }
    [[nodiscard]] double estimate() const;
    // The ratio at which the tail is what is given: limits of the canary's rate over the
    // baseline's.
    [[nodiscard]] double low(double tail) const;
    [[nodiscard]] double high(double tail) const;
    // Errors that come together, as the weighted mean over the grid.
    [[nodiscard]] double dispersion() const;

private:
    struct Weighted {
        size_t index;  // in the grid of dispersions
        double weight;
    };
    // That probability; where it is above `enough`, only a lower bound of it.
    [[nodiscard]] double tail(const RateLine& line, double side, double enough) const;
    // The same to what people can read: roots of some dispersions, the others between them.
    [[nodiscard]] double tail_for_limits(const RateLine& line, double side) const;
    [[nodiscard]] double root_at(size_t index, const RateLine& line, double side) const;
    [[nodiscard]] double log_weight(size_t k) const;
    [[nodiscard]] double limit(double wanted, double side) const;
    const std::vector<Weighted>& weights() const;

    std::vector<CountPair> batches_;
    Counts baseline_;
    Counts canary_;
    // Reckoned when first needed; by index in the grid.
    using Fits = std::vector<std::shared_ptr<const ratio_detail::Fitted>>;
    mutable std::vector<Weighted> weights_;
    mutable Fits harm_fits_, safety_fits_;
};

}  // namespace sluice::judge
