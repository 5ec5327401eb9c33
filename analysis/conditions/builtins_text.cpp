// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "analysis/conditions/builtins.hpp"
#include "analysis/conditions/operators.hpp"
#include "base/text.hpp"

namespace sluice::analysis {
namespace builtin_texts {
namespace {

Value text_value(std::string_view text) {
    return Value{std::string(text)};
}

Result<Value> text_of(const List& args, const Environment&) {
    return Value{to_text(args[0])};
}

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

Result<Value> trimmed(const List& args, const Environment&) {
    auto text = TRY(text_argument("trim", args[0]));
    const auto chars = args.size() > 1 ? TRY(text_argument("trim", args[1])) : std::string_view();
    const auto goes = [&](char c) {
        return args.size() > 1 ? chars.find(c) != std::string_view::npos : is_blank(c);
    };
    while (!text.empty() && goes(text.front())) text.remove_prefix(1);
    while (!text.empty() && goes(text.back())) text.remove_suffix(1);
    return text_value(text);
}

// Without a second argument it is a blank.
Result<std::string_view> affix(std::string_view function, const List& args) {
    if (args.size() < 2) return std::string_view(" ");
    return text_argument(function, args[1]);
}

Result<Value> without_prefix(const List& args, const Environment&) {
    auto text = TRY(text_argument("trimPrefix", args[0]));
    const auto prefix = TRY(affix("trimPrefix", args));
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    return text_value(text);
}

Result<Value> without_suffix(const List& args, const Environment&) {
    auto text = TRY(text_argument("trimSuffix", args[0]));
    const auto suffix = TRY(affix("trimSuffix", args));
    if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
    return text_value(text);
}

Result<Value> lowered(const List& args, const Environment&) {
    return Value{to_lower(TRY(text_argument("lower", args[0])))};
}

Result<Value> raised(const List& args, const Environment&) {
    std::string text(TRY(text_argument("upper", args[0])));
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return Value{std::move(text)};
}

// At most `limit` parts; below 0 all. An empty separator parts every character.
Result<Value> split_at(std::string_view function, const List& args, bool keep_separator) {
    auto text = TRY(text_argument(function, args[0]));
    const auto separator = TRY(text_argument(function, args[1]));
    long limit = -1;
    if (args.size() > 2) {
        const auto* wanted = args[2].as<long>();
        if (!wanted) return bad_argument(function, args[2]);
        limit = *wanted;
    }
    List parts;
    if (limit == 0) return list_value({});
    while (!text.empty() || !separator.empty()) {
        if (parts.size() > size_t(longest_range)) return invalid("memory budget exceeded");
        if (limit > 0 && static_cast<long>(parts.size()) + 1 == limit) break;
        size_t end = text.find(separator);
        if (separator.empty()) {
            for (end = 1; end < text.size() && (text[end] & 0xC0) == 0x80;) ++end;
            if (end >= text.size()) break;
        }
        if (end == std::string_view::npos) break;
        parts.push_back(text_value(text.substr(0, end + (keep_separator ? separator.size() : 0))));
        text.remove_prefix(end + separator.size());
    }
    if (!text.empty() || !separator.empty()) parts.push_back(text_value(text));
    return list_value(std::move(parts));
}

Result<Value> split_text(const List& args, const Environment&) {
    return split_at("split", args, false);
}
Result<Value> split_after(const List& args, const Environment&) {
    return split_at("splitAfter", args, true);
}

Result<Value> replaced(const List& args, const Environment&) {
    auto text = TRY(text_argument("replace", args[0]));
    const auto old = TRY(text_argument("replace", args[1]));
    const auto fresh = TRY(text_argument("replace", args[2]));
    long left = -1;
    if (args.size() > 3) {
        const auto* wanted = args[3].as<long>();
        if (!wanted) return bad_argument("replace", args[3]);
        left = *wanted;
    }
    if (old.empty()) return invalid("replace of an empty text is not served");
    std::string outcome;
    for (; left != 0; --left) {
        const auto at = text.find(old);
        if (at == std::string_view::npos) break;
        outcome += concat(text.substr(0, at), fresh);
        text.remove_prefix(at + old.size());
        if (outcome.size() > size_t(longest_text)) return invalid("memory budget exceeded");
    }
    return Value{outcome + std::string(text)};
}

Result<Value> repeated(const List& args, const Environment&) {
    const auto text = TRY(text_argument("repeat", args[0]));
    const auto* count = args[1].as<long>();
    if (!count) return bad_argument("repeat", args[1]);
    if (*count < 0)
        return invalid(
            concat("invalid argument for repeat (expected positive integer, got ", *count, ")"));
    if (*count > longest_text || text.size() * size_t(*count) > size_t(longest_text))
        return invalid("memory budget exceeded");
    std::string outcome;
    for (long i = 0; i < *count; ++i) outcome += text;
    return Value{std::move(outcome)};
}

Result<Value> joined(const List& args, const Environment&) {
    const auto* items = TRY(list_argument("join", args[0]));
    const auto glue = args.size() > 1 ? TRY(text_argument("join", args[1])) : std::string_view();
    std::string outcome;
    for (size_t i = 0; i < items->size(); ++i) {
        if (i > 0) outcome += glue;
        outcome += TRY(text_argument("join", (*items)[i]));
        if (outcome.size() > size_t(longest_text)) return invalid("memory budget exceeded");
    }
    return Value{std::move(outcome)};
}

Value place(size_t at) {
    return Value{at == std::string_view::npos ? -1L : static_cast<long>(at)};
}

Result<Value> first_place(const List& args, const Environment&) {
    return place(
        TRY(text_argument("indexOf", args[0])).find(TRY(text_argument("indexOf", args[1]))));
}

Result<Value> last_place(const List& args, const Environment&) {
    return place(TRY(text_argument("lastIndexOf", args[0]))
                     .rfind(TRY(text_argument("lastIndexOf", args[1]))));
}

Result<Value> has_prefix(const List& args, const Environment&) {
    return Value{TRY(text_argument("hasPrefix", args[0]))
                     .starts_with(TRY(text_argument("hasPrefix", args[1])))};
}

Result<Value> has_suffix(const List& args, const Environment&) {
    return Value{TRY(text_argument("hasSuffix", args[0]))
                     .ends_with(TRY(text_argument("hasSuffix", args[1])))};
}

Json json_of(const Value& value) {
    if (const auto* truth = value.as<bool>()) return *truth;
    if (const auto* whole = value.as<long>()) return *whole;
    if (const auto* real = value.as<double>()) return *real;
    if (const auto* text = value.as<std::string>()) return *text;
    Json json;
    if (const auto* items = value.list()) {
        json = Json::array();
        for (const auto& item : *items) json.push_back(json_of(item));
    } else if (const auto* entries = value.map()) {
        json = Json::object();
        for (const auto& [key, entry] : *entries) json[key] = json_of(entry);
    } else if (!value.is_nil()) {
        json = to_text(value);
    }
    return json;
}

Result<Value> to_json(const List& args, const Environment&) {
    return Value{to_pretty_text(json_of(args[0]))};
}

Result<Value> from_json(const List& args, const Environment&) {
    Value value = value_of(TRY(parse_json(TRY(text_argument("fromJSON", args[0])))));
    value.type_known = false;
    return value;
}

Result<Value> to_base64(const List& args, const Environment&) {
    return Value{base64_encode(TRY(text_argument("toBase64", args[0])))};
}

Result<Value> from_base64(const List& args, const Environment&) {
    const auto text = base64_decode(TRY(text_argument("fromBase64", args[0])));
    if (!text) return invalid("illegal base64 data");
    return Value{*text};
}

constexpr std::array<Builtin, 19> texts{{{"string", 1, 1, text_of},
                                         {"trim", 1, 2, trimmed},
                                         {"trimPrefix", 1, 2, without_prefix},
                                         {"trimSuffix", 1, 2, without_suffix},
                                         {"upper", 1, 1, raised},
                                         {"lower", 1, 1, lowered},
                                         {"split", 2, 3, split_text},
                                         {"splitAfter", 2, 3, split_after},
                                         {"replace", 3, 4, replaced},
                                         {"repeat", 2, 2, repeated},
                                         {"join", 1, 2, joined},
                                         {"indexOf", 2, 2, first_place},
                                         {"lastIndexOf", 2, 2, last_place},
                                         {"hasPrefix", 2, 2, has_prefix},
                                         {"hasSuffix", 2, 2, has_suffix},
                                         {"toJSON", 1, 1, to_json},
                                         {"fromJSON", 1, 1, from_json},
                                         {"toBase64", 1, 1, to_base64},
                                         {"fromBase64", 1, 1, from_base64}}};

}  // namespace
}  // namespace builtin_texts

std::span<const Builtin> text_builtins() {
    return builtin_texts::texts;
}

}  // namespace sluice::analysis
