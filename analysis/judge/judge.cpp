// SPDX-License-Identifier: Apache-2.0
#include "analysis/judge/judge.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/judge/judge_kinds.hpp"
#include "analysis/judge/words.hpp"
#include "base/text.hpp"

namespace sluice::judge {

std::string_view to_text(Verdict verdict) {
    switch (verdict) {
        case Verdict::Inconclusive: return "inconclusive";
        case Verdict::Pass: return "pass";
        case Verdict::Fail: return "fail";
    }
    return "";
}

MetricVerdict judge_metric(const Settings& settings, const Evidence& evidence, double elapsed,
                           Detail detail) {
    MetricVerdict verdict = settings.kind == Kind::Ratio ? judge_ratio(settings, evidence, detail)
                                                         : judge_level(settings, evidence, detail);
    verdict.name = settings.name;
    const bool late = settings.deadline && elapsed >= *settings.deadline;
    if (verdict.verdict != Verdict::Inconclusive || !late) return verdict;
    const std::string hours =
        concat("no answer after ", plain(*settings.deadline / 60), " minutes, ");
    if (settings.on_deadline == Policy::Hold) {
        verdict.reason = concat(hours, "so it holds: ", verdict.reason);
        return verdict;
    }
    const bool pass = settings.on_deadline == Policy::Pass;
    verdict.verdict = pass ? Verdict::Pass : Verdict::Fail;
    verdict.reason =
        concat(hours, "which onDeadline says to ", pass ? "pass" : "fail", ": ", verdict.reason);
    return verdict;
}

Verdict joined(const std::vector<MetricVerdict>& metrics) {
    const auto is = [](Verdict wanted) {
        return [wanted](const MetricVerdict& metric) { return metric.verdict == wanted; };
    };
    if (std::any_of(metrics.begin(), metrics.end(), is(Verdict::Fail))) return Verdict::Fail;
    const bool all =
        !metrics.empty() && std::all_of(metrics.begin(), metrics.end(), is(Verdict::Pass));
    return all ? Verdict::Pass : Verdict::Inconclusive;
}

}  // namespace sluice::judge
