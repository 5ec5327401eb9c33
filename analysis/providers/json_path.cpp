// SPDX-License-Identifier: Apache-2.0
#include "analysis/providers/json_path.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/text.hpp"

namespace sluice::analysis {
namespace json_path {
namespace {

constexpr size_t longest_path = 4096;
constexpr size_t most_results = 1'000'000;
constexpr size_t most_steps = 5'000'000;  // values looked at; filters look at many again
constexpr int deepest_filter = 8;

using Results = std::vector<const Json*>;

bool ends_name(char c) {
    return std::string_view(".[]{}()=!<>@?,: '\"\t\n").find(c) != std::string_view::npos;
}

// Reads and applies in one go: each part of the path turns what is selected into what it selects.
class Reader {
public:
    Reader(std::string_view path, const Json& root) : path_(path), root_(&root) {}

    Result<Results> run() {
        if (path_.size() > longest_path)
            return invalid(concat("jsonPath is longer than ", longest_path, " bytes"));
        skip_blanks();
        if (!eat('{')) return problem("it must stand in braces, as {$.data},");
        auto results = TRY(selection({root_}, {root_}));
        skip_blanks();
        if (!eat('}')) return problem("unexpected text");
        skip_blanks();
        if (at_ < path_.size()) return problem("text behind the braces is not served");
        return results;
    }

private:
    [[nodiscard]] char peek(size_t ahead = 0) const {
        return at_ + ahead < path_.size() ? path_[at_ + ahead] : '\0';
    }
    bool eat(char c) {
        if (peek() != c || at_ >= path_.size()) return false;
        ++at_;
        return true;
    }
    void skip_blanks() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
    }
    [[nodiscard]] Error problem(std::string_view what) const {
        return invalid(concat("jsonPath ", path_, ": ", what, " at ", at_ + 1));
    }

    // $…, @… or .…: `current` is what @ stands for.
    Result<Results> selection(Results from, const Results& current) {
        skip_blanks();
        if (eat('$'))
            from = {root_};
        else if (eat('@'))
            from = current;
        while (true) {
            steps_ += from.size() + 1;
            if (from.size() > most_results || steps_ > json_path::most_steps)
                return problem("too much is selected");
            if (peek() == '.' && peek(1) == '.') {
                at_ += 2;
                from = TRY(descend(from));
            } else if (peek() == '.') {
                ++at_;
                if (peek() == '[' || peek() == '}' || peek() == '\0') continue;
                from = TRY(named(from, name()));
            } else if (peek() == '[') {
                from = TRY(bracket(from));
            } else if (first_ && peek() != '}' && peek() != '\0' && !ends_name(peek())) {
                from = TRY(named(from, name()));  // {kind} is {.kind}
            } else {
                break;
            }
            first_ = false;
        }
        first_ = false;
        return from;
    }

    // A backslash keeps the next character from ending the name.
    std::string name() {
        std::string text;
        while (at_ < path_.size() && (peek() == '\\' || !ends_name(peek()))) {
            if (peek() == '\\' && at_ + 1 < path_.size()) ++at_;
            text += path_[at_++];
        }
        return text;
    }

    Result<Results> named(const Results& from, const std::string& key) const {
        if (key.empty()) return problem("a name is missing");
        Results results;
        for (const Json* value : from) {
            if (key == "*") {
                add_children(*value, results);
            } else if (value->is_object() && value->contains(key)) {
                results.push_back(&value->at(key));
            }
        }
        if (results.empty() && key != "*") return invalid(concat(key, " is not found"));
        return results;
    }

    static void add_children(const Json& value, Results& results) {
        if (!value.is_structured()) return;
        for (const auto& child : value) results.push_back(&child);
    }

    // ..name: everywhere below; .. alone: everything.
    Result<Results> descend(const Results& from) {
        Results all = from;
        for (size_t i = 0; i < all.size(); ++i) {
            if (all.size() > most_results) return problem("too much is selected");
            add_children(*all[i], all);
        }
        if (peek() == '[') return bracket(all, true);
        const std::string key = name();
        if (key.empty()) return all;
        Results results;
        for (const Json* value : all) {
            if (key == "*")
                add_children(*value, results);
            else if (value->is_object() && value->contains(key))
                results.push_back(&value->at(key));
        }
        return results;
    }

    // [0], [-1], [1:3], [*], ['a','b'], [?(…)]
    Result<Results> bracket(const Results& from, bool lenient = false) {
        ++at_;
        skip_blanks();
        if (peek() == '?') return filter(from);
        Results results;
        while (true) {
            skip_blanks();
            if (peek() == '\'' || peek() == '"') {
                const std::string key = TRY(quoted());
                for (const Json* value : from)
                    if (value->is_object() && value->contains(key))
                        results.push_back(&value->at(key));
                if (results.empty() && !lenient) return invalid(concat(key, " is not found"));
            } else if (eat('*')) {
                for (const Json* value : from) add_children(*value, results);
            } else {
                TRY(indices(from, results, lenient));
            }
            skip_blanks();
            if (eat(']')) return results;
            if (!eat(',')) return problem("expected ] or ,");
        }
    }

    Result<std::string> quoted() {
        const char quote = path_[at_++];
        std::string text;
        while (at_ < path_.size() && peek() != quote) {
            if (peek() == '\\' && at_ + 1 < path_.size()) ++at_;
            text += path_[at_++];
        }
        if (!eat(quote)) return problem("a quote is not closed");
        return text;
    }

