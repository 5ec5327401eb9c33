// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/evaluator.hpp"

#include <algorithm>

#include "analysis/conditions/builtins.hpp"
#include "analysis/conditions/lexer.hpp"
#include "analysis/conditions/operators.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

long text_cost(const Value& value) {
    const auto* text = value.as<std::string>();
    return text ? static_cast<long>(text->size() / 32) : 0;
}

// What a look through `text` for `part` may take.
long search_cost(const Value& text, const Value& part) {
    const auto* whole = text.as<std::string>();
    const auto* sought = part.as<std::string>();
    if (!whole || !sought) return 0;
    return static_cast<long>(whole->size() / 16 * (1 + sought->size() / 64));
}

long comparison_cost(std::string_view sign, const Value& left, const Value& right) {
    if (sign == "contains") return search_cost(left, right);
    if (sign == "==" || sign == "!=" || sign == "in")
        return static_cast<long>(std::max(left.weight, right.weight)) / 4 +
               std::max(text_cost(left), text_cost(right));
    return 0;
}

}  // namespace

Result<Value> Evaluator::value_of_node(int index) {
    if (index < 0) return Value{};
    const Node& node = tree_.nodes[static_cast<size_t>(index)];
    TRY(spend(1, node));
    Value value = TRY(evaluate_node(node));
    // Texts are copied on their way.
    if (const long cost = text_cost(value); cost > 0) TRY(spend(cost, node));
    return value;
}

Result<Value> Evaluator::evaluate_node(const Node& node) {
    switch (node.kind) {
        case NodeKind::Literal: return node.literal;
        case NodeKind::Name: return name(node);
        case NodeKind::Current: return current(node);
        case NodeKind::Unary:
            return placed(node, apply_unary(node.text, TRY(value_of_node(node.children[0]))));
        case NodeKind::Binary: return binary(node);
        case NodeKind::Ternary: return ternary(node);
        case NodeKind::Member: return member(node);
        case NodeKind::Slice: return sliced(node);
        case NodeKind::Call: return call(node);
        case NodeKind::ListOf: return list(node);
        case NodeKind::MapOf: return map(node);
        case NodeKind::Sequence: return sequence(node);
        case NodeKind::Let: return let(node);
    }
    unreachable();
}

Result<void> Evaluator::spend(long steps, const Node& node) {
    steps_ += std::min(steps, most_steps + 1);
    if (steps_ > most_steps) return error_at(node.column, "the condition takes too many steps");
    return {};
}

// Refuses what would be too deep or too large to be walked through.
Result<Value> Evaluator::bounded(const Node& node, Value value) const {
    if (too_big(value)) return error_at(node.column, "memory budget exceeded");
    return value;
}

Result<Value> Evaluator::placed(const Node& node, Result<Value> result) {
    if (result.ok()) return result;
    return error_at(node.column, result.error().message);
}

Result<Value> Evaluator::name(const Node& node) const {
    for (auto at = variables_.rbegin(); at != variables_.rend(); ++at)
        if (at->first == node.text) return at->second;
    if (node.text == "result") return environment_.result;
    if (node.text == "$env") return map_value({{"result", environment_.result}});
    return error_at(node.column, concat("unknown name ", node.text));
}

Result<Value> Evaluator::current(const Node& node) const {
    if (frames_.empty()) return error_at(node.column, "# outside of a predicate");
    const Frame& frame = frames_.back();
    if (node.text == "index") return Value{frame.index};
    if (node.text.empty()) return frame.item;
    if (!frame.accumulated) return error_at(node.column, "#acc outside of reduce");
    return *frame.accumulated;
}

Result<bool> Evaluator::truth(const Node& node, int child) {
    const Value value = TRY(value_of_node(child));
    if (const auto* truth = value.as<bool>()) return *truth;
    return error_at(node.column, concat("invalid operation: ", node.text, " (mismatched type ",
                                        type_name(value), ", expected bool)"));
}

Result<Value> Evaluator::binary(const Node& node) {
    const bool is_and = node.text == "and" || node.text == "&&";
    if (is_and || node.text == "or" || node.text == "||") {
        const bool left = TRY(truth(node, node.children[0]));
        if (left != is_and) return Value{left};
        return Value{TRY(truth(node, node.children[1]))};
    }
    const Value left = TRY(value_of_node(node.children[0]));
    if (node.text == "??") {
        if (!left.is_nil()) return left;
        return value_of_node(node.children[1]);
    }
    const Value right = TRY(value_of_node(node.children[1]));
    TRY(spend(comparison_cost(node.text, left, right), node));
    if (node.text == "matches") return matches(node, left, right);
    Value value = TRY(placed(node, apply_binary(node.text, left, right)));
    if (const auto* items = value.list()) TRY(spend(static_cast<long>(items->size()), node));
    return bounded(node, std::move(value));
}

