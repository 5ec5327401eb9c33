// SPDX-License-Identifier: Apache-2.0
#include "examples/story/timeline.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace story {
namespace {

using sluice::find;
using sluice::integer_at;
using sluice::Json;
using sluice::text_at;
using sluice::TimePoint;

std::vector<int> weights_of_steps(const Json& rollout) {
    std::vector<int> weights;
    const Json* steps = find(rollout, {"spec", "strategy", "canary", "steps"});
    int weight = 0;
    if (steps && steps->is_array())
        for (const auto& step : *steps) {
            weight = static_cast<int>(integer_at(step, {"setWeight"}, weight));
            weights.push_back(weight);
        }
    return weights;
}

Metric read_metric(const Json& result, const Json* specs) {
    Metric metric;
    metric.name = text_at(result, {"name"});
    if (specs && specs->is_array())
        for (const auto& spec : *specs)
            if (text_at(spec, {"name"}) == metric.name)
                metric.condition = text_at(spec, {"successCondition"});
    const Json* measurements = find(result, {"measurements"});
    if (!measurements || !measurements->is_array()) return metric;
    for (const auto& entry : *measurements) {
        const auto started = sluice::parse_rfc3339(text_at(entry, {"startedAt"}));
        metric.measurements.push_back({text_at(entry, {"phase"}), text_at(entry, {"value"}),
                                       started.ok() ? *started : TimePoint{}});
    }
    return metric;
}

// The weight of the canary in a VirtualService whose route goes to subsets named stable and canary.
std::optional<int> canary_subset_weight(const Json& service) {
    const Json* routes = find(service, {"spec", "http"});
    if (!routes || !routes->is_array()) return {};
    for (const auto& route : *routes) {
        const Json* targets = find(route, {"route"});
        if (!targets || !targets->is_array()) continue;
        for (const auto& target : *targets)
            if (text_at(target, {"destination", "subset"}) == "canary")
                return static_cast<int>(integer_at(target, {"weight"}));
    }
    return {};
}

bool is_last_phase(std::string_view phase) {
    return phase == "Successful" || phase == "Failed" || phase == "Error" ||
           phase == "Inconclusive";
}

}  // namespace

const AnalysisRun* Picture::run_at(const std::string& hash, int weight) const {
    const AnalysisRun* newest = nullptr;
    for (const auto& [name, run] : runs) {
        if (run.hash != hash || run.step < 0) continue;
        const auto step = static_cast<size_t>(run.step);
        if (step >= step_weights.size() || step_weights[step] != weight) continue;
        if (!newest || run.first_seen > newest->first_seen) newest = &run;
    }
    return newest;
}

void Timeline::rollout(const Json& object) {
    RolloutState state;
    state.phase = text_at(object, {"status", "phase"});
    state.message = text_at(object, {"status", "message"});
    state.current_hash = text_at(object, {"status", "currentPodHash"});
    state.stable_hash = text_at(object, {"status", "stableRS"});
    state.step = static_cast<int>(integer_at(object, {"status", "currentStepIndex"}, -1));
    state.aborted = sluice::bool_at(object, {"status", "abort"});
    state.observed = text_at(object, {"status", "observedGeneration"}) ==
                     std::to_string(integer_at(object, {"metadata", "generation"}));
    const Json* containers = find(object, {"spec", "template", "spec", "containers"});
    if (containers && containers->is_array() && !containers->empty())
        state.image = text_at(containers->front(), {"image"});
    const Json* conditions = find(object, {"status", "conditions"});
    if (conditions && conditions->is_array())
        for (const auto& condition : *conditions)
            if (text_at(condition, {"type"}) == "AnalysisTrouble") {
                state.trouble = text_at(condition, {"reason"});
                state.trouble_message = text_at(condition, {"message"});
            }
    const std::lock_guard lock(mutex_);
    ++told_;
    picture_.rollout = std::move(state);
    picture_.step_weights = weights_of_steps(object);
}

void Timeline::analysis_run(const Json& object, TimePoint now) {
    const std::string name = text_at(object, {"metadata", "name"});
    const std::lock_guard lock(mutex_);
    ++told_;
    auto [found, fresh] = picture_.runs.try_emplace(name);
    AnalysisRun& run = found->second;
    if (fresh) {
        run.name = name;
        run.first_seen = now;
        picture_.births.push_back({"AnalysisRun", name, now});
    }
    run.hash = text_at(object, {"metadata", "labels", "rollouts-pod-template-hash"});
    run.step = static_cast<int>(
        sluice::parse_integer(text_at(object, {"metadata", "labels", "step-index"})).value_or(-1));
    run.phase = text_at(object, {"status", "phase"});
    run.message = text_at(object, {"status", "message"});
    if (!run.ended && is_last_phase(run.phase)) run.ended = now;
    const Json* results = find(object, {"status", "metricResults"});
    if (!results || !results->is_array()) return;
    run.metrics.clear();
    for (const auto& result : *results)
        run.metrics.push_back(read_metric(result, find(object, {"spec", "metrics"})));
    std::sort(run.metrics.begin(), run.metrics.end(),
              [](const Metric& a, const Metric& b) { return a.name > b.name; });
}

void Timeline::route(const Json& object, bool gone, TimePoint now) {
    if (router_ == Router::Istio) {
        const auto weight = canary_subset_weight(object);
        if (weight) set_weight(gone ? 0 : *weight, now);
        return;
    }
    const Json* annotations = find(object, {"metadata", "annotations"});
    if (!annotations || text_at(*annotations, {"nginx.ingress.kubernetes.io/canary"}) != "true")
        return;
    const auto weight = sluice::parse_integer(
        text_at(*annotations, {"nginx.ingress.kubernetes.io/canary-weight"}, "0"));
    set_weight(gone ? 0 : static_cast<int>(weight.value_or(0)), now);
}

void Timeline::set_weight(int canary, TimePoint now) {
    const std::lock_guard lock(mutex_);
    ++told_;
    if (picture_.weights.empty() || picture_.weights.back().canary != canary)
        picture_.weights.push_back({now, canary});
}

void Timeline::delivery(const Json& object, TimePoint now) {
    const std::string name = text_at(object, {"metadata", "name"});
    const std::lock_guard lock(mutex_);
    ++told_;
    if (!delivery_phases_.contains(name)) picture_.births.push_back({"Delivery", name, now});
    delivery_phases_[name] = text_at(object, {"status", "phase"});
    picture_.deliveries.clear();
    for (const auto& [known, phase] : delivery_phases_)
        picture_.deliveries.push_back(sluice::concat(known, ": ", phase));
}

void Timeline::born(const std::string& kind, const Json& object, TimePoint now) {
    const std::string name = text_at(object, {"metadata", "name"});
    const std::lock_guard lock(mutex_);
    ++told_;
    const auto known =
        std::any_of(picture_.births.begin(), picture_.births.end(),
                    [&](const Birth& birth) { return birth.kind == kind && birth.name == name; });
    if (!known) picture_.births.push_back({kind, name, now});
}

std::uint64_t Timeline::told() const {
    const std::lock_guard lock(mutex_);
    return told_;
}

Picture Timeline::picture() const {
    const std::lock_guard lock(mutex_);
    return picture_;
}

}  // namespace story
