// SPDX-License-Identifier: Apache-2.0
// Success and failure conditions: github.com/expr-lang/expr as upstream embeds it
// (argo-rollouts.md 1.6), with the variable `result` and the functions asInt, asFloat, isNaN,
// isInf, isNil and default. Pure and bounded: no input crashes, hangs or grows without limit.
// isNil and default ignore their first argument and look at `result`, as upstream's do.
#pragma once

#include <string>
#include <string_view>

#include "analysis/conditions/value.hpp"
#include "base/result.hpp"
#include "crds/analysis.hpp"

namespace sluice::analysis {

struct Environment {
    Value result;
    TimePoint now;  // what now() says
};

// Invalid: "column 8: what". Types that never meet are an error even where Go would find them
// before the run; a part that is skipped (the right side of `false && …`) is not looked at.
Result<Value> evaluate_expression(std::string_view source, const Environment& environment);

// As above; "expected bool, but got float64" where it yields something else.
Result<bool> evaluate(std::string_view condition, const Value& result, TimePoint now = {});

// The value of a rangeQuery's start or end.
Result<TimePoint> evaluate_time(std::string_view expression, TimePoint now);

// The truth table of 1.6: Successful, Failed or Inconclusive. Invalid: `could not evaluate
// successCondition "…": why`, which makes the measurement an Error.
Result<crds::AnalysisPhase> assess(const Value& result, std::string_view success_condition,
                                   std::string_view failure_condition, TimePoint now = {});

}  // namespace sluice::analysis
