// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/ratio.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "analysis/judge/ratio_grid.hpp"
#include "analysis/judge/special.hpp"

namespace sluice::judge {
namespace ratio_detail {
namespace {

// Buckets are put together to at most this many, which makes a look cheap and takes up dependence
// between neighbours.
constexpr size_t most_batches = 20;

std::array<Candidate, grid_size> make_grid() {
    std::array<Candidate, grid_size> grid;
    for (size_t k = 0; k < grid_size; ++k) {
        auto& point = grid[k];
        point.dispersion = std::pow(grid_step, static_cast<double>(k));
        point.log_dispersion = std::log(point.dispersion);
        point.cluster = k == 0 ? 1 : (point.dispersion - 1) / point.log_dispersion;
        point.log_prior =
            std::log(k == 0 ? independent_prior : (1 - independent_prior) / (grid_size - 1));
    }
    return grid;
}

// Up to this many factors are multiplied out.
constexpr double few = 16;

// ln Γ(x+r) - ln Γ(r), r > 1e-12.
double rising(double x, double r) {
    if (x == 0) return 0;
    if (x <= few && x == std::floor(x)) {
        double product = r;
        for (double k = 1; k < x; ++k) product *= r + k;
        return std::log(product);
    }
    return log_gamma(x + r) - log_gamma(r);
}

}  // namespace

const std::array<Candidate, grid_size>& grid() {
    static const auto points = make_grid();
    return points;
}

// The likelihood of one arm's sum, and its derivatives, as a function of its rate.
struct ArmSum {
    double exposure;
    double bad;

