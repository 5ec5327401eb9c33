// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/plants.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/rollout/decision.hpp"

namespace sluice::sim {
namespace {

using namespace policy::rollout;

long step_weight(const crds::RolloutSpec& spec, const crds::RolloutStatus& status) {
    const auto& steps = spec.canary->steps;
    const long index = status.current_step_index.value_or(0);
    if (index >= static_cast<long>(steps.size())) return 100;
    for (long i = index; i >= 0; --i)
        if (const auto* step = std::get_if<crds::SetWeightStep>(&steps[static_cast<size_t>(i)]))
            return step->weight;
    return 0;
}

bool under_way(const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
               const Observation& seen) {
    return spec.canary && !status.abort && !status.stable_rs.empty() &&
           status.stable_rs != status.current_pod_hash &&
           status.current_pod_hash == seen.rollout.template_hash;
}

SetWeight* asked_weight(Decision& decision) {
    for (auto& planned : decision.actions)
        if (auto* action = std::get_if<SetWeight>(&planned.action)) return action;
    return nullptr;
}

void route_before_ready(const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
                        const Observation& seen, Decision& decision) {
    const long wanted = step_weight(spec, status);
    if (asked_weight(decision)) return;
    for (const auto& route : seen.routes) {
        if (!route.problem.empty() || route.weight.value_or(0) >= wanted) continue;
        SetWeight action{.router = route.router, .weight = wanted};
        if (route.by_subset) {
            action.canary_subset_hash = status.current_pod_hash;
            action.stable_subset_hash = status.stable_rs;
        }
        decision.actions.insert(decision.actions.begin(), {action, {}});
    }
}

void skip_weight_check(const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
                       Decision& decision) {
    const auto index = decision.status.current_step_index;
    if (!index || index != status.current_step_index ||
        *index >= static_cast<long>(spec.canary->steps.size()))
        return;
    const auto* step =
        std::get_if<crds::SetWeightStep>(&spec.canary->steps[static_cast<size_t>(*index)]);
    const auto* asked = asked_weight(decision);
    if (step && asked && asked->weight == step->weight)
        decision.status.current_step_index = *index + 1;
}

void record_before_act(Decision& decision) {
    const auto* asked = asked_weight(decision);
    auto& weights = decision.status.canary.weights;
    if (!asked || !weights || weights->canary.weight == asked->weight) return;
    weights->canary.weight = asked->weight;
    weights->stable.weight = 100 - asked->weight;
    decision.actions.clear();
    decision.look_again_after = Duration{10};
}

void scale_before_verify(const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
                         const Observation& seen, Decision& decision) {
    const auto* asked = asked_weight(decision);
    if (!asked || !spec.canary->dynamic_stable_scale) return;
    const long replicas = spec.replicas.value_or(1);
    const long size = (replicas * (100 - asked->weight) + 99) / 100;
    for (const auto& set : seen.replica_sets)
        if (set.hash == status.stable_rs && set.spec_replicas > size)
            decision.actions.insert(
                decision.actions.begin(),
                {ScaleReplicaSet{set.name, set.spec_replicas, size, replicas}, {}});
}

// Makes the same commits anew on the new tip when it was not told what became of the first push.
class TwicePushing final : public git::Repository {
public:
    explicit TwicePushing(std::unique_ptr<git::Repository> inner) : inner_(std::move(inner)) {}

