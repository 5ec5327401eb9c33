// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/conditions/value.hpp"
#include "base/result.hpp"

namespace sluice::analysis {

enum class TokenKind { Integer, Float, Text, Name, Operator, End };

struct Token {
    TokenKind kind = TokenKind::End;
    std::string text;  // of Text the content; of numbers the digits without underscores
    int column = 1;    // from 1, in bytes
};

// "column 8: what".
Error error_at(int column, std::string_view what);

// Longer sources than this are refused, so that hostile ones cost nothing.
inline constexpr size_t longest_condition = 16'384;

// Invalid with the column. The last token is End.
Result<std::vector<Token>> tokenize(std::string_view source);

// Of an Integer or Float. Invalid with the column where it does not fit.
Result<Value> number_value(const Token& token);

}  // namespace sluice::analysis
