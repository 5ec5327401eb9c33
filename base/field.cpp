// SPDX-License-Identifier: Apache-2.0
#include "base/field.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace sluice {

struct Field::Seen {
    std::map<const Json*, std::set<std::string, std::less<>>> keys;
    std::set<const Json*> whole;
};

namespace {

const Json null_json;

std::string inner_path(const std::string& path, std::string_view key) {
    return path.empty() ? std::string(key) : concat(path, ".", key);
}

}  // namespace

std::string to_text(const Problem& problem) {
    return problem.path.empty() ? problem.what : concat(problem.path, ": ", problem.what);
}

std::string to_text(const Problem& problem, std::string_view file, const Places& places) {
    // A missing field has no place of its own: say where its nearest parent stands.
    std::string_view path = problem.path;
    auto place = places.find(path);
    while (place == places.end() && !path.empty()) {
        const auto cut = path.find_last_of(".[");
        path = cut == std::string_view::npos ? std::string_view{} : path.substr(0, cut);
        place = places.find(path);
    }
    if (place == places.end()) return concat(file, ": ", to_text(problem));
    return concat(file, ":", place->second.line, ":", place->second.column, ": ", to_text(problem));
}

Field::Field(const Json& document, std::vector<Problem>& problems, std::string path)
    : Field(document.is_null() ? nullptr : &document, &problems, std::move(path),
            std::make_shared<Seen>()) {}

Field::Field(const Json* value, std::vector<Problem>* problems, std::string path,
             std::shared_ptr<Seen> seen)
    : value_(value), problems_(problems), path_(std::move(path)), seen_(std::move(seen)) {}

Field Field::describing(Json& schema) {
    Field root(nullptr, nullptr, {}, nullptr);
    root.schema_ = &schema;
    return root;
}

Field Field::describing_inner(Json& schema, std::string_view path) const {
    Field inner(nullptr, nullptr, inner_path(path_, path), nullptr);
    inner.schema_ = &schema;
    return inner;
}

void Field::note(std::string_view type, std::string_view format) const {
    if (!schema_) return;
    (*schema_)["type"] = type;
    if (!format.empty()) (*schema_)["format"] = format;
}

const Json& Field::document() const {
    if (schema_) (*schema_)["x-kubernetes-preserve-unknown-fields"] = true;
    if (!value_) return null_json;
    seen_->whole.insert(value_);
    return *value_;
}

const Json& Field::peek() const {
    return value_ ? *value_ : null_json;
}

Field Field::at(std::string_view key) const {
    const std::string path = inner_path(path_, key);
    if (schema_) {
        note("object");
        return describing_inner((*schema_)["properties"][std::string(key)], key);
    }
    if (!value_) return {nullptr, problems_, path, seen_};
    if (!value_->is_object()) {
        // Complain once, however many fields are asked of what is no object.
        if (seen_->keys[value_].empty()) expected("an object");
        seen_->keys[value_].emplace(key);
        return {nullptr, problems_, path, seen_};
    }
    seen_->keys[value_].emplace(key);
    const auto found = value_->find(key);
    const bool absent = found == value_->end() || found->is_null();
    return {absent ? nullptr : &*found, problems_, path, seen_};
}

std::vector<Field> Field::items() const {
    std::vector<Field> fields;
    if (schema_) {
        note("array");
        fields.push_back(describing_inner((*schema_)["items"], "[]"));
    }
    if (!value_) return fields;
    if (!value_->is_array()) {
        expected("a list");
        return fields;
    }
    for (size_t i = 0; i < value_->size(); ++i)
        fields.push_back(Field(&(*value_)[i], problems_, concat(path_, "[", i, "]"), seen_));
    return fields;
}

std::vector<std::pair<std::string, Field>> Field::entries() const {
    std::vector<std::pair<std::string, Field>> fields;
    if (schema_) {
        note("object");
        fields.emplace_back("*", describing_inner((*schema_)["additionalProperties"], "*"));
    }
    if (!value_) return fields;
    if (!value_->is_object()) {
        expected("an object");
        return fields;
    }
    for (const auto& [key, value] : value_->items()) fields.emplace_back(key, at(key));
    return fields;
}

