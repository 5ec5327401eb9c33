// SPDX-License-Identifier: Apache-2.0
// What a plan of weights can and cannot show, before it starts: the judge itself, asked about the
// counts that are to be expected.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/judge/settings.hpp"

namespace sluice::judge {

struct PlannedStep {
    double share = 0;               // of the canary, above 0 and below 1
    std::optional<double> minutes;  // nothing: until somebody goes on
};

struct PlannedTraffic {
    double requests = 0;  // a minute, both arms together
    double errors = 0;    // of them, as a share
};

struct StepForecast {
    // The least ratio of error rates that half of all canaries would fail for by the end of the
    // step; nothing where none up to 1,000 is seen.
    std::optional<double> least_harm;
    // Minutes, warm-up included, until half of all canaries with errors as before pass, and until
    // half of those at the margin's ratio (but at least twice) fail; nothing: not within a day.
    std::optional<double> minutes_to_pass, minutes_to_fail;
};

StepForecast forecast(const Settings& settings, const PlannedStep& step,
                      const PlannedTraffic& traffic);
// "5 % for 10 minutes: …"
std::string sentence(const Settings& settings, const PlannedStep& step,
                     const PlannedTraffic& traffic, const StepForecast& found);

}  // namespace sluice::judge
