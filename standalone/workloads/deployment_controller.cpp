// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/deployment_controller.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

const Json* set_named(const std::vector<Json>& sets, const std::string& name) {
    for (const auto& one : sets)
        if (text_at(one, {"metadata", "name"}) == name) return &one;
    return nullptr;
}

ObjectRef reference_of(const Json& replica_set) {
    return {resources::replica_sets, text_at(replica_set, {"metadata", "namespace"}),
            text_at(replica_set, {"metadata", "name"})};
}

template <class T>
Result<void> unless_gone(const Result<T>& written) {
    if (!written.ok() && !written.failed_with(ErrorKind::NotFound)) return written.error();
    return {};
}

}  // namespace

DeploymentController::DeploymentController(const kube::Client& client,
                                           kube::Cache<DeploymentView>& deployments,
                                           kube::Cache<ReplicaSetView>& replica_sets,
                                           kube::Cache<PodView>& pods, const Clock& clock, Log& log)
    : client_(client),
      deployments_(deployments),
      replica_sets_(replica_sets),
      pods_(pods),
      clock_(clock),
      log_(log),
      reconciler_(
          {.name = "deployment"}, [this](const std::string& key) { return reconcile(key); }, clock,
          log) {
    deployments_.listen([this](const std::string& key, const DeploymentView*,
                               const DeploymentView*) { reconciler_.add(key); });
    replica_sets_.listen(
        [this](const std::string&, const ReplicaSetView* old, const ReplicaSetView* fresh) {
            if (old) on_replica_set(*old);
            if (fresh) on_replica_set(*fresh);
        });
    // Recreate waits for the last pod of the old version.
    pods_.listen([this](const std::string&, const PodView* old, const PodView* fresh) {
        if (fresh || !old || !old->controller || old->controller->kind != "ReplicaSet") return;
        if (const auto rs = replica_sets_.get(key_of(old->ns, old->controller->name)))
            on_replica_set(*rs);
    });
}

void DeploymentController::on_replica_set(const ReplicaSetView& rs) {
    if (rs.deployed.controller) {
        if (rs.deployed.controller->kind == "Deployment")
            reconciler_.add(key_of(rs.ns, rs.deployed.controller->name));
        return;
    }
    for (const auto& deployment : deployments_.in_namespace(rs.ns))
        if (matches(deployment->selector, rs.deployed.labels))
            reconciler_.add(key_of(deployment->ns, deployment->name));
}

std::set<std::string> DeploymentController::busy_sets(const std::string& ns) const {
    std::set<std::string> busy;
    for (const auto& pod : pods_.in_namespace(ns))
        if (pod->controller && pod->phase != "Succeeded" && pod->phase != "Failed")
            busy.insert(pod->controller->uid);
    return busy;
}

Result<std::optional<Duration>> DeploymentController::reconcile(const std::string& key) {
    const auto deployment = deployments_.get(key);
    if (!deployment) return std::optional<Duration>{};
    std::vector<ReplicaSetView> sets;
    for (const auto& rs : replica_sets_.in_namespace(deployment->ns)) sets.push_back(*rs);
    const auto decision =
        decide_deployment(*deployment, sets, busy_sets(deployment->ns), clock_.now());
    if (decision.acts()) return act(*deployment);
    TRY(write_status(*deployment, decision.status));
    return decision.look_again;
}

Result<std::optional<Duration>> DeploymentController::act(const DeploymentView& cached) {
    const auto live = client_.get({resources::deployments, cached.ns, cached.name});
    if (live.failed_with(ErrorKind::NotFound)) return std::optional<Duration>{};
    if (!live.ok()) return live.error();
    const auto documents = TRY(client_.list(resources::replica_sets, {.ns = cached.ns})).items;
    std::vector<ReplicaSetView> sets;
    for (const auto& document : documents) sets.push_back(decode_replica_set_view(document));
    const auto deployment = decode_deployment_view(*live);
    const auto decision = decide_deployment(deployment, sets, busy_sets(cached.ns), clock_.now());
    // What is said of it first: where a change then fails, the next pass finds the new ReplicaSet
    // there, and would not begin to count its progress deadline.
    TRY(write_status(deployment, decision.status));
    TRY(change(decision, *live, documents));
    return decision.look_again;
}

