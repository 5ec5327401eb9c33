// SPDX-License-Identifier: Apache-2.0
// Classified metrics to scores of groups and of the canary. Declared in analysis/kayenta/judge.hpp.
#include <algorithm>
#include <cmath>
#include <set>

#include "analysis/kayenta/judge.hpp"
#include "base/text.hpp"

namespace sluice::kayenta {
namespace score_detail {
namespace {

bool no_data(Label label) {
    return label == Label::Nodata;
}

// 100 · Pass / (Pass + High + Low + NodataFailMetric); a group without any data counts as full.
GroupScore group_score(const std::string& name, const Config& config,
                       const std::vector<Classified>& classified) {
    GroupScore group{.name = name};
    double passed = 0, counted = 0;
    bool any = false;
    for (size_t i = 0; i < classified.size(); ++i) {
        const auto& metric = config.metrics[i];
        if (metric.muted ||
            std::find(metric.groups.begin(), metric.groups.end(), name) == metric.groups.end())
            continue;
        const Label label = classified[i].label;
        any = any || !no_data(label);
        if (label == Label::Error || no_data(label)) continue;
        ++counted;
        if (label == Label::Pass) ++passed;
    }
    group.no_data = !any;
    group.score = group.no_data ? 100 : (counted > 0 ? 100 * passed / counted : 0);
    return group;
}

void weigh(std::vector<GroupScore>& groups, const std::map<std::string, double>& weights) {
    double given = 0, open = 0;
    for (const auto& [name, weight] : weights) given += weight;
    for (const auto& group : groups)
        if (!weights.contains(group.name)) ++open;
    for (auto& group : groups) {
        const auto weight = weights.find(group.name);
        group.weight = weight != weights.end() ? weight->second : (100 - given) / open;
    }
}

}  // namespace
}  // namespace score_detail

std::string_view to_text(Outcome outcome) {
    switch (outcome) {
        case Outcome::Pass: return "Pass";
        case Outcome::Marginal: return "Marginal";
        case Outcome::Fail: return "Fail";
    }
    return "";
}

Score score(const Config& config, const std::vector<Classified>& classified, double pass,
            double marginal) {
    using namespace score_detail;
    Score total;
    std::set<std::string> names;
    double metrics = 0, empty = 0;
    std::string critical;
    for (size_t i = 0; i < classified.size() && i < config.metrics.size(); ++i) {
        if (config.metrics[i].muted) continue;
        ++metrics;
        empty += no_data(classified[i].label) ? 1 : 0;
        names.insert(config.metrics[i].groups.begin(), config.metrics[i].groups.end());
        if (classified[i].critical && classified[i].label != Label::Pass && critical.empty())
            critical = concat("Canary Failed: ", classified[i].name, " was ",
                              to_text(classified[i].label), ", and it is critical");
    }
    for (const auto& name : names) total.groups.push_back(group_score(name, config, classified));
    weigh(total.groups, config.group_weights);
    if (!critical.empty()) {
        total.reason = critical;
        return total;
    }
    if (metrics == 0 || empty / metrics >= 0.5) {
        total.reason = concat(static_cast<long>(empty), " of ", static_cast<long>(metrics),
                              " metrics have no data");
        return total;
    }
    double sum = 0;
    for (const auto& group : total.groups) sum += group.score * group.weight / 100;
    total.score = std::round(sum * 100) / 100;
    total.outcome = total.score >= pass       ? Outcome::Pass
                    : total.score >= marginal ? Outcome::Marginal
                                              : Outcome::Fail;
    return total;
}

}  // namespace sluice::kayenta
