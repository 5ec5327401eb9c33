// SPDX-License-Identifier: Apache-2.0
#include "analysis/conditions/builtins.hpp"

#include "base/text.hpp"

namespace sluice::analysis {
namespace {

const Builtin* find_builtin(std::string_view function) {
    for (const auto table : {number_builtins(), text_builtins(), list_builtins()})
        for (const auto& builtin : table)
            if (builtin.name == function) return &builtin;
    return nullptr;
}

}  // namespace

bool is_builtin(std::string_view function) {
    return find_builtin(function) != nullptr;
}

bool walks_arguments(std::string_view function) {
    const auto* builtin = find_builtin(function);
    return builtin && builtin->walks;
}

Result<Value> call_builtin(std::string_view function, const List& arguments,
                           const Environment& environment) {
    const auto* builtin = find_builtin(function);
    if (!builtin) return invalid(concat("unknown name ", function));
    if (arguments.size() < builtin->fewest)
        return invalid(concat("not enough arguments to call ", function));
    if (arguments.size() > builtin->most)
        return invalid(concat("too many arguments to call ", function));
    return builtin->call(arguments, environment);
}

Error bad_argument(std::string_view function, const Value& argument) {
    return invalid(concat("invalid argument for ", function, " (type ", type_name(argument), ")"));
}

Result<std::string_view> text_argument(std::string_view function, const Value& argument) {
    if (const auto* text = argument.as<std::string>()) return std::string_view(*text);
    return bad_argument(function, argument);
}

Result<const List*> list_argument(std::string_view function, const Value& argument) {
    if (const auto* items = argument.list()) return items;
    return bad_argument(function, argument);
}

}  // namespace sluice::analysis