Result<void> DeploymentController::change(const DeploymentDecision& decision,
                                          const Json& deployment, const std::vector<Json>& sets) {
    for (const auto& name : decision.adopt) TRY(own(deployment, *set_named(sets, name), true));
    for (const auto& name : decision.release) TRY(own(deployment, *set_named(sets, name), false));
    if (decision.create) TRY(make(*decision.create, deployment));
    for (const auto& wanted : decision.change) {
        const Json& rs = *set_named(sets, wanted.name);
        Json patch = {{"spec", {{"replicas", wanted.replicas}}}};
        if (!wanted.annotations.empty()) patch["metadata"]["annotations"] = wanted.annotations;
        // Adopting it has given it another version.
        const bool adopted = std::ranges::count(decision.adopt, wanted.name) > 0;
        if (!adopted)
            patch["metadata"]["resourceVersion"] = text_at(rs, {"metadata", "resourceVersion"});
        if (const long ready = integer_at(deployment, {"spec", "minReadySeconds"});
            ready != integer_at(rs, {"spec", "minReadySeconds"}))
            patch["spec"]["minReadySeconds"] = ready;
        TRY(unless_gone(client_.patch(reference_of(rs), kube::PatchType::Merge, patch)));
    }
    for (const auto& name : decision.remove) {
        const Json& rs = *set_named(sets, name);
        TRY(unless_gone(client_.remove(reference_of(rs), {.uid = text_at(rs, {"metadata", "uid"}),
                                                          .propagation = "Background"})));
    }
    if (!decision.revision.empty()) TRY(note_revision(decision.revision, deployment));
    return {};
}

Result<void> DeploymentController::own(const Json& deployment, const Json& replica_set, bool ours) {
    const std::string uid = text_at(deployment, {"metadata", "uid"});
    Json owners = Json::array();
    if (const Json* current = find(replica_set, {"metadata", "ownerReferences"}))
        for (const auto& owner : *current)
            if (text_at(owner, {"uid"}) != uid) owners.push_back(owner);
    if (ours) {
        const auto live =
            client_.get({resources::deployments, text_at(deployment, {"metadata", "namespace"}),
                         text_at(deployment, {"metadata", "name"})});
        // One that is told to go takes nothing back.
        if (!live.ok() || find(*live, {"metadata", "deletionTimestamp"})) return unless_gone(live);
        owners.push_back(deployment_reference(deployment));
    }
    return unless_gone(
        client_.patch(reference_of(replica_set), kube::PatchType::Merge,
                      {{"metadata",
                        {{"resourceVersion", text_at(replica_set, {"metadata", "resourceVersion"})},
                         {"ownerReferences", owners}}}}));
}

Result<void> DeploymentController::make(const ReplicaSetChange& wanted, const Json& deployment) {
    const auto made = client_.create(resources::replica_sets, new_replica_set(deployment, wanted));
    if (made.ok()) {
        log_.info("made replica set",
                  {{"replicaset", key_of(text_at(*made, {"metadata", "namespace"}), wanted.name)}});
        return {};
    }
    if (!made.failed_with(ErrorKind::AlreadyExists)) return made.error();
    const std::string ns = text_at(deployment, {"metadata", "namespace"});
    const auto there = client_.get({resources::replica_sets, ns, wanted.name});
    if (!there.ok()) return there.error();
    const auto view = decode_replica_set_view(*there);
    if (view.deployed.controller &&
        view.deployed.controller->uid == text_at(deployment, {"metadata", "uid"}) &&
        view.deployed.template_digest == decode_deployment_view(deployment).template_digest)
        return {};
    // The hash of another template, or somebody else's: the next one is counted on.
    const long count = integer_at(deployment, {"status", "collisionCount"}) + 1;
    return unless_gone(
        client_.patch({resources::deployments, ns, text_at(deployment, {"metadata", "name"})},
                      kube::PatchType::Merge, {{"status", {{"collisionCount", count}}}}, "status"));
}

Result<void> DeploymentController::note_revision(const std::string& revision,
                                                 const Json& deployment) {
    return unless_gone(
        client_.patch({resources::deployments, text_at(deployment, {"metadata", "namespace"}),
                       text_at(deployment, {"metadata", "name"})},
                      kube::PatchType::Merge,
                      {{"metadata", {{"annotations", {{revision_annotation, revision}}}}}}));
}

Result<void> DeploymentController::write_status(const DeploymentView& deployment,
                                                const DeploymentStatus& status) {
    if (status == deployment.status || deployment.deleting) return {};
    return unless_gone(client_.patch({resources::deployments, deployment.ns, deployment.name},
                                     kube::PatchType::Merge, {{"status", encode_status(status)}},
                                     "status"));
}

}  // namespace sluice::standalone::workloads
