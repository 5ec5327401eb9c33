// SPDX-License-Identifier: Apache-2.0
// The operators of a condition on values that are already there; errors without a column.
#pragma once

#include <string_view>

#include "analysis/conditions/value.hpp"
#include "base/result.hpp"

namespace sluice::analysis {

// A range of more numbers, or a text of more bytes, is refused.
inline constexpr long longest_range = 100'000;
inline constexpr long longest_text = 100'000;

// Every sign but && || and or ??, which look at one side first.
Result<Value> apply_binary(std::string_view sign, const Value& left, const Value& right);
Result<Value> apply_unary(std::string_view sign, const Value& operand);
// Of two values of one kind that has an order: numbers, texts, times, durations.
bool less_than(const Value& left, const Value& right);
// from[index]: an index below 0 counts from the end; a key that a map lacks is nil.
Result<Value> fetch(const Value& from, const Value& index);
Result<Value> slice(const Value& from, const Value& low, const Value& high);

// "invalid operation: < (mismatched types []float64 and int)".
Error mismatched(std::string_view sign, const Value& left, const Value& right);

}  // namespace sluice::analysis
