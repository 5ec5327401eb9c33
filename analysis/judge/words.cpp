// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "base/text.hpp"

namespace sluice::judge {
namespace words_detail {
namespace {

std::string times(double ratio) {
    return ratio >= no_limit ? "any number of times" : plain(ratio) + " times";
}

std::string limits(const MetricVerdict& verdict) {
    const double low = std::min(verdict.low, verdict.high);
    const double high = std::max(verdict.low, verdict.high);
    if (high >= no_limit) return concat("at least ", times(low));
    return concat("between ", plain(low), " and ", times(high));
}

std::string comparison(const MetricVerdict& verdict, const Settings& settings) {
    if (settings.kind == Kind::Ratio)
        return concat(percent(verdict.canary), " of ", plain(verdict.canary_counts.total),
                      " canary requests were errors, ", percent(verdict.baseline), " of ",
                      plain(verdict.baseline_counts.total),
                      " of the baseline's: ", times(verdict.estimate), " as many, ",
                      limits(verdict));
    const std::string what = settings.kind == Kind::Quantile
                                 ? concat("p", plain(100 * settings.quantile), " is ")
                                 : std::string("the value is ");
    return concat(what, plain(verdict.canary), " in the canary and ", plain(verdict.baseline),
                  " in the baseline: ", times(verdict.estimate), " as high, ", limits(verdict));
}

// Buckets until a limit that now lies `reach` from the estimate has shrunk to `room`.
double until(double buckets, double reach, double room) {
    if (!(room > 1e-6) || !std::isfinite(reach)) return HUGE_VAL;
    return buckets * ((reach / room) * (reach / room) - 1);
}

std::string what_it_takes(const MetricVerdict& verdict, const Settings& settings) {
    const double sign = settings.direction == Direction::Decrease ? -1 : 1;
    const auto scale = [&](double ratio) { return sign * std::log(std::max(ratio, 1e-9)); };
    const double estimate = scale(verdict.estimate);
    const bool upper = verdict.high < no_limit && verdict.high > 0;
    const bool lower = verdict.low > 0 && verdict.low < no_limit;
    const double safe = upper ? until(verdict.buckets, scale(verdict.high) - estimate,
                                      scale(verdict.passes_below) - estimate)
                              : HUGE_VAL;
    const double harm = lower ? until(verdict.buckets, estimate - scale(verdict.low),
                                      estimate - scale(verdict.fails_above))
                              : HUGE_VAL;
    const double soonest = std::min(safe, harm);
    if (!(soonest < 100'000)) return "a clearer difference or much more traffic";
    const long buckets = std::max(1L, std::lround(std::ceil(soonest)));
    return concat("about ", buckets, buckets == 1 ? " more bucket" : " more buckets",
                  " like these to show ", safe <= harm ? "safety" : "harm");
}

}  // namespace
}  // namespace words_detail

using namespace words_detail;

std::string plain(double number) {
    if (!std::isfinite(number)) return number > 0 ? "+Inf" : "-Inf";
    const double size = std::abs(number);
    int decimals = 0;
    if (size > 0 && size < 100)
        decimals = std::min(9, 2 - static_cast<int>(std::floor(std::log10(size))));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", decimals, number);
    std::string found(text.data());
    if (found.find('.') != std::string::npos) {
        while (found.back() == '0') found.pop_back();
        if (found.back() == '.') found.pop_back();
    }
    return found == "-0" ? "0" : found;
}

std::string percent(double share) {
    return plain(100 * share) + " %";
}

void explain(MetricVerdict& verdict, const Settings& settings) {
    const bool decrease = settings.direction == Direction::Decrease;
    const std::string past = decrease ? "less than " : "more than ";
    const std::string within = decrease ? "down to " : "up to ";
    const std::string compared = comparison(verdict, settings);
    switch (verdict.verdict) {
        case Verdict::Fail:
            verdict.reason = concat(compared, "; ", past, times(verdict.fails_above), " is harm");
            return;
        case Verdict::Pass:
            verdict.reason =
                concat(compared, "; ", within, times(verdict.passes_below), " is allowed");
            return;
        case Verdict::Inconclusive:
            verdict.needs = what_it_takes(verdict, settings);
            verdict.reason = concat(compared, "; ", past, times(verdict.fails_above),
                                    " would be harm, ", within, times(verdict.passes_below),
                                    " is allowed, and neither is shown: it takes ", verdict.needs);
            return;
    }
}

std::string too_little(const Settings& settings, const Evidence& evidence, int buckets) {
    std::string text = concat(buckets, " of the ", settings.first_verdict,
                              " buckets that a first verdict rests on");
    if (buckets < static_cast<int>(evidence.buckets.size()))
        text += concat(": of ", evidence.buckets.size(),
                       " some were put together until each arm had enough requests, or show "
                       "nothing because both arms lie above the histogram's last bound");
    std::vector<std::string> left_out;
    if (evidence.warming_up > 0) left_out.push_back(concat(evidence.warming_up, " warming up"));
    if (evidence.straddling > 0)
        left_out.push_back(concat(evidence.straddling, " with a change of weight within"));
    if (evidence.unpaired > 0)
        left_out.push_back(concat(evidence.unpaired, " with one arm missing"));
    if (!left_out.empty()) text += concat("; left out: ", join(left_out, ", "));
    return text;
}

}  // namespace sluice::judge
