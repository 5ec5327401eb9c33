// SPDX-License-Identifier: Apache-2.0
// The functions that ask a predicate about each item of a list.
#include <algorithm>

#include "analysis/conditions/evaluator.hpp"
#include "analysis/conditions/lexer.hpp"
#include "analysis/conditions/operators.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace {

bool searches(std::string_view function) {
    return function == "find" || function == "findIndex" || function == "findLast" ||
           function == "findLastIndex";
}

bool chooses(std::string_view function) {
    return function == "all" || function == "any" || function == "none" || function == "one" ||
           function == "filter" || function == "count";
}

size_t most_arguments(std::string_view function) {
    return function == "reduce" || function == "sortBy" ? 3 : 2;
}

}  // namespace

Result<Value> Evaluator::predicate_call(const Node& node) {
    const size_t given = node.children.size();
    if (given < 2 && !(node.text == "count" && given == 1))
        return error_at(node.column, concat("not enough arguments to call ", node.text));
    if (given > most_arguments(node.text))
        return error_at(node.column, concat("too many arguments to call ", node.text));
    const Value over = TRY(value_of_node(node.children[0]));
    const auto* items = over.list();
    if (!items)
        return error_at(node.column, concat("builtin ", node.text, " takes only array (got ",
                                            type_name(over), ")"));
    if (node.text == "reduce") return reduce(node, *items);
    if (searches(node.text)) return search(node, *items);
    if (chooses(node.text)) return choose(node, *items);
    return transform(node, *items);
}

Result<Value> Evaluator::ask(const Node& node, const Value& item, long index,
                             const Value* accumulated) {
    if (node.children.size() == 1) return item;  // count of truths
    const auto* text = item.as<std::string>();
    TRY(spend(1 + (text ? static_cast<long>(text->size() / 32) : 0), node));
    frames_.push_back({item, index, accumulated});
    auto said = value_of_node(node.children[1]);
    frames_.pop_back();
    return said;
}

Result<bool> Evaluator::ask_truth(const Node& node, const Value& item, long index) {
    const Value said = TRY(ask(node, item, index, nullptr));
    if (const auto* truth = said.as<bool>()) return *truth;
    return error_at(node.column,
                    concat("predicate should return boolean (got ", type_name(said), ")"));
}

// The first or last item for which it holds, or where that stands; nil where there is none.
Result<Value> Evaluator::search(const Node& node, const List& items) {
    const bool backwards = node.text == "findLast" || node.text == "findLastIndex";
    const bool place = node.text == "findIndex" || node.text == "findLastIndex";
    const long size = static_cast<long>(items.size());
    for (long step = 0; step < size; ++step) {
        const long at = backwards ? size - 1 - step : step;
        const Value& item = items[static_cast<size_t>(at)];
        if (TRY(ask_truth(node, item, at))) return place ? Value{at} : item;
    }
    return Value{};
}

Result<Value> Evaluator::choose(const Node& node, const List& items) {
    List kept;
    long matches = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        const bool holds = TRY(ask_truth(node, items[i], static_cast<long>(i)));
        if (!holds && node.text == "all") return Value{false};
        if (holds && node.text == "any") return Value{true};
        if (holds && node.text == "none") return Value{false};
        if (!holds) continue;
        ++matches;
        if (node.text == "filter") kept.push_back(items[i]);
    }
    if (node.text == "filter") return bounded(node, list_value(std::move(kept)));
    if (node.text == "count") return Value{matches};
    if (node.text == "one") return Value{matches == 1};
    return Value{node.text != "any"};
}

Result<Value> Evaluator::transform(const Node& node, const List& items) {
    Said said;
    for (size_t i = 0; i < items.size(); ++i)
        said.push_back(TRY(ask(node, items[i], static_cast<long>(i), nullptr)));
    if (node.text == "map") return bounded(node, list_value(std::move(said)));
    if (node.text == "groupBy") return group(node, items, said);
    if (node.text == "sortBy") return sort_by(node, items, said);
    Value sum{0L};
    for (const auto& number : said) sum = TRY(placed(node, apply_binary("+", sum, number)));
    return sum;
}

Result<Value> Evaluator::group(const Node& node, const List& items, const Said& said) {
    std::map<std::string, List, std::less<>> groups;
    for (size_t i = 0; i < items.size(); ++i) {
        const auto* key = said[i].as<std::string>();
        if (!key)
            return error_at(node.column, concat("groupBy by other keys than strings is not served "
                                                "(got ",
                                                type_name(said[i]), ")"));
        groups[*key].push_back(items[i]);
    }
    Map entries;
    for (auto& [key, group] : groups) entries.emplace(key, list_value(std::move(group)));
    return bounded(node, map_value(std::move(entries)));
}

Result<Value> Evaluator::sort_by(const Node& node, const List& items, const Said& said) {
    bool descending = false;
    if (node.children.size() == 3) {
        const Value order = TRY(value_of_node(node.children[2]));
        if (!equal(order, "asc") && !equal(order, "desc"))
            return error_at(node.column,
                            concat("invalid order ", shown(order), ", expected asc or desc"));
        descending = equal(order, "desc");
    }
    std::vector<std::pair<Value, Value>> by_key;
    for (size_t i = 0; i < items.size(); ++i) by_key.emplace_back(said[i], items[i]);
    TRY(spend(static_cast<long>(items.size()) * 8, node));
    if (const auto sorted = sort_values(by_key, descending); !sorted.ok())
        return error_at(node.column, sorted.error().message);
    List in_order;
    for (auto& [key, item] : by_key) in_order.push_back(std::move(item));
    return bounded(node, list_value(std::move(in_order)));
}

Result<Value> Evaluator::reduce(const Node& node, const List& items) {
    size_t from = 0;
    Value so_far;
    if (node.children.size() == 3) {
        so_far = TRY(value_of_node(node.children[2]));
    } else {
        if (items.empty())
            return error_at(node.column, "reduce of empty array with no initial value");
        so_far = items[0];
        from = 1;
    }
    for (size_t i = from; i < items.size(); ++i) {
        const Value before = std::move(so_far);
        so_far = TRY(ask(node, items[i], static_cast<long>(i), &before));
    }
    return so_far;
}

}  // namespace sluice::analysis
