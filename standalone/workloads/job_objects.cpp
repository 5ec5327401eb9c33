// SPDX-License-Identifier: Apache-2.0
// Jobs as documents: read, and written.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/workloads/job.hpp"

namespace sluice::standalone::workloads {
namespace {

std::optional<TimePoint> time_at(const Json& object, std::initializer_list<std::string_view> path) {
    const auto when = parse_rfc3339(text_at(object, path));
    return when ? std::optional(*when) : std::nullopt;
}

std::optional<long> number_at(const Json& object, std::initializer_list<std::string_view> path) {
    const Json* value = find(object, path);
    return value && value->is_number_integer() ? std::optional(value->get<long>()) : std::nullopt;
}

std::optional<Duration> seconds_at(const Json& object,
                                   std::initializer_list<std::string_view> path) {
    const auto number = number_at(object, path);
    return number ? std::optional<Duration>(std::chrono::seconds{*number}) : std::nullopt;
}

JobStatus decode_job_status(const Json& job) {
    JobStatus status{
        integer_at(job, {"status", "active"}),      integer_at(job, {"status", "ready"}),
        integer_at(job, {"status", "terminating"}), integer_at(job, {"status", "succeeded"}),
        integer_at(job, {"status", "failed"}),      time_at(job, {"status", "startTime"}),
        time_at(job, {"status", "completionTime"})};
    const Json* list = find(job, {"status", "conditions"});
    if (!list || !list->is_array()) return status;
    for (const auto& one : *list)
        status.conditions.push_back({text_at(one, {"type"}), text_at(one, {"status"}),
                                     text_at(one, {"reason"}), text_at(one, {"message"}),
                                     time_at(one, {"lastTransitionTime"}).value_or(TimePoint{})});
    return status;
}

}  // namespace

JobView decode_job_view(const Json& job) {
    return {
        .ns = text_at(job, {"metadata", "namespace"}),
        .name = text_at(job, {"metadata", "name"}),
        .uid = text_at(job, {"metadata", "uid"}),
        .selector = decode_selector(find(job, {"spec", "selector"})),
        .deleting = find(job, {"metadata", "deletionTimestamp"}) != nullptr,
        .suspended = bool_at(job, {"spec", "suspend"}),
        .restarts_containers =
            text_at(job, {"spec", "template", "spec", "restartPolicy"}) == "OnFailure",
        .parallelism = integer_at(job, {"spec", "parallelism"}, 1),
        .completions = number_at(job, {"spec", "completions"}),
        .backoff_limit = integer_at(job, {"spec", "backoffLimit"}, 6),
        .active_deadline = seconds_at(job, {"spec", "activeDeadlineSeconds"}),
        .time_to_live = seconds_at(job, {"spec", "ttlSecondsAfterFinished"}),
        .status = decode_job_status(job),
    };
}

Json encode_status(const JobStatus& status) {
    // Null, so that a merge patch takes it away.
    const auto number = [](long value) { return value == 0 ? Json() : Json(value); };
    const auto time = [](const std::optional<TimePoint>& when) {
        return when ? Json(format_rfc3339(*when)) : Json();
    };
    Json encoded = {
        {"active", number(status.active)},   {"succeeded", number(status.succeeded)},
        {"failed", number(status.failed)},   {"ready", status.ready},
        {"terminating", status.terminating}, {"uncountedTerminatedPods", Json::object()},
        {"startTime", time(status.started)}, {"completionTime", time(status.completed)},
        {"conditions", Json::array()}};
    for (const auto& one : status.conditions) {
        const std::string when = format_rfc3339(one.transitioned);
        encoded["conditions"].push_back({{"type", one.type},
                                         {"status", one.status},
                                         {"reason", one.reason},
                                         {"message", one.message},
                                         {"lastProbeTime", when},
                                         {"lastTransitionTime", when}});
    }
    if (status.conditions.empty()) encoded["conditions"] = nullptr;
    return encoded;
}

Json job_pod(const Json& job, const std::string& suffix) {
    const std::string name = text_at(job, {"metadata", "name"});
    Json metadata = Json::object();
    for (const auto* kept : {"labels", "annotations", "finalizers"})
        if (const Json* value = find(job, {"spec", "template", "metadata", kept}))
            metadata[kept] = *value;
    metadata["generateName"] = concat(name, "-");
    metadata["name"] = concat(name, "-", suffix);
    metadata["namespace"] = text_at(job, {"metadata", "namespace"});
    metadata["ownerReferences"] = Json::array({{{"apiVersion", "batch/v1"},
                                                {"kind", "Job"},
                                                {"name", name},
                                                {"uid", text_at(job, {"metadata", "uid"})},
                                                {"controller", true},
                                                {"blockOwnerDeletion", true}}});
    const Json* spec = find(job, {"spec", "template", "spec"});
    return {{"apiVersion", "v1"},
            {"kind", "Pod"},
            {"metadata", metadata},
            {"spec", spec ? *spec : Json::object()}};
}

}  // namespace sluice::standalone::workloads
