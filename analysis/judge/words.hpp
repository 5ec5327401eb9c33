// SPDX-License-Identifier: Apache-2.0
// Verdicts as sentences.
#pragma once

#include <string>

#include "analysis/judge/judge.hpp"

namespace sluice::judge {

// Three significant digits and no exponent: "0.0123", "12.3", "35400".
std::string plain(double number);
std::string percent(double share);  // "0.49 %"

// Fills `needs` and `reason` of a verdict whose figures stand.
void explain(MetricVerdict& verdict, const Settings& settings);
// The reason where there is not yet enough to judge by.
std::string too_little(const Settings& settings, const Evidence& evidence, int buckets);

}  // namespace sluice::judge
