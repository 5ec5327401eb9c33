// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice {
namespace {

constexpr int max_depth = 512;

// nlohmann's parser recurses in the destructor and in dump: refuse what would exhaust the stack.
bool too_deep(std::string_view text) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') {
            if (++depth > max_depth) return true;
        }
        if (c == '}' || c == ']') --depth;
    }
    return false;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
    if (too_deep(text)) return invalid(concat("JSON nested deeper than ", max_depth));
    try {
        return Json::parse(text);
    } catch (const Json::parse_error& problem) {
        return invalid(concat("not JSON at byte ", problem.byte));
    } catch (const Json::exception& problem) {
        return invalid(concat("not JSON: ", problem.what()));
    }
}

Result<Json> parse_json_items(std::string_view text, std::string_view list,
                              const std::function<void(Json&&)>& take) {
    if (too_deep(text)) return invalid(concat("JSON nested deeper than ", max_depth));
    bool in_list = false;
    // Depths: the object at the top 0, its keys and values 1, what is in its lists 2.
    const auto filter = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (event == Json::parse_event_t::key && depth == 1) in_list = parsed == list;
        if (event != Json::parse_event_t::object_end || depth != 2 || !in_list) return true;
        take(std::move(parsed));
        return false;
    };
    try {
        return Json::parse(text, filter);
    } catch (const Json::parse_error& problem) {
        return invalid(concat("not JSON at byte ", problem.byte));
    } catch (const Json::exception& problem) {
        return invalid(concat("not JSON: ", problem.what()));
    }
}

std::string to_text(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string to_pretty_text(const Json& value) {
    return value.dump(2, ' ', false, Json::error_handler_t::replace);
}

const Json* find(const Json& object, std::initializer_list<std::string_view> path) {
    const Json* at = &object;
    for (const auto key : path) {
        if (!at->is_object()) return nullptr;
        const auto found = at->find(key);
        if (found == at->end()) return nullptr;
        at = &*found;
    }
    return at->is_null() ? nullptr : at;
}

std::string text_at(const Json& object, std::initializer_list<std::string_view> path,
                    std::string_view otherwise) {
    const Json* value = find(object, path);
    return value && value->is_string() ? value->get<std::string>() : std::string(otherwise);
}

long integer_at(const Json& object, std::initializer_list<std::string_view> path, long otherwise) {
    const Json* value = find(object, path);
    return value && value->is_number_integer() ? value->get<long>() : otherwise;
}

bool bool_at(const Json& object, std::initializer_list<std::string_view> path, bool otherwise) {
    const Json* value = find(object, path);
    return value && value->is_boolean() ? value->get<bool>() : otherwise;
}

void apply_merge_patch(Json& target, const Json& patch) {
    target.merge_patch(patch);
}

Json diff_merge_patch(const Json& from, const Json& to) {
    Json patch = Json::object();
    if (!from.is_object() || !to.is_object()) return to;
    for (const auto& [key, old] : from.items())
        if (!to.contains(key)) patch[key] = nullptr;
    for (const auto& [key, wanted] : to.items()) {
        const auto old = from.find(key);
        if (old == from.end()) {
            patch[key] = wanted;
        } else if (old->is_object() && wanted.is_object()) {
            Json inner = diff_merge_patch(*old, wanted);
            if (!inner.empty()) patch[key] = std::move(inner);
        } else if (*old != wanted) {
            patch[key] = wanted;
        }
    }
    return patch;
}

Result<Json> apply_json_patch(const Json& target, const Json& patch) {
    try {
        return target.patch(patch);
    } catch (const Json::exception& problem) {
        return invalid(problem.what());
    }
}

}  // namespace sluice