    Result<std::optional<git::Oid>> remote_tip(std::string_view branch) override {
        return inner_->remote_tip(branch);
    }
    Result<std::optional<git::Oid>> fetch(std::string_view branch) override {
        return inner_->fetch(branch);
    }
    Result<std::vector<git::TreeFile>> files(const git::Oid& commit,
                                             const std::vector<std::string>& paths) override {
        return inner_->files(commit, paths);
    }
    Result<std::optional<git::Oid>> blob_at(const git::Oid& commit,
                                            std::string_view path) override {
        return inner_->blob_at(commit, path);
    }
    Result<std::string> read(const git::Oid& blob, size_t limit) override {
        return inner_->read(blob, limit);
    }
    Result<git::CommitInfo> commit_info(const git::Oid& commit) override {
        return inner_->commit_info(commit);
    }
    Result<git::CommitInfo> last_change(const git::Oid& commit, std::string_view path,
                                        int depth) override {
        return inner_->last_change(commit, path, depth);
    }
    Result<bool> contains(const git::Oid& tip, const git::Oid& commit) override {
        return inner_->contains(tip, commit);
    }
    std::optional<git::Oid> last_fetched(std::string_view branch) override {
        return inner_->last_fetched(branch);
    }
    Result<git::Oid> commit(const std::optional<git::Oid>& parent,
                            const std::vector<git::TreeChange>& changes,
                            const git::Signature& author, std::string_view message) override {
        auto made = inner_->commit(parent, changes, author, message);
        if (made.ok()) made_.push_back({*made, changes, author, std::string(message)});
        return made;
    }
    Result<git::PushAnswer> push(const std::vector<git::RefUpdate>& updates) override {
        auto answer = inner_->push(updates);
        const bool reverts = std::any_of(updates.begin(), updates.end(), [](const auto& update) {
            return update.branch == "main";
        });
        // As if each answer to a revert were lost: by chance one is in hundreds of worlds.
        if (!reverts || !(answer.ok() || answer.failed_with(ErrorKind::Timeout))) return answer;
        std::vector<git::RefUpdate> again;
        for (const auto& update : updates) {
            if (update.branch != "main") continue;
            const auto tip = inner_->fetch(update.branch);
            const auto made = std::find_if(made_.begin(), made_.end(), [&](const auto& one) {
                return one.id == update.target;
            });
            if (!tip.ok() || made == made_.end()) return answer;
            const auto copy = inner_->commit(*tip, made->changes, made->author, made->message);
            if (!copy.ok()) return answer;
            again.push_back({update.branch, *tip, *copy});
        }
        return inner_->push(again);
    }

private:
    struct Made {
        git::Oid id;
        std::vector<git::TreeChange> changes;
        git::Signature author;
        std::string message;
    };
    std::unique_ptr<git::Repository> inner_;
    std::vector<Made> made_;
};

}  // namespace

const char* to_text(Plant plant) {
    switch (plant) {
        case Plant::None: return "none";
        case Plant::RouteBeforeReady: return "route before ready";
        case Plant::SkipWeightCheck: return "skip a weight check";
        case Plant::RecordBeforeAct: return "record before act";
        case Plant::DoubleRevert: return "double revert";
        case Plant::ScaleBeforeVerify: return "scale before verify";
    }
    return "";
}

shell::Rollouts::Decide planted_decide(Plant plant) {
    if (plant == Plant::None || plant == Plant::DoubleRevert) return decide;
    return [plant](const crds::RolloutSpec& spec, const crds::RolloutStatus& status,
                   const Observation& seen, TimePoint now) {
        Decision decision = decide(spec, status, seen, now);
        if (!under_way(spec, status, seen) || decision.status.abort) return decision;
        if (plant == Plant::RouteBeforeReady) route_before_ready(spec, status, seen, decision);
        if (plant == Plant::SkipWeightCheck) skip_weight_check(spec, status, decision);
        if (plant == Plant::RecordBeforeAct) record_before_act(decision);
        if (plant == Plant::ScaleBeforeVerify) scale_before_verify(spec, status, seen, decision);
        return decision;
    };
}

std::unique_ptr<git::Repository> planted_repository(Plant plant,
                                                    std::unique_ptr<git::Repository> inner) {
    if (plant != Plant::DoubleRevert) return inner;
    return std::make_unique<TwicePushing>(std::move(inner));
}

}  // namespace sluice::sim
