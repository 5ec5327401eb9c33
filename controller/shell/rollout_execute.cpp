// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/rollout_execute.hpp"

#include <nlohmann/json.hpp>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "controller/shell/execute_analysis.hpp"
#include "controller/shell/execute_route.hpp"
#include "controller/shell/projections.hpp"
#include "crds/pod_template.hpp"

namespace sluice::shell {
namespace {

using namespace policy::rollout;

struct Hands {
    const kube::Client& client;
    const crds::Rollout& rollout;

    ObjectRef own() const {
        return {resources::rollouts, rollout.metadata.ns, rollout.metadata.name};
    }
    ObjectRef beside(const ResourceType& type, const std::string& name) const {
        return {type, rollout.metadata.ns, name};
    }
};

// A write guarded by the resourceVersion of what was just read.
Result<Effect> guarded_merge(const Hands& hands, const ObjectRef& ref, const Json& live,
                             Json patch) {
    patch["metadata"]["resourceVersion"] = text_at(live, {"metadata", "resourceVersion"});
    const auto written = hands.client.patch(ref, kube::PatchType::Merge, patch);
    if (written.ok()) return Effect::Changed;
    if (written.failed_with(ErrorKind::Conflict) || written.failed_with(ErrorKind::NotFound))
        return Effect::Stale;
    return written.error();
}

// The object as the server has it now; nothing where it is gone, which makes a decision stale.
Result<std::optional<Json>> live(const Hands& hands, const ObjectRef& ref) {
    auto document = hands.client.get(ref);
    if (document.failed_with(ErrorKind::NotFound)) return std::optional<Json>{};
    if (!document.ok()) return document.error();
    return std::optional<Json>{std::move(*document)};
}

Json replica_set_document(const Hands& hands, const Json& rollout, const CreateReplicaSet& action) {
    Json pod_template = rollout["spec"]["template"];
    pod_template["metadata"]["labels"][crds::pod_template_hash_label] = action.hash;
    const Json labels = pod_template["metadata"]["labels"];
    apply_merge_patch(pod_template["metadata"],
                      crds::metadata_patch(pod_template["metadata"], {}, action.injected));
    if (action.anti_affinity)
        crds::add_anti_affinity(pod_template["spec"], *action.anti_affinity,
                                hands.rollout.metadata.ns);
    Json selector = rollout["spec"]["selector"];
    selector["matchLabels"][crds::pod_template_hash_label] = action.hash;
    Json document = {
        {"apiVersion", resources::replica_sets.api_version()},
        {"kind", resources::replica_sets.kind},
        {"metadata",
         {{"name", action.name},
          {"namespace", hands.rollout.metadata.ns},
          {"labels", labels},
          {"annotations", action.annotations},
          {"ownerReferences", Json::array({owner_reference(hands.rollout)})}}},
        {"spec", {{"replicas", 0}, {"selector", selector}, {"template", pod_template}}}};
    if (!action.injected.empty())
        document["metadata"]["annotations"][crds::ephemeral_metadata_annotation] =
            crds::pod_metadata_text(action.injected);
    if (action.min_ready_seconds > 0)
        document["spec"]["minReadySeconds"] = action.min_ready_seconds;
    return document;
}

Result<Effect> run(const Hands& hands, const CreateReplicaSet& action) {
    const auto rollout = TRY(live(hands, hands.own()));
    const Json* pod_template = rollout ? find(*rollout, {"spec", "template"}) : nullptr;
    if (!pod_template || crds::template_digest(*pod_template) != action.digest)
        return Effect::Stale;
    const auto created =
        hands.client.create(resources::replica_sets, replica_set_document(hands, *rollout, action));
    if (created.ok()) return Effect::Changed;
    if (!created.failed_with(ErrorKind::AlreadyExists)) return created.error();
    const auto there = TRY(live(hands, hands.beside(resources::replica_sets, action.name)));
    const bool ours =
        there && view_replica_set(*there).controller.uid == hands.rollout.metadata.uid;
    return ours ? Effect::Done : Effect::Stale;
}

Result<Effect> run(const Hands& hands, const SetDefaultReplicas&) {
    const auto rollout = TRY(live(hands, hands.own()));
    if (!rollout) return Effect::Stale;
    if (find(*rollout, {"spec", "replicas"})) return Effect::Done;
    return guarded_merge(hands, hands.own(), *rollout, {{"spec", {{"replicas", 1}}}});
}

Result<Effect> run(const Hands& hands, const AdoptReplicaSet& action) {
    const auto ref = hands.beside(resources::replica_sets, action.name);
    const auto document = TRY(live(hands, ref));
    if (!document || text_at(*document, {"metadata", "uid"}) != action.uid) return Effect::Stale;
    const auto controller = view_replica_set(*document).controller;
    if (controller.uid == hands.rollout.metadata.uid) return Effect::Done;
    if (!controller.uid.empty()) return Effect::Stale;
    Json owners = Json::array();
    if (const Json* there = find(*document, {"metadata", "ownerReferences"})) owners = *there;
    owners.push_back(owner_reference(hands.rollout));
    return guarded_merge(hands, ref, *document, {{"metadata", {{"ownerReferences", owners}}}});
}

// Sets (text) or removes (null) annotations that differ; true where one did.
bool add_annotation(const Json& live, Json& patch, const std::string& key,
                    const std::optional<std::string>& wanted) {
    const Json* there = find(live, {"metadata", "annotations", key});
    const bool same = wanted ? there && *there == Json(*wanted) : !there;
    if (same) return false;
    patch["metadata"]["annotations"][key] = wanted ? Json(*wanted) : Json(nullptr);
    return true;
}

bool replace_anti_affinity(const Hands& hands, const Json& live, Json& patch,
                           const UpdateReplicaSet& action) {
    Json spec = live.at("spec").at("template").at("spec");
    if (crds::anti_affinity_hash(spec) == action.anti_affinity->hash) return false;
    crds::drop_anti_affinity(spec);
    crds::add_anti_affinity(spec, *action.anti_affinity, hands.rollout.metadata.ns);
    // Lists are replaced whole; the other kinds of affinity are not named and stay.
    const char* const list = action.anti_affinity->preferred
                                 ? "preferredDuringSchedulingIgnoredDuringExecution"
                                 : "requiredDuringSchedulingIgnoredDuringExecution";
    patch["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"][list] =
        spec["affinity"]["podAntiAffinity"][list];
    return true;
}

Result<Effect> run(const Hands& hands, const UpdateReplicaSet& action) {
    const auto ref = hands.beside(resources::replica_sets, action.name);
    const auto document = TRY(live(hands, ref));
    if (!document) return Effect::Stale;
    Json patch = Json::object();
    bool differs = false;
    for (const auto& [key, value] : action.annotations)
        differs |= add_annotation(*document, patch, key, value);
    if (action.min_ready_seconds &&
        integer_at(*document, {"spec", "minReadySeconds"}) != *action.min_ready_seconds) {
        patch["spec"]["minReadySeconds"] = *action.min_ready_seconds;
        differs = true;
    }
    if (action.anti_affinity) differs |= replace_anti_affinity(hands, *document, patch, action);
    return differs ? guarded_merge(hands, ref, *document, std::move(patch)) : Effect::Done;
}

Result<Effect> run(const Hands& hands, const InjectMetadata& action) {
    const auto ref = hands.beside(resources::replica_sets, action.replica_set);
    const auto document = TRY(live(hands, ref));
    if (!document) return Effect::Stale;
    const auto injected = crds::read_pod_metadata(
        text_at(*document, {"metadata", "annotations", crds::ephemeral_metadata_annotation}));
    const Json* metadata = find(*document, {"spec", "template", "metadata"});
    Json change =
        crds::metadata_patch(metadata ? *metadata : Json::object(), injected, action.wanted);
    Json patch = Json::object();
    std::optional<std::string> noted;
    if (!action.noted.empty()) noted = crds::pod_metadata_text(action.noted);
    bool differs = add_annotation(*document, patch, crds::ephemeral_metadata_annotation, noted);
    if (!change.empty()) {
        patch["spec"]["template"]["metadata"] = std::move(change);
        differs = true;
    }
    return differs ? guarded_merge(hands, ref, *document, std::move(patch)) : Effect::Done;
}

Result<Effect> run(const Hands& hands, const LabelPods& action) {
    Effect effect = Effect::Done;
    for (const auto& name : action.pods) {
        const auto ref = hands.beside(resources::pods, name);
        const auto pod = TRY(live(hands, ref));
        if (!pod) continue;
        Json change = crds::metadata_patch((*pod)["metadata"], action.injected, action.wanted);
        if (change.empty()) continue;
        // No resourceVersion: a status that the kubelet writes meanwhile is no conflict.
        change["uid"] = text_at(*pod, {"metadata", "uid"});
        const auto written =
            hands.client.patch(ref, kube::PatchType::Merge, {{"metadata", change}});
        if (written.failed_with(ErrorKind::NotFound)) continue;
        if (written.failed_with(ErrorKind::Conflict)) return Effect::Stale;
        if (!written.ok()) return written.error();
        effect = Effect::Changed;
    }
    return effect;
}

Result<Effect> run(const Hands& hands, const SetRolloutRevision& action) {
    const auto document = TRY(live(hands, hands.own()));
    if (!document) return Effect::Stale;
    Json patch = Json::object();
    if (!add_annotation(*document, patch, crds::revision_annotation,
                        std::to_string(action.revision)))
        return Effect::Done;
    return guarded_merge(hands, hands.own(), *document, std::move(patch));
}

Result<Effect> run(const Hands& hands, const ScaleReplicaSet& action) {
    const auto ref = hands.beside(resources::replica_sets, action.name);
    const auto document = TRY(live(hands, ref));
    if (!document) return Effect::Stale;
    const long replicas = integer_at(*document, {"spec", "replicas"}, 1);
    if (replicas != action.from && replicas != action.replicas) return Effect::Stale;
    Json patch = Json::object();
    bool differs = add_annotation(*document, patch, crds::desired_replicas_annotation,
                                  std::to_string(action.desired_annotation));
    if (replicas != action.replicas) {
        patch["spec"]["replicas"] = action.replicas;
        differs = true;
    }
    return differs ? guarded_merge(hands, ref, *document, std::move(patch)) : Effect::Done;
}

Result<Effect> run(const Hands& hands, const SetScaleDownDeadline& action) {
    const auto ref = hands.beside(resources::replica_sets, action.name);
    const auto document = TRY(live(hands, ref));
    if (!document) return Effect::Stale;
    std::optional<std::string> wanted;
    if (action.deadline) wanted = format_rfc3339(*action.deadline);
    Json patch = Json::object();
    if (!add_annotation(*document, patch, crds::scale_down_deadline_annotation, wanted))
        return Effect::Done;
    return guarded_merge(hands, ref, *document, std::move(patch));
}

Result<Effect> run(const Hands& hands, const PointService& action) {
    const auto ref = hands.beside(resources::services, action.service);
    const auto document = TRY(live(hands, ref));
    if (!document) return Effect::Stale;
    const std::string hash =
        text_at(*document, {"spec", "selector", crds::pod_template_hash_label});
    if (hash != action.from && hash != action.hash) return Effect::Stale;
    Json patch = Json::object();
    bool differs =
        add_annotation(*document, patch, crds::managed_by_annotation, hands.rollout.metadata.name);
    if (hash != action.hash) {
        patch["spec"]["selector"][crds::pod_template_hash_label] = action.hash;
        differs = true;
    }
    return differs ? guarded_merge(hands, ref, *document, std::move(patch)) : Effect::Done;
}

Result<Effect> run(const Hands& hands, const SetWeight& action) {
    return set_weight(hands.client, hands.rollout, action);
}

Result<Effect> run(const Hands& hands, const StartAnalysis& action) {
    return start_analysis(hands.client, hands.rollout, action);
}

Result<Effect> run(const Hands& hands, const TerminateAnalysis& action) {
    const auto ref = hands.beside(resources::analysis_runs, action.name);
    const auto document = TRY(live(hands, ref));
    if (!document || bool_at(*document, {"spec", "terminate"})) return Effect::Done;
    return guarded_merge(hands, ref, *document, {{"spec", {{"terminate", true}}}});
}

Result<Effect> run(const Hands& hands, const EvictPod& action) {
    const auto ref = hands.beside(resources::pods, action.name);
    const auto pod = TRY(live(hands, ref));
    if (!pod || find(*pod, {"metadata", "deletionTimestamp"})) return Effect::Done;
    const auto evicted = hands.client.evict(ref, text_at(*pod, {"metadata", "uid"}));
    if (evicted.ok()) return *evicted ? Effect::Changed : Effect::Done;
    if (evicted.failed_with(ErrorKind::NotFound)) return Effect::Done;
    if (evicted.failed_with(ErrorKind::Conflict)) return Effect::Stale;
    return evicted.error();
}

Result<Effect> remove(const Hands& hands, const ObjectRef& ref,
                      const kube::DeleteOptions& options) {
    const auto removed = hands.client.remove(ref, options);
    if (removed.ok()) return Effect::Changed;
    if (removed.failed_with(ErrorKind::NotFound)) return Effect::Done;
    if (removed.failed_with(ErrorKind::Conflict)) return Effect::Stale;
    return removed.error();
}

Result<Effect> run(const Hands& hands, const DeleteReplicaSet& action) {
    const auto ref = hands.beside(resources::replica_sets, action.name);
    const auto document = TRY(live(hands, ref));
    if (!document) return Effect::Done;
    if (integer_at(*document, {"spec", "replicas"}, 1) != 0 ||
        integer_at(*document, {"status", "replicas"}) != 0)
        return Effect::Stale;
    return remove(hands, ref,
                  {.uid = action.uid,
                   .resource_version = text_at(*document, {"metadata", "resourceVersion"}),
                   .propagation = "Background"});
}

Result<Effect> run(const Hands& hands, const DeleteAnalysis& action) {
    return remove(hands, hands.beside(resources::analysis_runs, action.name),
                  {.uid = action.uid, .propagation = "Background"});
}

}  // namespace

Result<Effect> execute(const kube::Client& client, const crds::Rollout& rollout,
                       const policy::rollout::Action& action) {
    const Hands hands{client, rollout};
    return match(action, [&](const auto& each) { return run(hands, each); });
}

}  // namespace sluice::shell
