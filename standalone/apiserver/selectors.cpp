// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/selectors.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "standalone/apiserver/names.hpp"

namespace sluice::standalone::apiserver {
namespace {

// Splits at commas outside parentheses.
std::vector<std::string> split_requirements(std::string_view text) {
    std::vector<std::string> parts;
    std::string part;
    int depth = 0;
    for (const char c : text) {
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (c == ',' && depth == 0) {
            parts.push_back(std::exchange(part, {}));
        } else {
            part += c;
        }
    }
    parts.push_back(part);
    return parts;
}

bool is_label_key(std::string_view key) {
    return !key.empty() && key.size() <= 317 && std::ranges::all_of(key, [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/';
    });
}

StatusError selector_problem(std::string_view requirement) {
    return status::bad_request(concat(
        "unable to parse requirement: cannot read the label selector \"", requirement, "\""));
}

// "env in (a, b)" and "env notin (a)".
ApiResult<LabelRequirement> parse_set(std::string_view text) {
    const auto open = text.find('(');
    if (text.back() != ')') return selector_problem(text);
    const std::string_view head = trim(text.substr(0, open));
    const auto blank = head.find_last_of(" \t");
    if (blank == std::string_view::npos) return selector_problem(text);
    const std::string_view word = head.substr(blank + 1);
    LabelRequirement requirement{
        std::string(trim(head.substr(0, blank))), LabelRequirement::Operator::In, {}};
    if (word == "notin")
        requirement.op = LabelRequirement::Operator::NotIn;
    else if (word != "in")
        return selector_problem(text);
    for (const auto& value : split(text.substr(open + 1, text.size() - open - 2), ','))
        requirement.values.insert(std::string(trim(value)));
    return requirement;
}

ApiResult<LabelRequirement> parse_requirement(std::string_view text) {
    using Operator = LabelRequirement::Operator;
    if (text.find('(') != std::string_view::npos) return parse_set(text);
    if (text[0] == '!')
        return LabelRequirement{std::string(trim(text.substr(1))), Operator::DoesNotExist, {}};
    static constexpr std::pair<std::string_view, Operator> operators[] = {{"!=", Operator::NotIn},
                                                                          {"==", Operator::In},
                                                                          {"=", Operator::In},
                                                                          {">", Operator::Greater},
                                                                          {"<", Operator::Less}};
    for (const auto& [sign, op] : operators) {
        const auto at = text.find(sign);
        if (at == std::string_view::npos) continue;
        return LabelRequirement{std::string(trim(text.substr(0, at))),
                                op,
                                {std::string(trim(text.substr(at + sign.size())))}};
    }
    return LabelRequirement{std::string(text), Operator::Exists, {}};
}

bool holds(const LabelRequirement& requirement, const std::map<std::string, std::string>& labels) {
    using Operator = LabelRequirement::Operator;
    const auto found = labels.find(requirement.key);
    const bool present = found != labels.end();
    switch (requirement.op) {
        case Operator::In: return present && requirement.values.contains(found->second);
        case Operator::NotIn: return !present || !requirement.values.contains(found->second);
        case Operator::Exists: return present;
        case Operator::DoesNotExist: return !present;
        case Operator::Greater:
        case Operator::Less: break;
    }
    if (!present) return false;
    const auto value = parse_integer(found->second);
    const auto bound = parse_integer(*requirement.values.begin());
    if (!value || !bound) return false;
    return requirement.op == Operator::Greater ? *value > *bound : *value < *bound;
}

bool holds(const FieldRequirement& requirement, const std::map<std::string, std::string>& fields) {
    const auto found = fields.find(requirement.field);
    const std::string& value = found == fields.end() ? std::string() : found->second;
    return (value == requirement.value) == requirement.equal;
}

ApiResult<FieldRequirement> parse_field(const Resource& resource, std::string_view text) {
    FieldRequirement requirement;
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0)
        return status::bad_request(
            concat("invalid selector: '", text, "'; can't understand '", text, "'"));
    requirement.equal = text[equals - 1] != '!';
    requirement.field = trim(text.substr(0, requirement.equal ? equals : equals - 1));
    std::string_view value = text.substr(equals + 1);
    if (!value.empty() && value[0] == '=') value.remove_prefix(1);
    requirement.value = trim(value);
    const bool known =
        requirement.field == "metadata.name" || requirement.field == "metadata.namespace" ||
        std::ranges::find(resource.field_labels, requirement.field) != resource.field_labels.end();
    if (!known && (resource.custom || !resource.field_labels.empty()))
        return status::bad_request(concat("field label not supported: ", requirement.field));
    if (!known)
        return status::bad_request(
            concat("\"", requirement.field,
                   "\" is not a known field selector: only \"metadata.name\", "
                   "\"metadata.namespace\""));
    return requirement;
}

}  // namespace

bool Selector::matches(const store::Record& record) const {
    return std::ranges::all_of(labels, [&](const auto& r) { return holds(r, record.labels); }) &&
           std::ranges::all_of(fields, [&](const auto& r) { return holds(r, record.fields); });
}

ApiResult<std::vector<LabelRequirement>> parse_label_selector(std::string_view text) {
    std::vector<LabelRequirement> requirements;
    if (trim(text).empty()) return requirements;
    for (const auto& part : split_requirements(text)) {
        const std::string_view trimmed = trim(part);
        if (trimmed.empty()) return selector_problem(text);
        LabelRequirement requirement = TRY(parse_requirement(trimmed));
        if (!is_label_key(requirement.key)) return selector_problem(trimmed);
        if (!is_qualified_name(requirement.key))
            return status::bad_request(
                concat("unable to parse requirement: <nil>: Invalid value: \"", requirement.key,
                       "\": ", qualified_name_rule()));
        requirements.push_back(std::move(requirement));
    }
    return requirements;
}

ApiResult<Selector> parse_selector(const Resource& resource, std::string_view label_selector,
                                   std::string_view field_selector) {
    Selector selector{.labels = TRY(parse_label_selector(label_selector)), .fields = {}};
    for (const auto& part : split(field_selector, ','))
        if (!trim(part).empty()) selector.fields.push_back(TRY(parse_field(resource, trim(part))));
    return selector;
}

}  // namespace sluice::standalone::apiserver
