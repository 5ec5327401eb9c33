// SPDX-License-Identifier: Apache-2.0
#include "crds/rollout.hpp"

#include <algorithm>

#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace sluice::crds {
namespace rollout_text {

std::string text(const SetCanaryScaleStep& step) {
    if (step.weight) return concat("setCanaryScale{weight: ", *step.weight, "}");
    if (step.match_traffic_weight) return "setCanaryScale{matchTrafficWeight: true}";
    if (step.replicas) return concat("setCanaryScale{replicas: ", *step.replicas, "}");
    return "setCanaryScale";
}

bool contains(const std::vector<std::string>& values, const std::string& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
}

bool satisfied(const SelectorRequirement& rule, const TextMap& labels) {
    const auto found = labels.find(rule.key);
    const bool present = found != labels.end();
    if (rule.op == "Exists") return present;
    if (rule.op == "DoesNotExist") return !present;
    if (rule.op == "In") return present && contains(rule.values, found->second);
    return !present || !contains(rule.values, found->second);
}

std::string text(const SelectorRequirement& rule) {
    if (rule.op == "Exists") return rule.key;
    if (rule.op == "DoesNotExist") return concat("!", rule.key);
    std::vector<std::string> values = rule.values;
    std::sort(values.begin(), values.end());
    return concat(rule.key, rule.op == "In" ? " in (" : " notin (", join(values, ","), ")");
}

}  // namespace rollout_text

std::string to_text(const CanaryStep& step) {
    return std::visit(
        Overloaded{
            [](const SetWeightStep& s) { return concat("setWeight: ", s.weight); },
            [](const PauseStep& s) { return s.duration ? concat("pause: ", s.text) : "pause"; },
            [](const SetCanaryScaleStep& s) { return rollout_text::text(s); },
            [](const AnalysisStep&) { return std::string("analysis"); },
            [](const SetHeaderRouteStep& s) { return concat("setHeaderRoute: ", s.name); },
            [](const SetMirrorRouteStep& s) { return concat("setMirrorRoute: ", s.name); },
            [](const ExperimentStep&) { return std::string("experiment"); },
            [](const PluginStep& s) { return concat("plugin: ", s.name); },
            [](const CombinedStep& s) { return join(s.kinds, " with "); },
            [](const MalformedStep&) { return std::string("invalid"); },
        },
        step);
}

std::string to_text(const LabelSelector& selector) {
    // metav1.FormatLabelSelector: requirements sorted by key.
    std::vector<std::pair<std::string, std::string>> rules;
    for (const auto& [key, value] : selector.match_labels)
        rules.emplace_back(key, concat(key, "=", value));
    for (const auto& rule : selector.match_expressions)
        rules.emplace_back(rule.key, rollout_text::text(rule));
    std::stable_sort(rules.begin(), rules.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::string> texts;
    for (const auto& [key, text] : rules) texts.push_back(text);
    return texts.empty() ? "<none>" : join(texts, ",");
}

bool matches(const LabelSelector& selector, const TextMap& labels) {
    for (const auto& [key, value] : selector.match_labels) {
        const auto found = labels.find(key);
        if (found == labels.end() || found->second != value) return false;
    }
    return std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                       [&](const auto& rule) { return rollout_text::satisfied(rule, labels); });
}

}  // namespace sluice::crds
