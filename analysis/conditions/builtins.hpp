// SPDX-License-Identifier: Apache-2.0
// The functions that a condition may call with plain values: those of github.com/expr-lang/expr
// 1.17 and upstream's own. timezone, formats of date and methods of times are not served.
#pragma once

#include <span>
#include <string_view>

#include "analysis/conditions/condition.hpp"

namespace sluice::analysis {

struct Builtin {
    std::string_view name;
    size_t fewest, most;  // arguments
    Result<Value> (*call)(const List&, const Environment&);
    bool walks = true;  // looks at every part of its arguments
};

// By what they work on; each in a file of its own.
std::span<const Builtin> number_builtins();
std::span<const Builtin> text_builtins();
std::span<const Builtin> list_builtins();

bool is_builtin(std::string_view function);
// Whether a call costs what its arguments weigh.
bool walks_arguments(std::string_view function);

// Invalid without a column: the caller knows it.
Result<Value> call_builtin(std::string_view function, const List& arguments,
                           const Environment& environment);

// "invalid argument for len (type int)".
Error bad_argument(std::string_view function, const Value& argument);
// The argument as a text or a list; Invalid where it is another.
Result<std::string_view> text_argument(std::string_view function, const Value& argument);
Result<const List*> list_argument(std::string_view function, const Value& argument);

}  // namespace sluice::analysis
