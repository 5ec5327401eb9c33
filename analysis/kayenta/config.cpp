// SPDX-License-Identifier: Apache-2.0
// A Kayenta canary config, read as it is. Declared in analysis/kayenta/judge.hpp.
#include <nlohmann/json.hpp>

#include "analysis/kayenta/judge.hpp"
#include "base/text.hpp"

namespace sluice::kayenta {
namespace config_detail {
namespace {

Direction direction_of(const Field& field) {
    const std::string word = to_lower(field.text().value_or("either"));
    if (word == "increase") return Direction::Increase;
    return word == "decrease" ? Direction::Decrease : Direction::Either;
}

Metric metric_of(const Field& item) {
    Metric metric{.name = item.at("name").required_text()};
    for (const auto& group : item.at("groups").items())
        if (const auto name = group.text()) metric.groups.push_back(*name);
    const Field canary = item.at("analysisConfigurations").at("canary");
    metric.direction = direction_of(canary.at("direction"));
    if (to_lower(canary.at("nanStrategy").text().value_or("")) == "replace")
        metric.nan_strategy = NanStrategy::Replace;
    const Field outliers = canary.at("outliers");
    metric.remove_outliers = outliers.at("strategy").text().value_or("keep") == "remove";
    metric.outlier_factor = outliers.at("outlierFactor").number().value_or(3);
    metric.critical = canary.at("critical").boolean().value_or(false);
    metric.must_have_data = canary.at("mustHaveData").boolean().value_or(false);
    metric.muted = canary.at("muted").boolean().value_or(false);
    const Field effect = canary.at("effectSize");
    if (to_lower(effect.at("measure").text().value_or("")) == "cles")
        metric.measure = Measure::Cles;
    const double neutral = metric.measure == Measure::Cles ? 0.5 : 1.0;
    const auto threshold = [&](const char* key) {
        return effect.at(key).number().value_or(neutral);
    };
    metric.allowed = {threshold("allowedDecrease"), threshold("allowedIncrease")};
    metric.critical_effect = {threshold("criticalDecrease"), threshold("criticalIncrease")};
    return metric;
}

}  // namespace
}  // namespace config_detail

Config decode_config(const Field& document) {
    Config config;
    config.name = document.at("name").text().value_or("");
    const auto items = document.at("metrics").items();
    if (items.empty())
        document.at("metrics").complain("required: the metrics of the canary config");
    for (const auto& item : items) config.metrics.push_back(config_detail::metric_of(item));
    for (const auto& [name, weight] : document.at("classifier").at("groupWeights").entries())
        config.group_weights[name] = weight.number().value_or(0);
    return config;
}

}  // namespace sluice::kayenta
