// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/job.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::standalone::workloads {
namespace {

constexpr Duration first_back_off = std::chrono::seconds{10};
constexpr Duration longest_back_off = std::chrono::minutes{10};

struct JobPods {
    std::vector<const PodView*> active;
    std::vector<const PodView*> failed;
    long ready = 0;
    long terminating = 0;
    long succeeded = 0;
    long restarts = 0;  // of those that are active
};

JobPods pods_of(const JobView& job, const std::vector<PodView>& pods) {
    JobPods found;
    for (const auto& pod : pods) {
        if (!pod.controller || pod.controller->uid != job.uid) continue;
        if (pod.phase == "Succeeded") {
            ++found.succeeded;
        } else if (pod.phase == "Failed") {
            found.failed.push_back(&pod);
        } else if (pod.terminating) {
            ++found.terminating;
        } else {
            found.active.push_back(&pod);
            found.restarts += pod.all_restarts;
            if (pod.ready) ++found.ready;
        }
    }
    return found;
}

// One pass over one Job.
class JobPass final {
public:
    JobPass(const JobView& job, const std::vector<PodView>& pods, TimePoint now)
        : job_(job), now_(now), pods_(pods_of(job, pods)) {
        decision_.status = job.status;
    }

    JobDecision run() {
        if (job_.status.finished()) return wait_for_removal();
        if (job_.deleting) return decision_;
        count();
        note_suspension();
        if (!job_.suspended && !decision_.status.started) decision_.status.started = now_;
        if (job_.status.has("FailureTarget"))
            end("Failed");
        else if (job_.status.has("SuccessCriteriaMet"))
            end("Complete");
        else if (!fails())
            go_on();
        return decision_;
    }

private:
    JobDecision wait_for_removal() {
        if (!job_.time_to_live || job_.deleting) return decision_;
        TimePoint since;
        for (const auto& one : job_.status.conditions)
            if (one.type == "Complete" || one.type == "Failed") since = one.transitioned;
        const Duration left = since + *job_.time_to_live - now_;
        if (left <= Duration{0})
            decision_.remove_job = true;
        else
            decision_.look_again = left;
        return decision_;
    }

    void count() {
        auto& status = decision_.status;
        status.active = static_cast<long>(pods_.active.size());
        status.ready = pods_.ready;
        status.terminating = pods_.terminating;
        status.succeeded = std::max(status.succeeded, pods_.succeeded);
        status.failed = std::max(status.failed, static_cast<long>(pods_.failed.size()));
    }

    void set(const char* type, const char* status, const char* reason, const char* message) {
        JobCondition fresh{type, status, reason, message, now_};
        auto& all = decision_.status.conditions;
        const auto old = std::ranges::find(all, fresh.type, &JobCondition::type);
        if (old == all.end())
            all.push_back(std::move(fresh));
        else if (old->status != fresh.status)
            *old = std::move(fresh);
    }

    void note_suspension() {
        if (job_.suspended) {
            set("Suspended", "True", "JobSuspended", "Job suspended");
            decision_.status.started.reset();
        } else if (job_.status.has("Suspended")) {
            set("Suspended", "False", "JobResumed", "Job resumed");
            decision_.status.started = now_;
        }
    }

    // Its pods go first; what it came to is said once the last is gone.
    void end(const char* outcome) {
        const bool failed = std::string_view(outcome) == "Failed";
        for (const auto* pod : pods_.active) decision_.remove.push_back(pod->name);
        if (!pods_.active.empty() || pods_.terminating > 0) return;
        const auto& why = *std::ranges::find(decision_.status.conditions,
                                             failed ? "FailureTarget" : "SuccessCriteriaMet",
                                             &JobCondition::type);
        const JobCondition told = why;
        set(outcome, "True", told.reason.c_str(), told.message.c_str());
        if (!failed) decision_.status.completed = now_;
    }

    bool fails() {
        const auto refuse = [&](const char* reason, const char* message) {
            set("FailureTarget", "True", reason, message);
            end("Failed");
            return true;
        };
        const auto& status = decision_.status;
        const bool spent =
            job_.restarts_containers &&
            (job_.backoff_limit == 0 ? pods_.restarts > 0 : pods_.restarts >= job_.backoff_limit);
        if (status.failed > job_.backoff_limit || spent)
            return refuse("BackoffLimitExceeded", "Job has reached the specified backoff limit");
        if (!job_.active_deadline || !status.started) return false;
        const Duration left = *status.started + *job_.active_deadline - now_;
        if (left <= Duration{0})
            return refuse("DeadlineExceeded", "Job was active longer than specified deadline");
        decision_.look_again = left;
        return false;
    }

    void go_on() {
        const auto& status = decision_.status;
        const bool done = job_.completions ? status.succeeded >= *job_.completions
                                           : status.succeeded > 0 && status.active == 0;
        if (done && !job_.suspended) {
            set("SuccessCriteriaMet", "True", "CompletionsReached",
                "Reached expected number of succeeded pods");
            return end("Complete");
        }
        const long missing = wanted() - status.active;
        if (missing < 0) return shrink(-missing);
        if (missing == 0) return;
        // What is on its way out still runs.
        const long free = missing - std::min(missing, pods_.terminating);
        const Duration wait = back_off();
        if (free > 0 && wait <= Duration{0}) decision_.create = free;
        if (wait > Duration{0})
            decision_.look_again =
                decision_.look_again ? std::min(*decision_.look_again, wait) : wait;
    }

    [[nodiscard]] long wanted() const {
        const auto& status = decision_.status;
        if (job_.suspended) return 0;
        if (job_.completions)
            return std::max(0L, std::min(job_.parallelism, *job_.completions - status.succeeded));
        // Once one has ended well the others may end, and no more begin.
        return status.succeeded > 0 ? std::min(status.active, job_.parallelism) : job_.parallelism;
    }

    void shrink(long surplus) {
        auto pods = pods_.active;
        std::ranges::sort(pods, [](const auto* a, const auto* b) {
            return std::tuple(a->ready, -a->created.time_since_epoch().count(), a->name) <
                   std::tuple(b->ready, -b->created.time_since_epoch().count(), b->name);
        });
        for (long i = 0; i < surplus; ++i)
            decision_.remove.push_back(pods[static_cast<size_t>(i)]->name);
    }

    // How long no pod is made after the last failure: 10 s, 20 s, 40 s, …
    [[nodiscard]] Duration back_off() const {
        if (pods_.failed.empty()) return Duration{0};
        TimePoint last;
        for (const auto* pod : pods_.failed) last = std::max({last, pod->finished, pod->created});
        Duration wait = first_back_off;
        for (size_t i = 1; i < pods_.failed.size() && wait < longest_back_off; ++i) wait *= 2;
        return last + std::min(wait, longest_back_off) - now_;
    }

    const JobView& job_;
    TimePoint now_;
    JobPods pods_;
    JobDecision decision_;
};

}  // namespace

bool JobStatus::has(std::string_view type) const {
    return std::ranges::any_of(
        conditions, [&](const auto& one) { return one.type == type && one.status == "True"; });
}

JobDecision decide_job(const JobView& job, const std::vector<PodView>& pods, TimePoint now) {
    return JobPass(job, pods, std::chrono::floor<std::chrono::seconds>(now)).run();
}

}  // namespace sluice::standalone::workloads