    [[nodiscard]] double likelihood(double rate, const Candidate& at) const {
        if (at.dispersion == 1)
            return (bad > 0 ? bad * std::log(rate * exposure) : 0) - rate * exposure;
        const double r = rate * exposure / (at.dispersion - 1);
        return rising(bad, r) - r * at.log_dispersion;
    }
    struct Slopes {
        double first, second;
    };
    [[nodiscard]] Slopes slopes(double rate, const Candidate& at) const {
        if (at.dispersion == 1) return {bad / rate - exposure, -bad / (rate * rate)};
        const double scale = exposure / (at.dispersion - 1), r = rate * scale;
        if (bad == 0) return {-scale * at.log_dispersion, 0};
        const auto above = gammas(bad + r), below = gammas(r);
        return {scale * (above.digamma - below.digamma - at.log_dispersion),
                scale * scale * (above.trigamma - below.trigamma)};
    }
};

namespace {

// The root of a falling function of a rate, in [low, high]: Newton in the logarithm, bisection
// where that leaves the bracket.
template <class Slopes>
double falling_root(double low, double high, double start, const Slopes& slopes) {
    double rate = std::clamp(start, low, high);
    for (int round = 0; round < 25; ++round) {
        const auto [first, second] = slopes(rate);
        if (first > 0)
            low = rate;
        else
            high = rate;
        // d/ds of rate * first, s = ln rate, has the same root and is nearly straight.
        const double slope = rate * first + rate * rate * second;
        double next = slope < 0 ? rate * std::exp(-rate * first / slope) : -1;
        if (!(next > low && next < high)) next = std::sqrt(low * high);
        if (std::abs(next - rate) < 1e-4 * rate) return next;
        rate = next;
    }
    return rate;
}

constexpr double least_rate = 1e-12;  // per request; stands for none

double best_rate(const ArmSum& arm, const Candidate& at) {
    if (arm.bad <= 0) return least_rate;
    const double mean = arm.bad / arm.exposure;
    if (at.dispersion == 1) return mean;
    return falling_root(mean * 1e-3, mean * 1e3, mean,
                        [&](double rate) { return arm.slopes(rate, at); });
}

// The best of both arms where the canary's rate lies on the line.
double likelihood_on_line(const ArmSum& baseline, const ArmSum& canary, const RateLine& line,
                          double baseline_rate, double canary_rate, const Candidate& at) {
    const auto on_piece = [&](double times, double plus) {
        // The optimum lies between the baseline's own best rate and the one that the canary's
        // best rate would ask of it.
        const double asked = std::max((canary_rate - plus) / times, least_rate);
        const double low = std::min(baseline_rate, asked), high = std::max(baseline_rate, asked);
        const double start =
            (baseline.bad + canary.bad) / (baseline.exposure + times * canary.exposure);
        const double rate = falling_root(low, high, start, [&](double r) {
            const auto b = baseline.slopes(r, at), c = canary.slopes(times * r + plus, at);
            return ArmSum::Slopes{b.first + times * c.first, b.second + times * times * c.second};
        });
        return rate;
    };
    const auto value = [&](double rate) {
        return baseline.likelihood(rate, at) + canary.likelihood(line.over(rate), at);
    };
    if (line.plus <= 0) return value(on_piece(line.times, 0));
    const double kink = line.times > 1 ? line.plus / (line.times - 1) : HUGE_VAL;
    double best = std::isfinite(kink) ? value(kink) : -HUGE_VAL;
    if (const double rate = on_piece(1, line.plus); rate < kink) best = std::max(best, value(rate));
    if (std::isfinite(kink))
        if (const double rate = on_piece(line.times, 0); rate > kink)
            best = std::max(best, value(rate));
    return best;
}

}  // namespace

// Both arms at one dispersion, corrected for one side, at their own best rates.
struct Fitted {
    ArmSum baseline, canary;
    double baseline_rate = 0, canary_rate = 0;
    double likelihood = 0;
};

namespace {

Fitted fit(ArmSum baseline, ArmSum canary, double side, const Candidate& at) {
    const double lump = correction * at.cluster;
    canary.bad = std::max(0.0, canary.bad - side * lump);
    baseline.bad = std::max(0.0, baseline.bad + side * lump);
    Fitted fitted{baseline, canary, best_rate(baseline, at), best_rate(canary, at), 0};
    fitted.likelihood =
        baseline.likelihood(fitted.baseline_rate, at) + canary.likelihood(fitted.canary_rate, at);
    return fitted;
}

// The signed root of twice the logarithm of the likelihood ratio, at one dispersion: positive where
// the canary lies beyond the line on the side that is asked for (1: above, -1: below).
double signed_root(const Fitted& fitted, const RateLine& line, double side, const Candidate& at) {
    const double beyond = side * (fitted.canary_rate - line.over(fitted.baseline_rate));
    const double bound = likelihood_on_line(fitted.baseline, fitted.canary, line,
                                            fitted.baseline_rate, fitted.canary_rate, at);
    const double root = std::sqrt(std::max(0.0, 2 * (fitted.likelihood - bound)));
    return beyond > 0 ? root : -root;
}

}  // namespace
}  // namespace ratio_detail

using namespace ratio_detail;

double RateLine::over(double rate) const {
    // Below 1 `times` is a limit's line, which nothing is added to.
    return plus > 0 ? std::max(times * rate, rate + plus) : times * rate;
}

RatioEvidence::RatioEvidence(std::span<const CountPair> buckets) {
    struct Stratum {
        Counts baseline, canary;
    };
    std::map<int, Stratum> strata;
    const size_t per_batch = (buckets.size() + most_batches - 1) / most_batches;
    for (size_t i = 0; i < buckets.size(); ++i) {
        if (per_batch == 0 || i % per_batch == 0) batches_.push_back({{}, {}, buckets[i].epoch});
        const auto add = [](Counts& to, const Counts& from) {
            to.total += from.total;
            to.bad += from.bad;
        };
        add(batches_.back().baseline, buckets[i].baseline);
        add(batches_.back().canary, buckets[i].canary);
        auto& stratum = strata[buckets[i].epoch];
        add(stratum.baseline, buckets[i].baseline);
        add(stratum.canary, buckets[i].canary);
        add(baseline_, buckets[i].baseline);
        add(canary_, buckets[i].canary);
    }
    const double bad = baseline_.bad + canary_.bad, total = baseline_.total + canary_.total;
    if (strata.size() < 2 || bad <= 0) return;
    // Indirect standardisation over epochs: of each epoch's errors, the share that its requests
    // would give the canary, is what the canary's exposure is worth.
    double expected = 0;
    for (const auto& [epoch, stratum] : strata) {
        const double requests = stratum.baseline.total + stratum.canary.total;
        if (requests <= 0) continue;
        expected += (stratum.baseline.bad + stratum.canary.bad) * stratum.canary.total / requests;
    }
    if (expected <= 0 || expected >= bad) return;
    canary_.total = total * expected / bad;
    baseline_.total = total - canary_.total;
}

double RatioEvidence::log_weight(size_t k) const {
    const auto& at = grid()[k];
    double sum = at.log_prior;
    const auto add_arm = [&](const Counts& all, auto cell_of) {
        if (all.bad <= 0) return;
        double exposure = 0;
        for (const auto& batch : batches_) exposure += cell_of(batch).total;
        const double rate = all.bad / std::max(exposure, 1e-9);
        for (const auto& batch : batches_) {
            const auto& cell = cell_of(batch);
            if (cell.bad <= 0) continue;
            const double mean = std::max(rate * cell.total, 1e-9);
            sum +=
                k == 0 ? cell.bad * std::log(mean) : rising(cell.bad, mean / (at.dispersion - 1));
        }
        // The rate is not known either: the width of what remains open grows with √φ.
        sum += 0.5 * at.log_dispersion;
        if (k == 0)
            sum -= all.bad;
        else
            sum += all.bad * (std::log1p(-1 / at.dispersion) - 1 / at.cluster);
    };
    add_arm(baseline_, [](const CountPair& batch) -> const Counts& { return batch.baseline; });
    add_arm(canary_, [](const CountPair& batch) -> const Counts& { return batch.canary; });
    return sum;
}

const std::vector<RatioEvidence::Weighted>& RatioEvidence::weights() const {
    if (!weights_.empty()) return weights_;
    constexpr double negligible = 10;  // e^-10
    std::array<double, grid_size> logs;
    logs.fill(-HUGE_VAL);
    double best = logs[0] = log_weight(0);
    // Likelihoods have one hump over the dispersion: climb it from below, and stop beyond it.
    size_t falling = 0;
    for (size_t k = 1; k < grid_size && falling < 3; ++k) {
        logs[k] = log_weight(k);
        falling = logs[k] < logs[k - 1] && logs[k] < best - negligible ? falling + 1 : 0;
        best = std::max(best, logs[k]);
    }
    double sum = 0;
    for (size_t k = 0; k < grid_size; ++k) {
        const double weight = std::exp(logs[k] - best);
        if (logs[k] < best - negligible) continue;
        weights_.push_back({k, weight});
        sum += weight;
    }
    for (auto& point : weights_) point.weight /= sum;
    return weights_;
}

double RatioEvidence::root_at(size_t index, const RateLine& line, double side) const {
    auto& fits = side > 0 ? harm_fits_ : safety_fits_;
    if (fits.empty()) fits.resize(grid_size);
    auto& fitted = fits[index];
    if (!fitted)
        fitted = std::make_shared<const Fitted>(fit(
            {baseline_.total, baseline_.bad}, {canary_.total, canary_.bad}, side, grid()[index]));
    return signed_root(*fitted, line, side, grid()[index]);
}

double RatioEvidence::tail(const RateLine& line, double side, double enough) const {
    if (baseline_.total <= 0 || canary_.total <= 0) return 1;
    // Dispersion only ever takes evidence away: what independent errors would not show is not
    // shown.
    const double root = root_at(0, line, side);
    const double at_most = normal_tail(root);
    if (at_most > enough) return at_most;
    const auto tail_of = [&](const Weighted& point) {
        const double dispersion = grid()[point.index].dispersion;
        const bool normal = std::min(baseline_.bad, canary_.bad) > many_clusters * dispersion;
        return point.weight * normal_tail(normal ? root / std::sqrt(dispersion)
                                                 : root_at(point.index, line, side));
    };
    // The likeliest first: mostly it alone is too much.
    const auto& points = weights();
    const auto likeliest =
        std::max_element(points.begin(), points.end(),
                         [](const auto& a, const auto& b) { return a.weight < b.weight; });
    double sum = tail_of(*likeliest);
    for (auto point = points.begin(); point != points.end() && sum <= enough; ++point)
        if (point != likeliest) sum += tail_of(*point);
    return sum;
}

bool RatioEvidence::shows_harm(const RateLine& line, double tail_wanted) const {
    return tail(line, 1, tail_wanted) < tail_wanted;
}

bool RatioEvidence::shows_safety(const RateLine& line, double tail_wanted) const {
    return tail(line, -1, tail_wanted) < tail_wanted;
}

bool RatioEvidence::shows_rate_above(double rate, double tail_wanted) const {
    if (canary_.total <= 0) return false;
    rate = std::max(rate, least_rate);
    const auto tail_at = [&](const Candidate& at) {
        const ArmSum canary{canary_.total, std::max(0.0, canary_.bad - correction * at.cluster)};
        const double best = best_rate(canary, at);
        if (best <= rate) return 1.0;
        const double gain = canary.likelihood(best, at) - canary.likelihood(rate, at);
        return normal_tail(std::sqrt(std::max(0.0, 2 * gain)));
    };
    if (tail_at(grid()[0]) >= tail_wanted) return false;
    double sum = 0;
    for (const auto& point : weights()) sum += point.weight * tail_at(grid()[point.index]);
    return sum < tail_wanted;
}

double RatioEvidence::estimate() const {
    // Half an error each keeps the ratio of nothing to nothing at 1 and of anything finite.
    const double share = canary_.total / std::max(baseline_.total + canary_.total, 1e-9);
    return (canary_.bad + share) / std::max(canary_.total, 1e-9) * baseline_.total /
           (baseline_.bad + 1 - share);
}

double RatioEvidence::dispersion() const {
    double sum = 0;
    for (const auto& point : weights()) sum += point.weight * grid()[point.index].dispersion;
    return sum;
}

}  // namespace sluice::judge
