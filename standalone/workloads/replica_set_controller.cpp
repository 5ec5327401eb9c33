// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/replica_set_controller.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

const Json* document_named(const std::vector<Json>& documents, const std::string& name) {
    for (const auto& document : documents)
        if (text_at(document, {"metadata", "name"}) == name) return &document;
    return nullptr;
}

// Ours added or taken away; the resourceVersion makes it a compare-and-swap.
Json owner_patch(const Json& pod, const Json& replica_set, bool ours) {
    Json owners = Json::array();
    const auto uid = text_at(replica_set, {"metadata", "uid"});
    if (const Json* current = find(pod, {"metadata", "ownerReferences"}))
        for (const auto& owner : *current)
            if (text_at(owner, {"uid"}) != uid) owners.push_back(owner);
    if (ours) owners.push_back(controller_reference(replica_set));
    return {{"metadata",
             {{"resourceVersion", text_at(pod, {"metadata", "resourceVersion"})},
              {"ownerReferences", owners}}}};
}

Json status_json(const ReplicaSetStatus& status) {
    return {{"replicas", status.replicas},
            {"fullyLabeledReplicas", status.fully_labeled},
            {"readyReplicas", status.ready},
            {"availableReplicas", status.available},
            {"observedGeneration", status.observed_generation}};
}

}  // namespace

ReplicaSetController::ReplicaSetController(const kube::Client& client,
                                           kube::Cache<ReplicaSetView>& replica_sets,
                                           kube::Cache<PodView>& pods, const Clock& clock, Log& log)
    : client_(client),
      replica_sets_(replica_sets),
      pods_(pods),
      clock_(clock),
      log_(log),
      reconciler_(
          {.name = "replicaset"}, [this](const std::string& key) { return reconcile(key); }, clock,
          log) {
    replica_sets_.listen([this](const std::string& key, const ReplicaSetView*,
                                const ReplicaSetView*) { reconciler_.add(key); });
    pods_.listen([this](const std::string&, const PodView* old, const PodView* fresh) {
        if (old) on_pod(*old);
        if (fresh) on_pod(*fresh);
    });
}

void ReplicaSetController::on_pod(const PodView& pod) {
    if (pod.controller) {
        if (pod.controller->kind == "ReplicaSet")
            reconciler_.add(key_of(pod.ns, pod.controller->name));
        return;
    }
    for (const auto& rs : replica_sets_.in_namespace(pod.ns))
        if (matches(rs->selector, pod.labels)) reconciler_.add(key_of(rs->ns, rs->name));
}

Result<std::optional<Duration>> ReplicaSetController::reconcile(const std::string& key) {
    const auto rs = replica_sets_.get(key);
    if (!rs) return std::optional<Duration>{};
    std::vector<PodView> pods;
    for (const auto& pod : pods_.in_namespace(rs->ns)) pods.push_back(*pod);
    const auto decision = decide_replica_set(*rs, pods, clock_.now());
    if (decision.acts()) return act(*rs);
    TRY(write_status(*rs, decision.status));
    return decision.look_again;
}

Result<std::optional<Duration>> ReplicaSetController::act(const ReplicaSetView& cached) {
    const auto live = client_.get({resources::replica_sets, cached.ns, cached.name});
    if (live.failed_with(ErrorKind::NotFound)) return std::optional<Duration>{};
    if (!live.ok()) return live.error();
    const auto documents = TRY(client_.list(resources::pods, {.ns = cached.ns})).items;
    std::vector<PodView> pods;
    for (const auto& document : documents) pods.push_back(decode_pod_view(document));
    const auto rs = decode_replica_set_view(*live);
    const auto decision = decide_replica_set(rs, pods, clock_.now());
    TRY(adopt_or_release(decision, *live, documents));
    TRY(scale(decision, *live, documents));
    TRY(write_status(rs, decision.status));
    return decision.look_again;
}

Result<void> ReplicaSetController::adopt_or_release(const ReplicaSetDecision& decision,
                                                    const Json& replica_set,
                                                    const std::vector<Json>& pods) {
    const auto write = [&](const std::string& name, bool ours) -> Result<void> {
        const Json* pod = document_named(pods, name);
        const auto written =
            client_.patch({resources::pods, text_at(*pod, {"metadata", "namespace"}), name},
                          kube::PatchType::Merge, owner_patch(*pod, replica_set, ours));
        if (!written.ok() && !written.failed_with(ErrorKind::NotFound)) return written.error();
        return {};
    };
    if (!decision.adopt.empty() && TRY(may_adopt(replica_set)))
        for (const auto& name : decision.adopt) TRY(write(name, true));
    for (const auto& name : decision.release) TRY(write(name, false));
    return {};
}

// One that has been told to go since it was read must not take back the pods that it lost by that.
Result<bool> ReplicaSetController::may_adopt(const Json& replica_set) {
    const auto live =
        client_.get({resources::replica_sets, text_at(replica_set, {"metadata", "namespace"}),
                     text_at(replica_set, {"metadata", "name"})});
    if (live.failed_with(ErrorKind::NotFound)) return false;
    if (!live.ok()) return live.error();
    return !find(*live, {"metadata", "deletionTimestamp"}) &&
           text_at(*live, {"metadata", "uid"}) == text_at(replica_set, {"metadata", "uid"});
}

Result<void> ReplicaSetController::create_pod(const Json& replica_set) {
    for (int attempt = 0;; ++attempt) {
        const auto made =
            client_.create(resources::pods, pod_from_template(replica_set, suffixes_.next()));
        if (made.ok()) return {};
        // Somebody else's pod has that name: another one will be free.
        if (!made.failed_with(ErrorKind::AlreadyExists) || attempt == 4) return made.error();
    }
}

Result<void> ReplicaSetController::scale(const ReplicaSetDecision& decision,
                                         const Json& replica_set, const std::vector<Json>& pods) {
    const auto ns = text_at(replica_set, {"metadata", "namespace"});
    const auto name = text_at(replica_set, {"metadata", "name"});
    for (long i = 0; i < decision.create; ++i) TRY(create_pod(replica_set));
    for (const auto& pod : decision.remove) {
        const auto uid = text_at(*document_named(pods, pod), {"metadata", "uid"});
        const auto gone = client_.remove({resources::pods, ns, pod}, {.uid = uid});
        if (!gone.ok() && !gone.failed_with(ErrorKind::NotFound)) return gone.error();
    }
    if (decision.create > 0 || !decision.remove.empty())
        log_.info("scaled replica set", {{"replicaset", key_of(ns, name)},
                                         {"created", decision.create},
                                         {"removed", decision.remove.size()}});
    return {};
}

Result<void> ReplicaSetController::write_status(const ReplicaSetView& rs,
                                                const ReplicaSetStatus& status) {
    if (status == rs.status || rs.deleting) return {};
    const auto written =
        client_.patch({resources::replica_sets, rs.ns, rs.name}, kube::PatchType::Merge,
                      {{"status", status_json(status)}}, "status");
    if (!written.ok() && !written.failed_with(ErrorKind::NotFound)) return written.error();
    return {};
}

}  // namespace sluice::standalone::workloads
