// SPDX-License-Identifier: Apache-2.0
// The functions that a condition may call with plain values.
#pragma once

#include <string_view>

#include "analysis/conditions/condition.hpp"

namespace sluice::analysis {

// Invalid without a column: the caller knows it.
Result<Value> call_builtin(std::string_view function, const List& arguments,
                           const Environment& environment);

}  // namespace sluice::analysis
