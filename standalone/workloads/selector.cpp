// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/selector.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::standalone::workloads {
namespace {

bool requirement_holds(const LabelRequirement& requirement, const Labels& labels) {
    const auto found = labels.find(requirement.key);
    const bool listed =
        found != labels.end() && std::ranges::count(requirement.values, found->second) > 0;
    if (requirement.op == "In") return listed;
    if (requirement.op == "NotIn") return !listed;
    if (requirement.op == "Exists") return found != labels.end();
    if (requirement.op == "DoesNotExist") return found == labels.end();
    return false;
}

}  // namespace

Labels decode_labels(const Json* labels) {
    Labels decoded;
    if (!labels || !labels->is_object()) return decoded;
    for (const auto& [key, value] : labels->items())
        if (value.is_string()) decoded[key] = value.get<std::string>();
    return decoded;
}

LabelSelector decode_selector(const Json* selector) {
    LabelSelector decoded;
    if (!selector) return decoded;
    decoded.match_labels = decode_labels(find(*selector, {"matchLabels"}));
    const Json* expressions = find(*selector, {"matchExpressions"});
    if (!expressions || !expressions->is_array()) return decoded;
    for (const auto& expression : *expressions) {
        LabelRequirement requirement{text_at(expression, {"key"}),
                                     text_at(expression, {"operator"})};
        if (const Json* values = find(expression, {"values"}); values && values->is_array())
            for (const auto& value : *values)
                if (value.is_string()) requirement.values.push_back(value.get<std::string>());
        decoded.match_expressions.push_back(std::move(requirement));
    }
    return decoded;
}

bool contains(const Labels& labels, const Labels& part) {
    return std::ranges::all_of(part, [&](const auto& pair) {
        const auto found = labels.find(pair.first);
        return found != labels.end() && found->second == pair.second;
    });
}

bool matches(const LabelSelector& selector, const Labels& labels) {
    if (selector.empty() || !contains(labels, selector.match_labels)) return false;
    return std::ranges::all_of(selector.match_expressions,
                               [&](const auto& one) { return requirement_holds(one, labels); });
}

}  // namespace sluice::standalone::workloads
