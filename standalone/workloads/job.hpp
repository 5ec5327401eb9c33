// SPDX-License-Identifier: Apache-2.0
// What a Job needs next, as kube-controller-manager decides it: pure. Behaviour follows
// https://kubernetes.io/docs/concepts/workloads/controllers/job/. Not served: indexed completion,
// pod failure policies and success policies.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "standalone/workloads/objects.hpp"

namespace sluice::standalone::workloads {

struct JobCondition {
    std::string type;
    std::string status;
    std::string reason;
    std::string message;
    TimePoint transitioned;  // whole seconds
    bool operator==(const JobCondition&) const = default;
};

struct JobStatus {
    long active = 0;
    long ready = 0;
    long terminating = 0;
    long succeeded = 0;  // never falls: a pod that ended well counts when it is deleted, too
    long failed = 0;     // the same
    std::optional<TimePoint> started;
    std::optional<TimePoint> completed;
    std::vector<JobCondition> conditions;
    bool operator==(const JobStatus&) const = default;

    [[nodiscard]] bool has(std::string_view type) const;
    [[nodiscard]] bool finished() const { return has("Complete") || has("Failed"); }
};

struct JobView {
    std::string ns;
    std::string name;
    std::string uid;
    LabelSelector selector;
    bool deleting = false;
    bool suspended = false;
    bool restarts_containers = false;  // restartPolicy OnFailure
    long parallelism = 1;
    std::optional<long> completions;  // nothing: done when one pod has ended well
    long backoff_limit = 6;
    std::optional<Duration> active_deadline;
    std::optional<Duration> time_to_live;  // after it has finished
    JobStatus status;
    bool operator==(const JobView&) const = default;
};

struct JobDecision {
    long create = 0;
    std::vector<std::string> remove;  // names of pods
    bool remove_job = false;          // its time to live is over
    JobStatus status;
    std::optional<Duration> look_again;
    bool operator==(const JobDecision&) const = default;

    [[nodiscard]] bool acts() const { return create > 0 || !remove.empty() || remove_job; }
};

// `pods`: those of the namespace.
JobDecision decide_job(const JobView& job, const std::vector<PodView>& pods, TimePoint now);

// Never fails: what is missing or of another type is as by default.
JobView decode_job_view(const Json& job);
Json encode_status(const JobStatus& status);
// The pod that the Job document asks for, named and owned.
Json job_pod(const Json& job, const std::string& suffix);

}  // namespace sluice::standalone::workloads
