// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/planning.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/judge/judge.hpp"
#include "analysis/judge/words.hpp"
#include "base/text.hpp"

namespace sluice::judge {
namespace planning_detail {
namespace {

constexpr int longest = 1440;  // minutes
constexpr double most_harm = 1000;

// The verdict on what is to be expected after so many minutes.
Verdict expected(const Settings& settings, const PlannedStep& step, const PlannedTraffic& traffic,
                 double ratio, int minutes) {
    Evidence evidence;
    const double canary = traffic.requests * step.share;
    const double baseline = traffic.requests - canary;
    const double rate = std::min(1.0, traffic.errors * ratio);
    for (int minute = settings.warm_up + 1; minute <= minutes; ++minute)
        evidence.buckets.push_back({60.0 * minute, 60, 0,
                                    Counts{baseline, baseline * traffic.errors},
                                    Counts{canary, canary * rate}});
    return judge_metric(settings, evidence, 60.0 * minutes, Detail::VerdictOnly).verdict;
}

// The first minute with that verdict, which then stands.
std::optional<double> first_minute(const Settings& settings, const PlannedStep& step,
                                   const PlannedTraffic& traffic, double ratio, Verdict wanted) {
    if (expected(settings, step, traffic, ratio, longest) != wanted) return std::nullopt;
    int before = 0, after = longest;
    while (after - before > 1) {
        const int middle = (before + after) / 2;
        (expected(settings, step, traffic, ratio, middle) == wanted ? after : before) = middle;
    }
    return after;
}

std::string minutes_text(double minutes) {
    if (minutes < 120) return concat(plain(minutes), minutes == 1 ? " minute" : " minutes");
    return concat(plain(minutes / 60), " hours");
}

}  // namespace
}  // namespace planning_detail

StepForecast forecast(const Settings& wanted, const PlannedStep& step,
                      const PlannedTraffic& traffic) {
    using namespace planning_detail;
    Settings settings = wanted;
    settings.deadline.reset();
    StepForecast found;
    const int minutes = static_cast<int>(std::min<double>(longest, step.minutes.value_or(60)));
    if (expected(settings, step, traffic, most_harm, minutes) == Verdict::Fail) {
        double low = 1, high = most_harm;
        while (high / low > 1.01) {
            const double middle = std::sqrt(low * high);
            (expected(settings, step, traffic, middle, minutes) == Verdict::Fail ? high : low) =
                middle;
        }
        found.least_harm = high;
    }
    found.minutes_to_pass = first_minute(settings, step, traffic, 1, Verdict::Pass);
    const double harm = traffic.errors > 0
                            ? std::max(2.0, settings.margin.over(traffic.errors) / traffic.errors)
                            : most_harm;
    found.minutes_to_fail = first_minute(settings, step, traffic, harm, Verdict::Fail);
    return found;
}

std::string sentence(const Settings& settings, const PlannedStep& step,
                     const PlannedTraffic& traffic, const StepForecast& found) {
    using namespace planning_detail;
    const std::string within =
        step.minutes ? concat("for ", minutes_text(*step.minutes)) : std::string("in an hour");
    std::string text = concat(percent(step.share), " ", within, ": ",
                              plain(traffic.requests * step.share), " canary requests a minute. ");
    if (found.least_harm)
        text += concat("Errors ", plain(*found.least_harm), " times as frequent (",
                       percent(std::min(1.0, traffic.errors * *found.least_harm)),
                       ") or more fail it; less is not seen. ");
    else
        text += "No regression of errors fails it in that time. ";
    text += found.minutes_to_pass ? concat("A healthy canary passes after about ",
                                           minutes_text(*found.minutes_to_pass))
                                  : std::string("A healthy canary does not pass within a day");
    if (step.minutes && found.minutes_to_pass && *found.minutes_to_pass > *step.minutes)
        text += ", which is longer than the step";
    const double harm = traffic.errors > 0 ? settings.margin.over(traffic.errors) : 0;
    if (harm > 0)
        text += concat("; one with ", percent(std::max(harm, 2 * traffic.errors)),
                       found.minutes_to_fail ? concat(" errors fails after about ",
                                                      minutes_text(*found.minutes_to_fail))
                                             : std::string(" errors does not fail within a day"));
    return text + ".";
}

}  // namespace sluice::judge