std::optional<std::string> Field::text() const {
    note("string");
    if (!value_) return std::nullopt;
    if (value_->is_string()) return value_->get<std::string>();
    expected("a text");
    return std::nullopt;
}

std::optional<bool> Field::boolean() const {
    note("boolean");
    if (!value_) return std::nullopt;
    if (value_->is_boolean()) return value_->get<bool>();
    expected("true or false");
    return std::nullopt;
}

std::optional<long> Field::integer() const {
    note("integer", "int64");
    if (!value_) return std::nullopt;
    if (value_->is_number_integer()) return value_->get<long>();
    // 1.0 is a whole number in JSON, as apimachinery reads it.
    if (value_->is_number_float()) {
        const double number = value_->get<double>();
        if (number == static_cast<double>(static_cast<long>(number)))
            return static_cast<long>(number);
    }
    expected("a whole number");
    return std::nullopt;
}

std::optional<double> Field::number() const {
    note("number");
    if (!value_) return std::nullopt;
    if (value_->is_number()) return value_->get<double>();
    expected("a number");
    return std::nullopt;
}

std::optional<TimePoint> Field::time() const {
    const auto content = text();
    note("string", "date-time");
    if (!content) return std::nullopt;
    const auto when = parse_rfc3339(*content);
    if (when.ok()) return *when;
    complain(when.error().message);
    return std::nullopt;
}

std::optional<Duration> Field::duration() const {
    const auto content = text();
    if (!content) return std::nullopt;
    const auto length = parse_duration(*content);
    if (length.ok()) return *length;
    complain(length.error().message);
    return std::nullopt;
}

std::optional<IntOrString> Field::int_or_string() const {
    if (schema_) (*schema_)["x-kubernetes-int-or-string"] = true;
    if (!value_) return std::nullopt;
    if (value_->is_number_integer()) return IntOrString{value_->get<long>(), {}};
    if (value_->is_string()) return IntOrString{std::nullopt, value_->get<std::string>()};
    expected("a whole number or a text");
    return std::nullopt;
}

std::map<std::string, std::string> Field::text_map() const {
    std::map<std::string, std::string> map;
    for (const auto& [key, field] : entries())
        if (const auto value = field.text()) map[key] = *value;
    return map;
}

std::optional<std::string> Field::choice(const std::vector<std::string>& allowed) const {
    if (schema_) (*schema_)["enum"] = allowed;
    auto content = text();
    if (!content || std::find(allowed.begin(), allowed.end(), *content) != allowed.end())
        return content;
    complain(concat("expected ", join(allowed, " or "), ", found \"", *content, "\""));
    return std::nullopt;
}

std::string Field::required_text() const {
    if (!present()) complain("is required");
    return text().value_or("");
}

void Field::complain(std::string what) const {
    if (schema_) return;
    problems_->push_back({path_, std::move(what)});
}

std::string Field::found() const {
    std::string text = sluice::to_text(*value_);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
}

void Field::expected(std::string_view what) const {
    complain(concat("expected ", what, ", found ", found()));
}

void report_unknown(const Field& root) {
    if (!root.value_) return;  // also where it describes
    struct Walk {
        const Field::Seen& seen;
        std::vector<Problem>& problems;

        void visit(const Json& value, const std::string& path) {
            if (seen.whole.contains(&value)) return;
            if (value.is_array())
                for (size_t i = 0; i < value.size(); ++i)
                    visit(value[i], concat(path, "[", i, "]"));
            if (!value.is_object()) return;
            const auto asked = seen.keys.find(&value);
            for (const auto& [key, inner] : value.items()) {
                const std::string at = inner_path(path, key);
                if (asked == seen.keys.end() || !asked->second.contains(key))
                    problems.push_back({at, "unknown field", true});
                else
                    visit(inner, at);
            }
        }
    };
    Walk{*root.seen_, *root.problems_}.visit(*root.value_, root.path_);
}

}  // namespace sluice
