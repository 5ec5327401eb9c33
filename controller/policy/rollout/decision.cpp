// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/rollout/decision.hpp"

#include <array>

#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace sluice::policy::rollout {
namespace decision_text {

constexpr std::array<std::pair<RunPhase, const char*>, 7> phases{{
    {RunPhase::None, ""},
    {RunPhase::Pending, "Pending"},
    {RunPhase::Running, "Running"},
    {RunPhase::Successful, "Successful"},
    {RunPhase::Failed, "Failed"},
    {RunPhase::Error, "Error"},
    {RunPhase::Inconclusive, "Inconclusive"},
}};

std::string text(const UpdateReplicaSet& action) {
    std::string keys;
    for (const auto& [key, value] : action.annotations)
        keys += concat(" ", value ? "" : "-", key, value ? concat("=", *value) : "");
    if (action.anti_affinity) keys += concat(" antiAffinity=", action.anti_affinity->hash);
    if (action.min_ready_seconds) keys += concat(" minReadySeconds=", *action.min_ready_seconds);
    return concat("update ", action.name, keys);
}

std::string text(const InjectMetadata& action) {
    return concat("inject ", crds::pod_metadata_text(action.wanted), " into ", action.replica_set);
}

std::string text(const LabelPods& action) {
    return concat("label ", join(action.pods, " "), " with ",
                  crds::pod_metadata_text(action.wanted));
}

std::string text(const SetWeight& action) {
    std::string subsets;
    if (!action.canary_subset_hash.empty() || !action.stable_subset_hash.empty())
        subsets = concat(" subsets ", action.stable_subset_hash, "/", action.canary_subset_hash);
    return concat("set weight ", action.router, " ", action.weight, subsets);
}

std::string text(const SetScaleDownDeadline& action) {
    return action.deadline
               ? concat("scale down ", action.name, " at ", format_rfc3339(*action.deadline))
               : concat("keep ", action.name);
}

}  // namespace decision_text

std::string to_text(RunPhase phase) {
    for (const auto& [known, text] : decision_text::phases)
        if (known == phase) return text;
    return {};
}

RunPhase run_phase_from(const std::string& text) {
    for (const auto& [phase, known] : decision_text::phases)
        if (known == text) return phase;
    return RunPhase::None;
}

std::string to_text(RunType type) {
    switch (type) {
        case RunType::Step: return "Step";
        case RunType::Background: return "Background";
        case RunType::PrePromotion: return "PrePromotion";
        case RunType::PostPromotion: return "PostPromotion";
    }
    return {};
}

std::string to_text(const Action& action) {
    return match(
        action,  //
        [](const SetDefaultReplicas&) { return std::string("set replicas 1"); },
        [](const CreateReplicaSet& a) { return concat("create ", a.name); },
        [](const AdoptReplicaSet& a) { return concat("adopt ", a.name); },
        [](const UpdateReplicaSet& a) { return decision_text::text(a); },
        [](const InjectMetadata& a) { return decision_text::text(a); },
        [](const LabelPods& a) { return decision_text::text(a); },
        [](const SetRolloutRevision& a) { return concat("set revision ", a.revision); },
        [](const ScaleReplicaSet& a) {
            return concat("scale ", a.name, " ", a.from, " -> ", a.replicas);
        },
        [](const SetScaleDownDeadline& a) { return decision_text::text(a); },
        [](const PointService& a) { return concat("point ", a.service, " at ", a.hash); },
        [](const SetWeight& a) { return decision_text::text(a); },
        [](const StartAnalysis& a) { return concat("start ", a.name); },
        [](const TerminateAnalysis& a) { return concat("terminate ", a.name); },
        [](const EvictPod& a) { return concat("evict ", a.name); },
        [](const DeleteReplicaSet& a) { return concat("delete ", a.name); },
        [](const DeleteAnalysis& a) { return concat("delete ", a.name); });
}

}  // namespace sluice::policy::rollout
