// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/condition.hpp"

#include "analysis/conditions/evaluator.hpp"
#include "analysis/conditions/parser.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

bool nil_or_empty(const Value& result) {
    return result.is_nil() || (result.list() && result.list()->empty());
}

Result<bool> assess_one(std::string_view which, std::string_view condition, const Value& result,
                        TimePoint now) {
    auto outcome = evaluate(condition, result, now);
    if (outcome.ok()) return outcome;
    const std::string attempt = concat("could not evaluate ", which, " \"", condition, "\"");
    if (nil_or_empty(result))
        return invalid(
            attempt + ": metric result is nil or empty: no data returned from the metric provider");
    return std::move(outcome).while_doing(attempt);
}

}  // namespace

Result<Value> evaluate_expression(std::string_view source, const Environment& environment) {
    const Tree tree = TRY(parse_condition(source));
    return Evaluator(tree, environment).run();
}

Result<bool> evaluate(std::string_view condition, const Value& result, TimePoint now) {
    const Value value = TRY(evaluate_expression(condition, {result, now}));
    if (const auto* truth = value.as<bool>()) return *truth;
    return invalid(concat("expected bool, but got ", type_name(value)));
}

Result<TimePoint> evaluate_time(std::string_view expression, TimePoint now) {
    const Value value = TRY(evaluate_expression(expression, {Value{}, now}));
    if (const auto* when = value.as<TimePoint>()) return *when;
    return invalid(concat("expected time.Time, but got ", type_name(value)));
}

Result<crds::AnalysisPhase> assess(const Value& result, std::string_view success_condition,
                                   std::string_view failure_condition, TimePoint now) {
    using crds::AnalysisPhase;
    bool success = false;
    bool failure = false;
    if (!success_condition.empty())
        success = TRY(assess_one("successCondition", success_condition, result, now));
    if (!failure_condition.empty())
        failure = TRY(assess_one("failureCondition", failure_condition, result, now));
    if (success_condition.empty() && failure_condition.empty()) return AnalysisPhase::Successful;
    if (failure_condition.empty()) failure = !success;
    if (success_condition.empty()) success = !failure;
    if (failure) return AnalysisPhase::Failed;
    return success ? AnalysisPhase::Successful : AnalysisPhase::Inconclusive;
}

}  // namespace sluice::analysis
