// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/schema/custom_check.hpp"

#include <algorithm>
#include <boost/regex.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/time.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr size_t longest_matched_text = 64U << 10;

std::string value_type(const Json& value) {
    switch (value.type()) {
        case Json::value_t::string: return "string";
        case Json::value_t::boolean: return "boolean";
        case Json::value_t::array: return "array";
        case Json::value_t::object: return "object";
        case Json::value_t::null: return "null";
        case Json::value_t::number_float: return "number";
        default: return "integer";
    }
}

std::string wanted_type(SchemaType type) {
    switch (type) {
        case SchemaType::Object:
        case SchemaType::Map: return "object";
        case SchemaType::List: return "array";
        case SchemaType::Text: return "string";
        case SchemaType::Integer: return "integer";
        case SchemaType::Number: return "number";
        case SchemaType::Boolean: return "boolean";
        case SchemaType::IntOrText: return "integer,string";
        default: return {};
    }
}

bool is_whole(const Json& value) {
    return value.is_number_integer() ||
           (value.is_number_float() && std::trunc(value.get<double>()) == value.get<double>());
}

bool has_type(SchemaType type, const Json& value) {
    switch (type) {
        case SchemaType::Object:
        case SchemaType::Map: return value.is_object();
        case SchemaType::List: return value.is_array();
        case SchemaType::Text: return value.is_string();
        case SchemaType::Integer: return is_whole(value);
        case SchemaType::Number: return value.is_number();
        case SchemaType::Boolean: return value.is_boolean();
        case SchemaType::IntOrText: return is_whole(value) || value.is_string();
        default: return true;
    }
}

