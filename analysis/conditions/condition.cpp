// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/condition.hpp"

#include "analysis/conditions/builtins.hpp"
#include "analysis/conditions/lexer.hpp"
#include "analysis/conditions/operators.hpp"
#include "analysis/conditions/parser.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

// Nodes evaluated plus items produced. The dearest condition that people write needs thousands.
constexpr long most_steps = 500'000;

class Evaluator {
public:
    Evaluator(const Tree& tree, const Environment& environment)
        : tree_(tree), environment_(environment) {}

    Result<Value> run() { return value_of_node(tree_.root); }

private:
    Result<Value> value_of_node(int index) {
        if (index < 0) return Value{};
        const Node& node = tree_.nodes[static_cast<size_t>(index)];
        TRY(spend(1, node));
        switch (node.kind) {
            case NodeKind::Literal: return node.literal;
            case NodeKind::Name: return name(node);
            case NodeKind::Current:
                if (items_.empty()) return error_at(node.column, "# outside of a predicate");
                return items_.back();
            case NodeKind::Unary:
                return placed(node, apply_unary(node.text, TRY(value_of_node(node.children[0]))));
            case NodeKind::Binary: return binary(node);
            case NodeKind::Ternary: return ternary(node);
            case NodeKind::Member: return member(node);
            case NodeKind::Slice: return sliced(node);
            case NodeKind::Call: return call(node);
            case NodeKind::ListOf: return list(node);
            case NodeKind::MapOf: return map(node);
        }
        unreachable();
    }

    Result<void> spend(long steps, const Node& node) {
        steps_ += steps;
        if (steps_ > most_steps) return error_at(node.column, "the condition takes too many steps");
        return {};
    }

    static Result<Value> placed(const Node& node, Result<Value> result) {
        if (result.ok()) return result;
        return error_at(node.column, result.error().message);
    }

    Result<Value> name(const Node& node) const {
        if (node.text == "result") return environment_.result;
        return error_at(node.column, concat("unknown name ", node.text));
    }

    Result<bool> truth(const Node& node, int child) {
        const Value value = TRY(value_of_node(child));
        if (const auto* truth = value.as<bool>()) return *truth;
        return error_at(node.column, concat("invalid operation: ", node.text, " (mismatched type ",
                                            type_name(value), ", expected bool)"));
    }

    Result<Value> binary(const Node& node) {
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
        Value value = TRY(placed(node, apply_binary(node.text, left, right)));
        if (const auto* items = value.list()) TRY(spend(static_cast<long>(items->size()), node));
        if (const auto* text = value.as<std::string>())
            TRY(spend(static_cast<long>(text->size() / 16), node));
        return value;
    }

    Result<Value> ternary(const Node& node) {
        const bool condition = TRY(truth(node, node.children[0]));
        return value_of_node(node.children[condition ? 1 : 2]);
    }

    Result<Value> member(const Node& node) {
        const Value from = TRY(value_of_node(node.children[0]));
        if (from.is_nil() && node.nil_safe) return Value{};
        const Value index = TRY(value_of_node(node.children[1]));
        return placed(node, fetch(from, index));
    }

    Result<Value> sliced(const Node& node) {
        const Value from = TRY(value_of_node(node.children[0]));
        if (from.is_nil() && node.nil_safe) return Value{};
        const Value low = TRY(value_of_node(node.children[1]));
        const Value high = TRY(value_of_node(node.children[2]));
        if (const auto* items = from.list()) TRY(spend(static_cast<long>(items->size()), node));
        return placed(node, slice(from, low, high));
    }

    Result<Value> list(const Node& node) {
        List items;
        for (const int child : node.children) items.push_back(TRY(value_of_node(child)));
        return list_value(std::move(items));
    }

    Result<Value> map(const Node& node) {
        Map entries;
        for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
            const Value key = TRY(value_of_node(node.children[i]));
            entries[*key.as<std::string>()] = TRY(value_of_node(node.children[i + 1]));
        }
        return map_value(std::move(entries));
    }

    Result<Value> call(const Node& node) {
        if (takes_predicate(node.text)) return predicate_call(node);
        List arguments;
        for (const int child : node.children) {
            arguments.push_back(TRY(value_of_node(child)));
            if (const auto* items = arguments.back().list())
                TRY(spend(static_cast<long>(items->size()), node));
        }
        return placed(node, call_builtin(node.text, arguments, environment_));
    }

    // What a predicate says of each item; `map` keeps the values themselves.
    Result<Value> predicate_call(const Node& node) {
        if (node.children.size() != 2 && !(node.text == "count" && node.children.size() == 1))
            return error_at(node.column, concat("not enough arguments to call ", node.text));
        const Value over = TRY(value_of_node(node.children[0]));
        const auto* items = over.list();
        if (!items)
            return error_at(node.column, concat("builtin ", node.text, " takes only array (got ",
                                                type_name(over), ")"));
        List kept;
        long matches = 0;
        for (const auto& item : *items) {
            TRY(spend(1, node));
            items_.push_back(item);
            Value said = node.children.size() == 1 ? item : TRY(value_of_node(node.children[1]));
            items_.pop_back();
            if (node.text == "map") {
                kept.push_back(std::move(said));
                continue;
            }
            const auto* truth = said.as<bool>();
            if (!truth)
                return error_at(node.column, concat("predicate should return boolean (got ",
                                                    type_name(said), ")"));
            if (*truth) ++matches;
            if (*truth) kept.push_back(item);
            if (!*truth && node.text == "all") return Value{false};
            if (*truth && node.text == "any") return Value{true};
            if (*truth && node.text == "none") return Value{false};
            if (*truth && node.text == "find") return item;
        }
        if (node.text == "filter" || node.text == "map") return list_value(std::move(kept));
        if (node.text == "count") return Value{matches};
        if (node.text == "one") return Value{matches == 1};
        if (node.text == "find") return Value{};
        return Value{node.text != "any"};
    }

    const Tree& tree_;
    const Environment& environment_;
    List items_;  // of the predicates around the current node, innermost last
    long steps_ = 0;
};

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
