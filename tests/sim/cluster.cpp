// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/cluster.hpp"

#include "base/text.hpp"
#include "standalone/workloads/endpoint_slice.hpp"
#include "standalone/workloads/replica_set.hpp"

namespace sluice::sim {
namespace {

using namespace standalone::workloads;

std::vector<PodView> pod_views(Journals& journals) {
    std::vector<PodView> views;
    for (const auto& [key, pod] : journals.of(resources::pods).live())
        views.push_back(decode_pod_view(pod));
    return views;
}

Json status_json(const ReplicaSetStatus& status) {
    return {{"replicas", status.replicas},
            {"fullyLabeledReplicas", status.fully_labeled},
            {"readyReplicas", status.ready},
            {"availableReplicas", status.available},
            {"observedGeneration", status.observed_generation}};
}

}  // namespace

// Each thing is planned once until it has been looked at.
void Cluster::plan(const std::string& what, Duration delay) {
    if (!planned_.insert(what).second) return;
    stage_.after(delay, [this, what] {
        planned_.erase(what);
        const auto [kind, name] = split_key(what);
        if (kind == "rs")
            sync_replica_set(name);
        else
            sync_endpoints(name);
    });
}

void Cluster::noticed() {
    auto& chance = stage_.chance;
    const auto soon = [&] { return chance.between(1ms, slowness); };
    const auto& sets = journals_.of(resources::replica_sets);
    const auto& pods = journals_.of(resources::pods);
    const auto& services = journals_.of(resources::services);
    const bool pods_moved = pods_seen_ != pods.size();
    if (replica_sets_seen_ != sets.size() || pods_moved)
        for (const auto& [key, set] : sets.live())
            plan(key_of("rs", split_key(key).second), soon());
    if (services_seen_ != services.size() || pods_moved)
        for (const auto& [key, service] : services.live())
            plan(key_of("ep", split_key(key).second), soon());
    replica_sets_seen_ = sets.size();
    pods_seen_ = pods.size();
    services_seen_ = services.size();
}

void Cluster::sync_replica_set(const std::string& name) {
    const Json* found = journals_.find(resources::replica_sets, name);
    if (!found) return;
    const Json set = *found;
    const auto view = decode_replica_set_view(set);
    const auto decision = decide_replica_set(view, pod_views(journals_), stage_.now());
    for (long i = 0; i < decision.create; ++i) create_pod(set);
    for (const auto& pod : decision.remove) remove_pod(pod);
    if (decision.status != view.status)
        (void)stage_.outside.patch({resources::replica_sets, "shop", name}, kube::PatchType::Merge,
                                   {{"status", status_json(decision.status)}}, "status");
    if (decision.look_again) plan(key_of("rs", name), *decision.look_again);
}

void Cluster::create_pod(const Json& replica_set) {
    const Json pod = pod_from_template(replica_set, concat("p", ++pods_made_));
    const auto made = stage_.outside.create(resources::pods, pod);
    if (!made.ok()) return;
    const auto quality = quality_of(seed_, version_of(pod));
    if (quality.never_ready) return;
    const auto name = text_at(*made, {"metadata", "name"});
    const auto uid = text_at(*made, {"metadata", "uid"});
    stage_.after(stage_.chance.between(quality.ready_after, quality.ready_after * 2),
                 [this, name, uid] { set_ready(name, uid, true); });
}

void Cluster::set_ready(const std::string& pod, const std::string& uid, bool ready) {
    const Json* found = journals_.find(resources::pods, pod);
    if (!found || text_at(*found, {"metadata", "uid"}) != uid) return;
    stage_.trace.say(concat("pod ", pod, ready ? " ready" : " NOT ready"));
    const Json condition = {{"type", "Ready"},
                            {"status", ready ? "True" : "False"},
                            {"lastTransitionTime", format_rfc3339(stage_.now())}};
    const long number = parse_integer(pod.substr(pod.rfind('p') + 1)).value_or(0);
    const Json status = {{"phase", "Running"},
                         {"podIP", concat("127.64.", number / 250, ".", number % 250 + 1)},
                         {"conditions", Json::array({condition})}};
    (void)stage_.outside.patch({resources::pods, "shop", pod}, kube::PatchType::Merge,
                               {{"status", status}}, "status");
}

void Cluster::remove_pod(const std::string& name) {
    (void)stage_.outside.remove({resources::pods, "shop", name},
                                {.grace_period = std::chrono::seconds{0}});
}

void Cluster::harm_a_pod() {
    std::vector<std::pair<std::string, std::string>> ready;
    for (const auto& [key, pod] : journals_.of(resources::pods).live())
        if (decode_pod_view(pod).ready)
            ready.emplace_back(split_key(key).second, text_at(pod, {"metadata", "uid"}));
    if (ready.empty()) return;
    const auto [name, uid] = stage_.chance.of(ready);
    if (stage_.chance.permille(300)) {
        stage_.trace.say(concat("pod ", name, " evicted"));
        return remove_pod(name);
    }
    set_ready(name, uid, false);
    stage_.after(stage_.chance.between(500ms, 6s),
                 [this, name = name, uid = uid] { set_ready(name, uid, true); });
}

void Cluster::sync_endpoints(const std::string& service) {
    const Json* found = journals_.find(resources::services, service);
    if (!found) return;
    std::vector<Json> existing;
    for (const auto& [key, slice] : journals_.of(resources::endpoint_slices).live())
        if (text_at(slice, {"metadata", "labels", service_name_label}) == service)
            existing.push_back(slice);
    const auto decision =
        decide_endpoint_slices(decode_service_view(*found), pod_views(journals_), existing);
    for (const auto& slice : decision.create)
        (void)stage_.outside.create(resources::endpoint_slices, slice);
    for (const auto& slice : decision.replace)
        (void)stage_.outside.replace(resources::endpoint_slices, slice);
    for (const auto& name : decision.remove)
        (void)stage_.outside.remove({resources::endpoint_slices, "shop", name});
}

}  // namespace sluice::sim
