// SPDX-License-Identifier: Apache-2.0
#include "examples/story/checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace story {
namespace {

using sluice::concat;
using sluice::Duration;
using sluice::find;
using sluice::integer_at;
using sluice::Json;
using sluice::text_at;
using sluice::TimePoint;

std::string percent(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %%", value);
    return text.data();
}

std::string values_of(const Metric& metric) {
    std::vector<std::string> values;
    for (const auto& measurement : metric.measurements) values.push_back(measurement.value);
    return concat(metric.name, " ", sluice::join(values, ", "));
}

// The API tells whole seconds: a measurement said to start at :07 started before :08.
bool began_after(const Measurement& measurement, TimePoint instant) {
    return measurement.started + std::chrono::milliseconds{999} >= instant;
}

}  // namespace

sluice::Error broken(std::string_view check, std::string_view text) {
    return sluice::invalid(concat(check, ": ", text));
}

Result<void> check_share(const Promise& promise, int weight, const Share& share) {
    if (share.all < promise.share_requests)
        return broken("share", concat("at ", weight, " % only ", share.all, " requests were ",
                                      "counted, and ", promise.share_requests, " are needed"));
    if (std::abs(share.percent() - weight) > promise.share_tolerance)
        return broken("share", concat("at ", weight, " % clients saw ", percent(share.percent()),
                                      " (", share.of, " of ", share.all, " requests)"));
    return {};
}

Result<void> check_measurements(const Promise& promise, int weight, TimePoint in_force,
                                const AnalysisRun* run) {
    if (!run) return broken("measurements", concat("at ", weight, " % nothing was measured"));
    if (run->metrics.empty())
        return broken("measurements", concat(run->name, " at ", weight, " % has no metric"));
    for (const auto& metric : run->metrics) {
        const auto good = std::count_if(
            metric.measurements.begin(), metric.measurements.end(), [&](const Measurement& m) {
                return !m.value.empty() && began_after(m, in_force + promise.settle);
            });
        if (static_cast<size_t>(good) < promise.measurements)
            return broken("measurements",
                          concat("at ", weight, " % ", metric.name, " was measured ", good,
                                 " times once the weight was settled, and ", promise.measurements,
                                 " are needed"));
    }
    return {};
}

Result<void> check_nothing_lost(const Counts& counts) {
    const std::string losses = counts.losses();
    if (losses.empty()) return {};
    return broken("nothing-lost", concat(losses, " among ", counts.answers(), " answers"));
}

Result<void> check_not_promoted(const Picture& picture, const std::string& bad_hash,
                                int first_weight) {
    const bool promoted = picture.rollout.stable_hash == bad_hash;
    if (picture.weight() <= first_weight && !promoted) return {};
    const std::string how =
        promoted ? "it was promoted" : concat("it went on to ", picture.weight(), " %");
    const AnalysisRun* run = picture.run_at(bad_hash, first_weight);
    if (!run)
        return broken("rolled-back",
                      concat("v3 was not rolled back: ", how, " without any measurement"));
    std::vector<std::string> values;
    for (const auto& metric : run->metrics) values.push_back(values_of(metric));
    return broken("rolled-back", concat("v3 was not rolled back: ", how, ", for its measurements ",
                                        "were good (", sluice::join(values, "; "), ")"));
}

Result<void> check_weight_zero(const Promise& promise, TimePoint verdict,
                               std::optional<TimePoint> route_zero,
                               std::optional<TimePoint> last_bad_answer) {
    if (!route_zero) return broken("weight-zero", "the route never went back to 0");
    const auto late = [&](const char* what, TimePoint when) -> Result<void> {
        if (when - verdict <= promise.to_zero) return {};
        return broken("weight-zero", concat(what, " ", (when - verdict).count(),
                                            " ms after the failed verdict, and ",
                                            promise.to_zero.count(), " ms are allowed"));
    };
    TRY(late("the route said 0", *route_zero));
    if (last_bad_answer) TRY(late("the bad version still answered", *last_bad_answer));
    return {};
}

