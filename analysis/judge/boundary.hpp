// SPDX-License-Identifier: Apache-2.0
// How small a tail must be at this look so that all looks of an attempt together raise no more
// false alarms than the budget.
#pragma once

namespace sluice::judge {

// `budget` is the probability for all looks together, `buckets` what this look rests on, `first`
// what the first look rested on. A sixth of the budget goes to the first look, and the boundary
// rises with the logarithm of the evidence, so that there is no last look: for a look a bucket it
// was reckoned (random walk, 400,000 paths) that 60 looks spend 80 % of 1 %.
double tail_for_harm(double budget, double buckets, double first);

// The same for series whose memory is not yet known at the first looks, which get less.
double tail_for_harm_in_series(double budget, double buckets, double first);

// The first look at safety gets a twelfth: dispersion and memory are known worst where promotion
// would come soonest, and the canary loses only minutes. 60 looks spend about half of 5 %.
double tail_for_safety(double budget, double buckets, double first);
double tail_for_safety_in_series(double budget, double buckets, double first);

}  // namespace sluice::judge
