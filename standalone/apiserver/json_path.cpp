// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/json_path.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

// The name at the front of a path, up to the next . or [; \. stands for a dot.
std::string take_name(std::string_view& path) {
    std::string name;
    while (!path.empty() && path.front() != '.' && path.front() != '[') {
        if (path.front() == '\\' && path.size() > 1) path.remove_prefix(1);
        name += path.front();
        path.remove_prefix(1);
    }
    return name;
}

std::string_view unquoted(std::string_view text) {
    const bool quoted = text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
                        text.back() == text.front();
    return quoted ? text.substr(1, text.size() - 2) : text;
}

const Json* walk(const Json& at, std::string_view path);

const Json* walk_items(const Json& list, std::string_view rest) {
    if (!list.is_array()) return nullptr;
    for (const auto& item : list)
        if (const Json* found = walk(item, rest)) return found;
    return nullptr;
}

// "@.type=="Ready"" as path and value.
const Json* walk_filtered(const Json& list, std::string_view condition, std::string_view rest) {
    const auto equals = condition.find("==");
    if (!list.is_array() || !condition.starts_with('@') || equals == std::string_view::npos)
        return nullptr;
    const std::string_view left = trim(condition.substr(1, equals - 1));
    const std::string_view wanted = unquoted(trim(condition.substr(equals + 2)));
    for (const auto& item : list) {
        const Json* value = walk(item, left);
        if (!value) continue;
        const std::string text = value->is_string() ? value->get<std::string>() : to_text(*value);
        if (text != wanted) continue;
        if (const Json* found = walk(item, rest)) return found;
    }
    return nullptr;
}

const Json* walk_bracket(const Json& at, std::string_view inside, std::string_view rest) {
    if (inside == "*") return walk_items(at, rest);
    if (inside.starts_with("?(") && inside.ends_with(')'))
        return walk_filtered(at, inside.substr(2, inside.size() - 3), rest);
    if (const auto index = parse_integer(inside); index && at.is_array()) {
        const long size = static_cast<long>(at.size());
        const long place = *index < 0 ? size + *index : *index;
        return place >= 0 && place < size ? walk(at[static_cast<size_t>(place)], rest) : nullptr;
    }
    const auto found = at.is_object() ? at.find(std::string(unquoted(inside))) : at.end();
    return found == at.end() ? nullptr : walk(*found, rest);
}

const Json* walk(const Json& at, std::string_view path) {
    if (path.empty()) return at.is_null() ? nullptr : &at;
    if (path.front() == '[') {
        const auto close = path.starts_with("[?(") ? path.find(")]") : path.find(']');
        if (close == std::string_view::npos) return nullptr;
        const size_t end = path[close] == ')' ? close + 1 : close;
        return walk_bracket(at, path.substr(1, end - 1), path.substr(end + 1));
    }
    if (path.front() == '.') path.remove_prefix(1);
    if (path.empty() || path.front() == '[') return walk(at, path);
    const std::string name = take_name(path);
    const auto found = at.is_object() ? at.find(name) : at.end();
    return found == at.end() ? nullptr : walk(*found, path);
}

}  // namespace

const Json* first_at(const Json& object, std::string_view path) {
    if (path.starts_with('{') && path.ends_with('}')) path = path.substr(1, path.size() - 2);
    if (path.starts_with('$')) path.remove_prefix(1);
    return walk(object, path);
}

}  // namespace sluice::standalone::apiserver
