// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "analysis/conditions/builtins.hpp"
#include "analysis/conditions/evaluator.hpp"
#include "analysis/conditions/operators.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace builtin_lists {
namespace {

Result<Value> length(const List& args, const Environment&) {
    if (const auto* items = args[0].list()) return Value{static_cast<long>(items->size())};
    if (const auto* entries = args[0].map()) return Value{static_cast<long>(entries->size())};
    if (const auto* text = args[0].as<std::string>())  // in runes, as expr-lang counts
        return Value{static_cast<long>(
            std::count_if(text->begin(), text->end(), [](char c) { return (c & 0xC0) != 0x80; }))};
    return bad_argument("len", args[0]);
}

Result<Value> first(const List& args, const Environment&) {
    const auto* items = TRY(list_argument("first", args[0]));
    return items->empty() ? Value{} : items->front();
}

Result<Value> last(const List& args, const Environment&) {
    const auto* items = TRY(list_argument("last", args[0]));
    return items->empty() ? Value{} : items->back();
}

// Nil where fetch would fail.
Result<Value> get(const List& args, const Environment&) {
    auto found = fetch(args[0], args[1]);
    return found.ok() ? std::move(found) : Result<Value>(Value{});
}

Result<Value> take(const List& args, const Environment&) {
    const auto* items = TRY(list_argument("take", args[0]));
    const auto* count = args[1].as<long>();
    if (!count || *count < 0) return bad_argument("take", args[1]);
    const auto kept = std::min<long>(*count, static_cast<long>(items->size()));
    return list_value(List(items->begin(), items->begin() + kept));
}

Result<Value> reversed(const List& args, const Environment&) {
    const auto* items = TRY(list_argument("reverse", args[0]));
    return list_value(List(items->rbegin(), items->rend()));
}

Result<Value> joined_lists(const List& args, const Environment&) {
    List all;
    for (const auto& arg : args) {
        const auto* items = TRY(list_argument("concat", arg));
        all.insert(all.end(), items->begin(), items->end());
    }
    return list_value(std::move(all));
}

void flatten_into(const List& items, List& all) {
    for (const auto& item : items) {
        if (const auto* inner = item.list())
            flatten_into(*inner, all);
        else
            all.push_back(item);
    }
}

Result<Value> flattened(const List& args, const Environment&) {
    List all;
    flatten_into(*TRY(list_argument("flatten", args[0])), all);
    return list_value(std::move(all));
}

// Each item is compared with all that are kept, as equality has no order; so only that many.
Result<Value> unique(const List& args, const Environment&) {
    constexpr size_t most_compared = 2000;
    const auto* items = TRY(list_argument("uniq", args[0]));
    List kept;
    for (const auto& item : *items) {
        const bool known = std::any_of(kept.begin(), kept.end(),
                                       [&](const Value& other) { return equal(item, other); });
        if (!known) kept.push_back(item);
        if (kept.size() > most_compared) return invalid("memory budget exceeded");
    }
    return list_value(std::move(kept));
}

Result<Value> sorted(const List& args, const Environment&) {
    const auto* items = TRY(list_argument("sort", args[0]));
    bool descending = false;
    if (args.size() > 1) {
        const auto order = TRY(text_argument("sort", args[1]));
        if (order != "asc" && order != "desc")
            return invalid(concat("invalid order ", order, ", expected asc or desc"));
        descending = order == "desc";
    }
    std::vector<std::pair<Value, Value>> by_key;
    for (const auto& item : *items) by_key.emplace_back(item, Value{});
    TRY(sort_values(by_key, descending));
    List in_order;
    for (auto& [key, ignored] : by_key) in_order.push_back(std::move(key));
    return list_value(std::move(in_order));
}

Result<const Map*> map_argument(std::string_view what, const Value& argument) {
    if (const auto* entries = argument.map()) return entries;
    return invalid(concat("cannot ", what, " ", type_name(argument)));
}

Result<Value> keys(const List& args, const Environment&) {
    List all;
    for (const auto& [key, value] : *TRY(map_argument("get keys from", args[0])))
        all.emplace_back(key);
    return list_value(std::move(all));
}

Result<Value> values(const List& args, const Environment&) {
    List all;
    for (const auto& [key, value] : *TRY(map_argument("get values from", args[0])))
        all.push_back(value);
    return list_value(std::move(all));
}

Result<Value> to_pairs(const List& args, const Environment&) {
    List all;
    for (const auto& [key, value] : *TRY(map_argument("transform to pairs", args[0])))
        all.push_back(list_value({Value{key}, value}));
    return list_value(std::move(all));
}

Result<Value> from_pairs(const List& args, const Environment&) {
    Map entries;
    for (const auto& item : *TRY(list_argument("fromPairs", args[0]))) {
        const auto* pair = item.list();
        if (!pair || pair->size() != 2) return invalid(concat("invalid pair ", shown(item)));
        const auto* key = pair->front().as<std::string>();
        if (!key) return bad_argument("fromPairs", pair->front());
        entries[*key] = pair->back();
    }
    return map_value(std::move(entries));
}

// What expr-lang calls a type, not what Go does.
Result<Value> type_of(const List& args, const Environment&) {
    const auto& value = args[0];
    const char* name = "nil";
    if (value.as<bool>()) name = "bool";
    if (value.as<long>()) name = "int";
    if (value.as<double>()) name = "float";
    if (value.as<std::string>()) name = "string";
    if (value.list()) name = "array";
    if (value.map()) name = "map";
    if (value.as<TimePoint>()) name = "time.Time";
    if (value.as<Duration>()) name = "time.Duration";
    return Value{name};
}

constexpr size_t any_number_of_lists = 100;
constexpr std::array<Builtin, 15> lists{{{"len", 1, 1, length, false},
                                         {"first", 1, 1, first, false},
                                         {"last", 1, 1, last, false},
                                         {"get", 2, 2, get, false},
                                         {"take", 2, 2, take},
                                         {"reverse", 1, 1, reversed},
                                         {"concat", 1, any_number_of_lists, joined_lists},
                                         {"flatten", 1, 1, flattened},
                                         {"uniq", 1, 1, unique},
                                         {"sort", 1, 2, sorted},
                                         {"keys", 1, 1, keys},
                                         {"values", 1, 1, values},
                                         {"toPairs", 1, 1, to_pairs},
                                         {"fromPairs", 1, 1, from_pairs},
                                         {"type", 1, 1, type_of, false}}};

}  // namespace
}  // namespace builtin_lists

std::span<const Builtin> list_builtins() {
    return builtin_lists::lists;
}

Result<void> sort_values(std::vector<std::pair<Value, Value>>& by_key, bool descending) {
    // All of one kind that has an order; a NaN has none and would confuse the sorting.
    for (const auto& [key, item] : by_key) {
        const bool orderly = key.as<std::string>() || key.as<TimePoint>() || key.as<Duration>() ||
                             (key.is_number() && key.number() == key.number());
        const bool alike = (key.is_number() && by_key.front().first.is_number()) ||
                           key.data.index() == by_key.front().first.data.index();
        if (!orderly || !alike)
            return invalid(concat("cannot sort by ", shown(key), " (type ", type_name(key), ")"));
    }
    std::stable_sort(by_key.begin(), by_key.end(), [&](const auto& a, const auto& b) {
        const auto& low = descending ? b.first : a.first;
        const auto& high = descending ? a.first : b.first;
        return less_than(low, high);
    });
    return {};
}

}  // namespace sluice::analysis