    Result<std::optional<long>> number() {
        const size_t from = at_;
        if (peek() == '-') ++at_;
        while (peek() >= '0' && peek() <= '9') ++at_;
        if (at_ == from) return std::optional<long>{};
        const auto value = parse_integer(path_.substr(from, at_ - from));
        if (!value) return problem("expected a number");
        return std::optional(*value);
    }

    // n, or low:high:step, of each list.
    Result<void> indices(const Results& from, Results& results, bool lenient) {
        const auto low = TRY(number());
        if (peek() != ':') {
            if (!low) return problem("expected an index");
            for (const Json* value : from) {
                if (!value->is_array()) continue;
                const long size = static_cast<long>(value->size());
                const long at = *low < 0 ? size + *low : *low;
                if (at >= 0 && at < size)
                    results.push_back(&value->at(static_cast<size_t>(at)));
                else if (!lenient)
                    return invalid(
                        concat("array index out of bounds: index ", *low, ", length ", size));
            }
            return {};
        }
        ++at_;
        const auto high = TRY(number());
        std::optional<long> step;
        if (eat(':')) step = TRY(number());
        if (step && *step <= 0) return problem("step must be > 0");
        for (const Json* value : from) {
            if (!value->is_array()) continue;
            const long size = static_cast<long>(value->size());
            const auto bound = [&](std::optional<long> given, long otherwise) {
                if (!given) return otherwise;
                return std::clamp(*given < 0 ? size + *given : *given, 0L, size);
            };
            const long end = bound(high, size);
            for (long i = bound(low, 0); i < end; i += step.value_or(1))
                results.push_back(&value->at(static_cast<size_t>(i)));
        }
        return {};
    }

    // [?(@.price < 10)] and [?(@.isbn)]: the items of lists for which it holds.
    Result<Results> filter(const Results& from) {
        ++at_;
        if (!eat('(')) return problem("expected (");
        if (++filters_ > deepest_filter) return problem("filters are nested too deep");
        const size_t start = at_;
        size_t end = start;
        Results results;
        bool any = false;
        for (const Json* list : from) {
            if (!list->is_array()) continue;
            for (const auto& item : *list) {
                at_ = start;
                if (TRY(holds(item))) results.push_back(&item);
                end = at_;
                any = true;
            }
        }
        if (!any) {  // read over it all the same
            at_ = start;
            TRY(holds(Json()));
            end = at_;
        }
        at_ = end;
        --filters_;
        if (!eat(']')) return problem("expected ]");
        return results;
    }

    // What stands on one side of a comparison. Null where a path leads nowhere.
    struct Operand {
        const Json* found = nullptr;
        std::optional<Json> literal;
        [[nodiscard]] const Json* value() const { return literal ? &*literal : found; }
    };

    Result<bool> holds(const Json& item) {
        const auto left = TRY(operand(item));
        skip_blanks();
        const size_t from = at_;
        while (peek() == '=' || peek() == '!' || peek() == '<' || peek() == '>') ++at_;
        const auto sign = path_.substr(from, at_ - from);
        if (sign.empty()) {
            if (!eat(')')) return problem("expected )");
            return left.value() != nullptr;
        }
        const auto right = TRY(operand(item));
        skip_blanks();
        if (!eat(')')) return problem("expected )");
        return compare(sign, left.value(), right.value());
    }

    // Only scalars compare.
    Result<bool> compare(std::string_view sign, const Json* left, const Json* right) const {
        const bool known = sign == "==" || sign == "!=" || sign == "<" || sign == "<=" ||
                           sign == ">" || sign == ">=";
        if (!known) return problem(concat("unknown operator ", sign));
        if (!left || !right || left->is_structured() || right->is_structured()) return false;
        if (sign == "==") return *left == *right;
        if (sign == "!=") return *left != *right;
        const bool alike =
            (left->is_number() && right->is_number()) || (left->is_string() && right->is_string());
        if (!alike) return false;
        if (sign == "<") return *left < *right;
        if (sign == "<=") return *left <= *right;
        return sign == ">" ? *left > *right : *left >= *right;
    }

    void skip_word() {
        while (at_ < path_.size() &&
               std::string_view("=!<>) ").find(peek()) == std::string_view::npos)
            ++at_;
    }

    // A path below the item or the root, a text, a number, true, false or null.
    Result<Operand> operand(const Json& item) {
        skip_blanks();
        if (peek() == '\'' || peek() == '"') return Operand{nullptr, Json(TRY(quoted()))};
        const size_t from = at_;
        if (peek() == '@' || peek() == '$' || peek() == '.') {
            const auto found = selection({&item}, {&item});
            if (found.ok() && !found->empty()) return Operand{found->front(), {}};
            if (!found.ok() && found.error().message.starts_with("jsonPath")) return found.error();
            skip_word();
            return Operand{};
        }
        skip_word();
        auto literal = parse_json(path_.substr(from, at_ - from));
        if (!literal.ok() || literal->is_structured()) return problem("expected a value");
        return Operand{nullptr, std::move(*literal)};
    }

    std::string_view path_;
    const Json* root_;
    size_t at_ = 0;
    size_t steps_ = 0;
    int filters_ = 0;
    bool first_ = true;
};

}  // namespace
}  // namespace json_path

Result<std::vector<const Json*>> find_json_path(std::string_view path, const Json& document) {
    return json_path::Reader(path, document).run();
}

}  // namespace sluice::analysis
