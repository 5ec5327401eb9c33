// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/evidence.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace sluice::policy::delivery {
namespace {

TimePoint whole_second(TimePoint when) {
    return std::chrono::time_point_cast<Duration>(std::chrono::floor<std::chrono::seconds>(when));
}

bool of_this_attempt(const RunView& run, const crds::Delivery& delivery) {
    if (run.rollout_uid != delivery.spec.rollout_uid || run.hash != delivery.spec.pod_template_hash)
        return false;
    // A retry finds the runs of the attempts before it; they ended before it began.
    return delivery.spec.attempt == 1 || !run.completed_at || !delivery.status.started_at ||
           *run.completed_at >= whole_second(*delivery.status.started_at);
}

bool says_bad(std::string_view phase) {
    return phase == "Failed" || phase == "Error";
}

// The measurement that speaks for a metric: the last bad one where it failed, else the last.
const MeasurementView* deciding(const MetricView& metric,
                                const std::vector<MeasurementView>& seen) {
    if (seen.empty()) return nullptr;
    if (says_bad(metric.phase))
        for (auto one = seen.rbegin(); one != seen.rend(); ++one)
            if (one->phase == metric.phase) return &*one;
    return &seen.back();
}

crds::DeliveryCheck check_of_metric(const RunView& run, const MetricView& metric,
                                    const std::vector<MeasurementView>& seen, long samples) {
    const MeasurementView* speaks = deciding(metric, seen);
    return {.name = metric.name,
            .run = run.name,
            .query = metric.query,
            .value = speaks ? speaks->value : "",
            .threshold = metric.threshold,
            .samples = samples,
            .verdict = metric.phase};
}

std::vector<MeasurementView> measured_during(const MetricView& metric,
                                             const crds::DeliveryStep& step) {
    std::vector<MeasurementView> during;
    for (const auto& one : metric.measurements)
        if (one.finished_at && *one.finished_at >= whole_second(step.entered_at) &&
            (!step.left_at || *one.finished_at <= *step.left_at))
            during.push_back(one);
    return during;
}

}  // namespace

Level level_from(const RolloutView& rollout, long index) {
    const long count = static_cast<long>(rollout.steps.size());
    Level level{.index = index, .weight = rollout.max_weight, .end = index + 1};
    if (index >= count) return level;
    const auto& weight = rollout.steps[static_cast<size_t>(index)];
    level.weight = weight.value_or(0);
    while (level.end < count && !rollout.steps[static_cast<size_t>(level.end)]) ++level.end;
    return level;
}

std::optional<Level> level_of(const RolloutView& rollout) {
    const long count = static_cast<long>(rollout.steps.size());
    if (count == 0 || !rollout.step_index || rollout.stable_hash.empty()) return std::nullopt;
    const long at = std::clamp(*rollout.step_index, 0L, count);
    // The setWeight step at or before this one; the first step while there is none.
    long index = std::min(at, count - 1);
    while (index > 0 && !rollout.steps[static_cast<size_t>(index)]) --index;
    const Level level = level_from(rollout, index);
    // Past the last step users get everything, whether or not a step said so.
    if (at == count && level.weight != rollout.max_weight) return level_from(rollout, count);
    return level;
}

Evidence evidence_of(const crds::DeliveryStep& step, const Level& level,
                     const crds::Delivery& delivery, const std::vector<RunView>& runs,
                     const std::vector<RunRef>& ended) {
    Evidence evidence;
    for (const auto& name : ended)
        evidence.complete &= std::any_of(runs.begin(), runs.end(), [&](const RunView& run) {
            return run.name == name.name && run.completed();
        });
    for (const auto& run : runs) {
        if (!of_this_attempt(run, delivery)) continue;
        const bool inline_run = run.step_index && run.type != "Background";
        if (inline_run && (*run.step_index < level.index || *run.step_index >= level.end)) continue;
        if (inline_run && !run.completed()) evidence.complete = false;
        for (const auto& metric : run.metrics) {
            if (metric.dry_run) continue;
            const auto seen = inline_run ? metric.measurements : measured_during(metric, step);
            const long samples = inline_run ? metric.count : static_cast<long>(seen.size());
            if (samples > 0) evidence.checks.push_back(check_of_metric(run, metric, seen, samples));
        }
    }
    return evidence;
}

bool explain_failure(const RolloutView& rollout, const std::vector<RunView>& runs,
                     crds::DeliveryCause& cause) {
    bool complete = true;
    for (const auto& named : rollout.runs) {
        if (!says_bad(named.status)) continue;
        const auto run = std::find_if(runs.begin(), runs.end(), [&](const RunView& candidate) {
            return candidate.name == named.name;
        });
        if (run == runs.end() || !run->completed()) {
            complete = false;
            continue;
        }
        for (const auto& metric : run->metrics) {
            if (metric.dry_run || !says_bad(metric.phase) || !cause.check.empty()) continue;
            const auto check = check_of_metric(*run, metric, metric.measurements, metric.count);
            cause.check = check.name;
            cause.value = check.value;
            cause.threshold = check.threshold;
            cause.samples = check.samples;
        }
        if (run->completed_at) cause.at = *run->completed_at;
    }
    return complete;
}

}  // namespace sluice::policy::delivery