Result<Value> Evaluator::matches(const Node& node, const Value& text, const Value& pattern) {
    if (text.is_nil()) return Value{false};
    const auto* subject = text.as<std::string>();
    const auto* source = pattern.as<std::string>();
    if (!subject || !source) return placed(node, mismatched("matches", text, pattern));
    if (!pattern_ || pattern_text_ != *source) {
        constexpr long compiling = 2000;
        TRY(spend(compiling, node));
        auto compiled = Pattern::compile(*source);
        if (!compiled.ok()) return error_at(node.column, compiled.error().message);
        pattern_ = std::move(*compiled);
        pattern_text_ = *source;
    }
    TRY(spend(static_cast<long>(subject->size() * (1 + pattern_->size() / 8) / 8), node));
    return Value{pattern_->found_in(*subject)};
}

Result<Value> Evaluator::ternary(const Node& node) {
    const bool condition = TRY(truth(node, node.children[0]));
    return value_of_node(node.children[condition ? 1 : 2]);
}

Result<Value> Evaluator::member(const Node& node) {
    const Value from = TRY(value_of_node(node.children[0]));
    if (from.is_nil() && node.nil_safe) return Value{};
    const Value index = TRY(value_of_node(node.children[1]));
    return placed(node, fetch(from, index));
}

Result<Value> Evaluator::sliced(const Node& node) {
    const Value from = TRY(value_of_node(node.children[0]));
    if (from.is_nil() && node.nil_safe) return Value{};
    const Value low = TRY(value_of_node(node.children[1]));
    const Value high = TRY(value_of_node(node.children[2]));
    if (const auto* items = from.list()) TRY(spend(static_cast<long>(items->size()), node));
    return placed(node, slice(from, low, high));
}

Result<Value> Evaluator::list(const Node& node) {
    List items;
    for (const int child : node.children) items.push_back(TRY(value_of_node(child)));
    return bounded(node, list_value(std::move(items)));
}

Result<Value> Evaluator::map(const Node& node) {
    Map entries;
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
        const Value key = TRY(value_of_node(node.children[i]));
        const auto* text = key.as<std::string>();
        if (!text)
            return error_at(node.column,
                            concat("a map key must be a string (got ", type_name(key), ")"));
        entries[*text] = TRY(value_of_node(node.children[i + 1]));
    }
    return bounded(node, map_value(std::move(entries)));
}

Result<Value> Evaluator::sequence(const Node& node) {
    Value last;
    for (const int child : node.children) last = TRY(value_of_node(child));
    return last;
}

Result<Value> Evaluator::let(const Node& node) {
    const bool variable = std::any_of(variables_.begin(), variables_.end(),
                                      [&](const auto& known) { return known.first == node.text; });
    if (variable) return error_at(node.column, concat("cannot redeclare variable ", node.text));
    if (node.text == "result") return error_at(node.column, "cannot redeclare result");
    if (is_builtin(node.text) || takes_predicate(node.text))
        return error_at(node.column, concat("cannot redeclare builtin ", node.text));
    Value value = TRY(value_of_node(node.children[0]));
    variables_.emplace_back(node.text, std::move(value));
    auto body = value_of_node(node.children[1]);
    variables_.pop_back();
    return body;
}

Result<Value> Evaluator::call(const Node& node) {
    const bool without_predicate =
        (node.text == "sum" || node.text == "count") && node.children.size() == 1;
    if (takes_predicate(node.text) && !(without_predicate && node.text == "sum"))
        return predicate_call(node);
    List arguments;
    for (const int child : node.children) {
        arguments.push_back(TRY(value_of_node(child)));
        if (walks_arguments(node.text))
            TRY(spend(static_cast<long>(arguments.back().weight) + text_cost(arguments.back()),
                      node));
    }
    if (arguments.size() > 1) TRY(spend(search_cost(arguments[0], arguments[1]), node));
    Value value = TRY(placed(node, call_builtin(node.text, arguments, environment_)));
    if (const auto* items = value.list()) TRY(spend(static_cast<long>(items->size()), node));
    return bounded(node, std::move(value));
}

}  // namespace sluice::analysis
