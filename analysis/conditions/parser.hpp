// SPDX-License-Identifier: Apache-2.0
// The tree of a condition. Grammar and precedences are those of github.com/expr-lang/expr 1.17
// (its language definition and parser/operator). Literals of bytes and calls of methods are not
// served.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/conditions/value.hpp"
#include "base/result.hpp"

namespace sluice::analysis {

enum class NodeKind {
    Literal,
    Name,
    Current,
    Unary,
    Binary,
    Ternary,
    Member,
    Slice,
    Call,
    ListOf,
    MapOf,
    Sequence,  // the last child's value
    Let        // children: the value, then what it is known in
};

struct Node {
    NodeKind kind = NodeKind::Literal;
    int column = 1;
    std::string text;           // of names, operators, calls and of Current: "", "index" or "acc"
    Value literal;              // of Literal
    std::vector<int> children;  // indices into Tree::nodes; -1 for an absent bound of a slice
    bool nil_safe = false;      // of Member and Slice: behind a ?., so nil yields nil
    int depth = 1;
};

struct Tree {
    std::vector<Node> nodes;
    int root = 0;
};

// Bounds what evaluation recurses into.
inline constexpr int deepest_condition = 200;

// Invalid with the column.
Result<Tree> parse_condition(std::string_view source);

// all, any, filter, …: functions whose second argument is evaluated for each item, as `#`.
bool takes_predicate(std::string_view function);

}  // namespace sluice::analysis