Result<void> check_restored_first(std::optional<TimePoint> last_bad_answer,
                                  TimePoint revert_pushed) {
    if (!last_bad_answer || *last_bad_answer <= revert_pushed) return {};
    return broken("restored-first",
                  concat("the revert was pushed ", (*last_bad_answer - revert_pushed).count(),
                         " ms before the last answer of the bad version"));
}

Result<void> check_one_revert(const std::vector<Commit>& since_bad) {
    if (since_bad.size() == 1) return {};
    std::vector<std::string> subjects;
    for (const auto& commit : since_bad) {
        const auto first_line = commit.message.substr(0, commit.message.find('\n'));
        subjects.push_back(concat(commit.id.substr(0, 8), " ", first_line));
    }
    return broken("one-revert", concat("there must be one commit after the bad one, and there are ",
                                       since_bad.size(), ": ", sluice::join(subjects, "; ")));
}

Result<void> check_revert(const Commit& revert, const std::string& bad_commit,
                          const std::string& file) {
    if (revert.message.find(concat("This reverts commit ", bad_commit)) == std::string::npos)
        return broken("revert-names-bad", concat("commit ", revert.id, " does not say that it ",
                                                 "reverts commit ", bad_commit));
    if (revert.files != std::vector{file})
        return broken("revert-names-bad",
                      concat("commit ", revert.id, " changes ", sluice::join(revert.files, ", "),
                             " and not ", file, " alone"));
    return {};
}

Result<void> check_still(const Picture& picture, TimePoint since) {
    for (const auto& change : picture.weights)
        if (change.at > since && change.canary > 0)
            return broken("still", concat("a canary got ", change.canary, " % after the revert"));
    for (const auto& birth : picture.births)
        if (birth.at > since)
            return broken("still",
                          concat(birth.kind, " ", birth.name, " came to be after the revert"));
    return {};
}

Result<std::string> check_told(const RolloutState& rollout, const std::string& prometheus) {
    const std::string& text = rollout.trouble_message;
    const auto quoted = [&](std::string_view lacking) {
        return broken("told", concat("the condition ", lacking, ": \"", text, "\""));
    };
    if (rollout.trouble != "MeasurementError")
        return broken("told", concat("the condition has the reason \"", rollout.trouble, "\""));
    if (!text.starts_with("metric ")) return quoted("names no metric");
    if (text.find(prometheus) == std::string::npos) return quoted("does not say who failed");
    const auto since = text.find(", since ");
    if (since == std::string::npos || !sluice::parse_rfc3339(text.substr(since + 8, 20)).ok())
        return quoted("does not say since when");
    constexpr std::string_view before = "to go on without it: ";
    const auto command = text.find(before);
    if (command == std::string::npos) return quoted("names no command");
    return text.substr(command + before.size());
}

Result<void> check_on_time(Duration took, Duration limit) {
    if (took <= limit) return {};
    return broken("on-time", concat("the story took ", took.count() / 1000, " s, and ",
                                    limit.count() / 1000, " s are allowed"));
}

const Json* find_record(const std::vector<Json>& records, std::string_view kind,
                        std::string_view commit, int weight) {
    for (const auto& record : records) {
        if (text_at(record, {"kind"}) != kind) continue;
        if (text_at(record, {"source", "commit"}) != commit) continue;
        if (weight < 0) return &record;
        const Json* steps = find(record, {"steps"});
        if (!steps || !steps->is_array() || steps->empty()) continue;
        // A step's record tells the way so far: its own step is the last one that it lists.
        if (integer_at(steps->back(), {"weight"}, -1) == weight) return &record;
    }
    return nullptr;
}

Result<void> check_evidence(const Json& record) {
    if (text_at(record, {"cause", "text"}).empty())
        return broken("evidence", "the record of the rollback gives no cause");
    const Json* steps = find(record, {"steps"});
    if (!steps || !steps->is_array() || steps->empty())
        return broken("evidence", "the record of the rollback lists no steps");
    const Json* checks = find(steps->back(), {"checks"});
    if (!checks || !checks->is_array() || checks->empty())
        return broken("evidence", "the last step of the rollback's record has no checks");
    for (const auto& check : *checks)
        if (!text_at(check, {"name"}).empty() && check.contains("value")) return {};
    return broken("evidence", "no check in the rollback's record has a name and a value");
}

}  // namespace story
