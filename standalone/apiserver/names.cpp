// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/names.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_word(char c) {
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

// The words of upstream's validation, which clients and their tests match on.
constexpr std::string_view subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view qualified_rule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with "
    "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view value_rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

StatusCause bad_value(std::string field, std::string_view value, std::string_view rule) {
    return {std::move(field), "FieldValueInvalid",
            concat("Invalid value: \"", value, "\": ", rule)};
}

// 63 characters of A-Za-z0-9._-, with a letter or digit at both ends.
bool is_name_part(std::string_view text) {
    return !text.empty() && text.size() <= 63 && is_word(text.front()) && is_word(text.back()) &&
           std::ranges::all_of(
               text, [](char c) { return is_word(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

std::string_view qualified_name_rule() {
    return qualified_rule;
}

bool is_dns_label(std::string_view text) {
    return !text.empty() && text.size() <= 63 && is_lower_or_digit(text.front()) &&
           is_lower_or_digit(text.back()) &&
           std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
    if (text.empty() || text.size() > 253) return false;
    for (const auto& label : split(text, '.')) {
        const bool good =
            !label.empty() && is_lower_or_digit(label.front()) && is_lower_or_digit(label.back()) &&
            std::ranges::all_of(label, [](char c) { return is_lower_or_digit(c) || c == '-'; });
        if (!good) return false;
    }
    return true;
}

bool is_qualified_name(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return is_name_part(text);
    return is_dns_subdomain(text.substr(0, slash)) && is_name_part(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) {
    return text.empty() || is_name_part(text);
}

std::optional<StatusCause> name_problem(const ResourceType& type, std::string_view name) {
    const bool label = type == resources::services || type == resources::namespaces;
    if (label && name.find('.') != std::string_view::npos)
        return bad_value("metadata.name", name, "must not contain dots");
    if (label ? is_dns_label(name) : is_dns_subdomain(name)) return std::nullopt;
    return bad_value("metadata.name", name, label ? label_rule : subdomain_rule);
}

std::vector<StatusCause> label_problems(const Json& metadata) {
    std::vector<StatusCause> causes;
    if (const Json* labels = find(metadata, {"labels"}); labels && labels->is_object())
        for (const auto& [key, value] : labels->items()) {
            if (!is_qualified_name(key))
                causes.push_back(bad_value("metadata.labels", key, qualified_rule));
            const auto& text = value.get_ref<const std::string&>();
            if (!is_label_value(text))
                causes.push_back(bad_value("metadata.labels", text, value_rule));
        }
    if (const Json* annotations = find(metadata, {"annotations"});
        annotations && annotations->is_object())
        for (const auto& [key, value] : annotations->items())
            if (!is_qualified_name(to_lower(key)))
                causes.push_back(bad_value("metadata.annotations", key, qualified_rule));
    return causes;
}

}  // namespace sluice::standalone::apiserver
