// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/job_controller.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::workloads {

JobController::JobController(const kube::Client& client, kube::Cache<JobView>& jobs,
                             kube::Cache<PodView>& pods, const Clock& clock, Log& log)
    : client_(client),
      jobs_(jobs),
      pods_(pods),
      clock_(clock),
      log_(log),
      reconciler_(
          {.name = "job"}, [this](const std::string& key) { return reconcile(key); }, clock, log) {
    jobs_.listen(
        [this](const std::string& key, const JobView*, const JobView*) { reconciler_.add(key); });
    pods_.listen([this](const std::string&, const PodView* old, const PodView* fresh) {
        for (const auto* pod : {old, fresh})
            if (pod && pod->controller && pod->controller->kind == "Job")
                reconciler_.add(key_of(pod->ns, pod->controller->name));
    });
}

Result<std::optional<Duration>> JobController::reconcile(const std::string& key) {
    const auto job = jobs_.get(key);
    if (!job) return std::optional<Duration>{};
    std::vector<PodView> pods;
    for (const auto& pod : pods_.in_namespace(job->ns)) pods.push_back(*pod);
    const auto decision = decide_job(*job, pods, clock_.now());
    if (decision.acts()) return act(*job);
    TRY(write_status(*job, decision.status));
    return decision.look_again;
}

Result<std::optional<Duration>> JobController::act(const JobView& cached) {
    const ObjectRef ref{resources::jobs, cached.ns, cached.name};
    const auto live = client_.get(ref);
    if (live.failed_with(ErrorKind::NotFound)) return std::optional<Duration>{};
    if (!live.ok()) return live.error();
    std::vector<PodView> pods;
    for (const auto& document : TRY(client_.list(resources::pods, {.ns = cached.ns})).items)
        pods.push_back(decode_pod_view(document));
    const auto job = decode_job_view(*live);
    const auto decision = decide_job(job, pods, clock_.now());
    if (decision.remove_job) {
        log_.info("removed job whose time is over", {{"job", key_of(job.ns, job.name)}});
        const auto gone = client_.remove(ref, {.uid = job.uid, .propagation = "Foreground"});
        if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound)) return gone.error();
        return std::optional<Duration>{};
    }
    // What is said of it first, so that its pods are not asked for once more after a kill.
    TRY(write_status(job, decision.status));
    for (long i = 0; i < decision.create; ++i) TRY(create_pod(*live));
    for (const auto& name : decision.remove)
        TRY(remove_pod(*std::ranges::find(pods, name, &PodView::name)));
    return decision.look_again;
}

Result<void> JobController::create_pod(const Json& job) {
    for (int attempt = 0;; ++attempt) {
        const auto made = client_.create(resources::pods, job_pod(job, suffixes_.next()));
        if (made.ok()) return {};
        if (!made.failed_with(ErrorKind::AlreadyExists) || attempt == 4) return made.error();
    }
}

Result<void> JobController::remove_pod(const PodView& pod) {
    const auto gone = client_.remove({resources::pods, pod.ns, pod.name}, {.uid = pod.uid});
    if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound)) return gone.error();
    return {};
}

Result<void> JobController::write_status(const JobView& job, const JobStatus& status) {
    if (status == job.status || job.deleting) return {};
    const auto written = client_.patch({resources::jobs, job.ns, job.name}, kube::PatchType::Merge,
                                       {{"status", encode_status(status)}}, "status");
    if (!written.ok() && !written.failed_with(ErrorKind::NotFound)) return written.error();
    return {};
}

}  // namespace sluice::standalone::workloads
