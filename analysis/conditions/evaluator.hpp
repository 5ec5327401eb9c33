// SPDX-License-Identifier: Apache-2.0
// Walks the tree of a condition. Every node, item and stretch of text costs steps, and there are
// only so many: no condition runs or grows without end.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/conditions/condition.hpp"
#include "analysis/conditions/parser.hpp"
#include "analysis/pattern.hpp"

namespace sluice::analysis {

// Nodes evaluated plus items and text produced. The dearest condition that people write needs
// thousands; this many take a fraction of a second.
inline constexpr long most_steps = 1'000'000;

class Evaluator {
public:
    Evaluator(const Tree& tree, const Environment& environment)
        : tree_(tree), environment_(environment) {}

    // Invalid with the column.
    Result<Value> run() { return value_of_node(tree_.root); }

private:
    // Where a predicate stands in its list.
    struct Frame {
        Value item;
        long index = 0;
        const Value* accumulated = nullptr;  // of reduce
    };
    // What a predicate said of each item, in the order asked.
    using Said = std::vector<Value>;

    Result<Value> value_of_node(int index);
    Result<Value> evaluate_node(const Node& node);
    Result<void> spend(long steps, const Node& node);
    Result<Value> bounded(const Node& node, Value value) const;
    static Result<Value> placed(const Node& node, Result<Value> result);

    Result<Value> name(const Node& node) const;
    Result<Value> current(const Node& node) const;
    Result<bool> truth(const Node& node, int child);
    Result<Value> binary(const Node& node);
    Result<Value> matches(const Node& node, const Value& text, const Value& pattern);
    Result<Value> ternary(const Node& node);
    Result<Value> member(const Node& node);
    Result<Value> sliced(const Node& node);
    Result<Value> list(const Node& node);
    Result<Value> map(const Node& node);
    Result<Value> sequence(const Node& node);
    Result<Value> let(const Node& node);
    Result<Value> call(const Node& node);

    // ---- predicates (evaluator_predicates.cpp) ----
    Result<Value> predicate_call(const Node& node);
    Result<Value> ask(const Node& node, const Value& item, long index, const Value* accumulated);
    Result<bool> ask_truth(const Node& node, const Value& item, long index);
    Result<Value> search(const Node& node, const List& items);
    Result<Value> choose(const Node& node, const List& items);
    Result<Value> transform(const Node& node, const List& items);
    Result<Value> group(const Node& node, const List& items, const Said& said);
    Result<Value> sort_by(const Node& node, const List& items, const Said& said);
    Result<Value> reduce(const Node& node, const List& items);

    const Tree& tree_;
    const Environment& environment_;
    std::vector<Frame> frames_;                             // innermost last
    std::vector<std::pair<std::string, Value>> variables_;  // innermost last
    std::string pattern_text_;                              // the last pattern of a `matches`
    std::optional<Pattern> pattern_;
    long steps_ = 0;
};

// Sorts by the first of each pair, equal ones as they stood. Invalid where there is no order: mixed
// kinds, lists, NaN.
Result<void> sort_values(std::vector<std::pair<Value, Value>>& by_key, bool descending);

}  // namespace sluice::analysis