// As Unicode counts them.
long characters_in(const std::string& text) {
    return std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

// True where the pattern is one that only Go understands.
bool matches_pattern(const std::string& text, const std::string& pattern) {
    if (text.size() > longest_matched_text) return true;
    try {
        return boost::regex_search(text, boost::regex(pattern));
    } catch (const std::exception&) {
        return true;
    }
}

bool has_format(const std::string& text, const std::string& format) {
    if (format == "date-time") return parse_rfc3339(text).ok();
    if (format == "date") return parse_rfc3339(text + "T00:00:00Z").ok();
    if (format == "byte") return base64_decode(text).has_value();
    return true;
}

class Checker {
public:
    void check(const Schema& schema, const Json& value, const Json* before,
               const std::string& path);
    std::vector<StatusCause> causes;

private:
    void add(const std::string& path, const char* reason, std::string message) {
        causes.push_back({path, reason, std::move(message)});
    }
    void invalid(const std::string& path, const Json& value, const std::string& rule) {
        add(path, "FieldValueInvalid",
            concat("Invalid value: ", to_text(value), ": ", path, " in body ", rule));
    }
    void check_number(const SchemaChecks& checks, const Json& value, const std::string& path);
    void check_text(const SchemaChecks& checks, const std::string& text, const std::string& path);
    void check_list(const Schema& schema, const Json& list, const Json* before,
                    const std::string& path);
    void check_duplicates(const Schema& schema, const Json& list, const std::string& path);
    void check_object(const Schema& schema, const Json& object, const Json* before,
                      const std::string& path);
    void check_embedded(const Json& object, const std::string& path);
    void check_choices(const SchemaChecks& checks, const Json& value, const std::string& path);
    void check_allowed(const SchemaChecks& checks, const Json& value, const std::string& path);
};

// A message of a choice between schemas has no field.
constexpr const char* nowhere = "<nil>";

std::vector<StatusCause> causes_of(const Schema& schema, const Json& value,
                                   const std::string& path) {
    Checker checker;
    checker.check(schema, value, nullptr, path);
    return checker.causes;
}

void Checker::check_number(const SchemaChecks& checks, const Json& value, const std::string& path) {
    const double number = value.get<double>();
    const auto bound = [](double limit) { return format_number(limit); };
    if (checks.minimum &&
        (number < *checks.minimum || (checks.exclusive_minimum && number == *checks.minimum)))
        invalid(path, value,
                concat("should be greater than ", checks.exclusive_minimum ? "" : "or equal to ",
                       bound(*checks.minimum)));
    if (checks.maximum &&
        (number > *checks.maximum || (checks.exclusive_maximum && number == *checks.maximum)))
        invalid(path, value,
                concat("should be less than ", checks.exclusive_maximum ? "" : "or equal to ",
                       bound(*checks.maximum)));
    if (checks.multiple_of && *checks.multiple_of != 0) {
        const double times = number / *checks.multiple_of;
        if (std::abs(times - std::round(times)) > 1e-9)
            invalid(path, value, "should be a multiple of " + bound(*checks.multiple_of));
    }
}

void Checker::check_text(const SchemaChecks& checks, const std::string& text,
                         const std::string& path) {
    const long length = characters_in(text);
    if (checks.min_length && length < *checks.min_length)
        invalid(path, text, concat("should be at least ", *checks.min_length, " chars long"));
    if (checks.max_length && length > *checks.max_length)
        add(path, "FieldValueTooLong",
            concat("Too long: may not be more than ", *checks.max_length, " bytes"));
    if (!checks.pattern.empty() && !matches_pattern(text, checks.pattern))
        invalid(path, text, concat("should match '", checks.pattern, "'"));
    if (!checks.format.empty() && !has_format(text, checks.format))
        add(path, "FieldValueTypeInvalid",
            concat("Invalid value: ", to_text(Json(text)), ": ", path, " in body must be of type ",
                   checks.format, ": ", to_text(Json(text))));
}

void Checker::check_duplicates(const Schema& schema, const Json& list, const std::string& path) {
    std::set<std::string> seen;
    for (size_t i = 0; i < list.size(); ++i) {
        Json identity = list[i];
        if (schema.form == ListForm::Map) {
            identity = Json::object();
            for (const auto& key : schema.keys)
                if (list[i].is_object() && list[i].contains(key)) identity[key] = list[i][key];
        }
        if (!seen.insert(to_text(identity)).second)
            add(concat(path, "[", i, "]"), "FieldValueDuplicate",
                concat("Duplicate value: ", to_text(identity)));
    }
}

void Checker::check_list(const Schema& schema, const Json& list, const Json* before,
                         const std::string& path) {
    const SchemaChecks& checks = *schema.checks;
    const long size = static_cast<long>(list.size());
    if (checks.min_items && size < *checks.min_items)
        invalid(path, size, concat("should have at least ", *checks.min_items, " items"));
    if (checks.max_items && size > *checks.max_items)
        add(path, "FieldValueTooMany",
            concat("Too many: ", size, ": must have at most ", *checks.max_items, " items"));
    const size_t before_items = causes.size();
    if (schema.items)
        for (size_t i = 0; i < list.size(); ++i) {
            const bool had = before && before->is_array() && i < before->size();
            check(*schema.items, list[i], had ? &(*before)[i] : nullptr, concat(path, "[", i, "]"));
        }
    if (schema.form != ListForm::Atomic && causes.size() == before_items)
        check_duplicates(schema, list, path);
}

// A whole object inside another has a version and a kind.
void Checker::check_embedded(const Json& object, const std::string& path) {
    for (const char* name : {"apiVersion", "kind"})
        if (text_at(object, {name}).empty())
            add(concat(path, ".", name), "FieldValueRequired", "Required value");
}

void Checker::check_object(const Schema& schema, const Json& object, const Json* before,
                           const std::string& path) {
    const std::string prefix = path.empty() ? "" : path + ".";
    const auto was = [&](const std::string& name) -> const Json* {
        return before && before->is_object() && before->contains(name) ? &before->at(name)
                                                                       : nullptr;
    };
    for (const auto& name : schema.required)
        if (!object.contains(name)) add(prefix + name, "FieldValueRequired", "Required value");
    if (schema.embedded) check_embedded(object, path);
    const SchemaChecks& checks = *schema.checks;
    const long size = static_cast<long>(object.size());
    if (checks.min_properties && size < *checks.min_properties)
        invalid(path, size, concat("should have at least ", *checks.min_properties, " properties"));
    if (checks.max_properties && size > *checks.max_properties)
        add(path, "FieldValueTooMany",
            concat("Too many: ", size, ": must have at most ", *checks.max_properties, " items"));
    for (const auto& [name, value] : object.items()) {
        const Schema* field =
            schema.type == SchemaType::Map ? schema.items.get() : schema.field(name);
        if (field && field->checks) check(*field, value, was(name), prefix + name);
    }
}

void Checker::check_choices(const SchemaChecks& checks, const Json& value,
                            const std::string& path) {
    const auto choice = [&](const std::string& rule) {
        add(nowhere, "FieldValueInvalid", concat("Invalid value: \"\": \"", path, "\" ", rule));
    };
    std::vector<StatusCause> first;
    const auto valid = [&](const std::vector<SchemaPtr>& schemas) {
        first.clear();
        long count = 0;
        for (const auto& schema : schemas) {
            auto found = causes_of(*schema, value, path);
            if (found.empty())
                ++count;
            else if (first.empty())
                first = std::move(found);
        }
        return count;
    };
    const auto tell_first = [&] { causes.insert(causes.end(), first.begin(), first.end()); };
    if (!checks.any_of.empty() && valid(checks.any_of) == 0) {
        choice("must validate at least one schema (anyOf)");
        tell_first();
    }
    if (const long count = checks.one_of.empty() ? 1 : valid(checks.one_of); count != 1) {
        choice(concat("must validate one and only one schema (oneOf). Found ",
                      count == 0 ? "none valid" : concat(count, " valid alternatives")));
        if (count == 0) tell_first();
    }
    if (!checks.all_of.empty() && valid(checks.all_of) < static_cast<long>(checks.all_of.size())) {
        choice("must validate all the schemas (allOf)");
        tell_first();
    }
    if (checks.none_of && causes_of(*checks.none_of, value, path).empty())
        choice("must not validate the schema (not)");
}

void Checker::check_allowed(const SchemaChecks& checks, const Json& value,
                            const std::string& path) {
    if (checks.allowed.empty() ||
        std::ranges::find(checks.allowed, to_text(value)) != checks.allowed.end())
        return;
    add(path, "FieldValueNotSupported",
        concat("Unsupported value: ", to_text(value),
               ": supported values: ", join(checks.allowed, ", ")));
}

void Checker::check(const Schema& schema, const Json& value, const Json* before,
                    const std::string& path) {
    if (value.is_null() && schema.nullable) return;
    if (!has_type(schema.type, value)) {
        const std::string found = value_type(value);
        if (schema.type == SchemaType::Integer && value.is_number_float())
            add(nowhere, "FieldValueInvalid",
                concat("Invalid value: \"\": Checked value must be of type integer (default "
                       "format) in ",
                       path));
        add(path, "FieldValueTypeInvalid",
            concat("Invalid value: \"", found, "\": ", path, " in body must be of type ",
                   wanted_type(schema.type), ": \"", found, "\""));
        return;
    }
    if (!schema.checks) return;
    const SchemaChecks& checks = *schema.checks;
    if (value.is_number()) check_number(checks, value, path);
    if (value.is_string()) check_text(checks, value.get_ref<const std::string&>(), path);
    if (value.is_array()) check_list(schema, value, before, path);
    if (value.is_object()) check_object(schema, value, before, path);
    check_allowed(checks, value, path);
    check_choices(checks, value, path);
    if (before && *before != value)
        for (const auto& message : checks.immutable)
            add(path, "FieldValueInvalid",
                concat("Invalid value: ", to_text(value), ": ", message));
}

bool has_rules(const Schema& schema) {
    if (schema.checks && !schema.checks->immutable.empty()) return true;
    if (schema.items && has_rules(*schema.items)) return true;
    return std::ranges::any_of(schema.fields,
                               [](const auto& field) { return has_rules(*field.second); });
}

// Upstream evaluates no rule on a document whose shape is wrong, and says so.
bool blocks_rules(const StatusCause& cause) {
    return cause.reason == "FieldValueRequired" || cause.reason == "FieldValueTypeInvalid" ||
           cause.reason == "FieldValueNotSupported" || cause.reason == "FieldValueTooLong" ||
           cause.reason == "FieldValueTooMany";
}

}  // namespace

std::vector<StatusCause> custom_problems(const Schema& schema, const Json& object,
                                         const Json* before) {
    Checker checker;
    checker.check(schema, object, before, "");
    if (std::ranges::any_of(checker.causes, blocks_rules) && has_rules(schema))
        checker.causes.push_back(
            {nowhere, "FieldValueInvalid",
             "Invalid value: null: some validation rules were not checked because the object was "
             "invalid; correct the existing errors to complete validation"});
    return std::move(checker.causes);
}

void drop_nulls(const Schema& schema, Json& object) {
    if (schema.items && (object.is_array() || object.is_object()))
        for (auto& item : object) drop_nulls(*schema.items, item);
    if (!object.is_object()) return;
    for (auto at = object.begin(); at != object.end();) {
        const Schema* field = schema.field(at.key());
        if (field && at.value().is_null() && !field->nullable && field->type != SchemaType::Any) {
            at = object.erase(at);
            continue;
        }
        if (field) drop_nulls(*field, at.value());
        ++at;
    }
}

}  // namespace sluice::standalone::apiserver
