// SPDX-License-Identifier: Apache-2.0
// A small world for stories about rollouts: it carries out decisions at once and faithfully, makes
// pods ready unless told otherwise, and checks after every step what must always hold.
#pragma once

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/overloaded.hpp"
#include "base/text.hpp"
#include "controller/policy/rollout/decision.hpp"
#include "crds/pod_template.hpp"
#include "crds/rollout.hpp"
#include "tests/scenarios/rollout_pods.hpp"

namespace sluice::policy::rollout::story {

class World {
public:
    // `rollout` as a manifest: without status, template by its container's image "name:version".
    explicit World(Json rollout) : rollout_(std::move(rollout)) {
        rollout_["metadata"]["uid"] = "uid";
        rollout_["metadata"]["generation"] = 1;
        rollout_["status"] = Json::object();
        const crds::Rollout decoded = crds::decode_rollout(rollout_);
        by_subset_ = decoded.spec.canary && decoded.spec.canary->traffic_routing &&
                     decoded.spec.canary->traffic_routing->istio &&
                     decoded.spec.canary->traffic_routing->istio->destination_rule;
        if (!decoded.spec.canary) return;
        for (const auto& name :
             {decoded.spec.canary->canary_service, decoded.spec.canary->stable_service})
            if (!name.empty()) services_[name] = {.name = name, .selector = {{"app", "shop"}}};
        if (!decoded.spec.canary->traffic_routing) return;
        if (decoded.spec.canary->traffic_routing->nginx) routes_.push_back({.router = "Nginx"});
        if (decoded.spec.canary->traffic_routing->istio)
            routes_.push_back({.router = "Istio", .weight = 0, .by_subset = by_subset_});
    }

    // ---- what users, pods and analysis do ----
    void set_image(const std::string& image) {
        rollout_["spec"]["template"]["spec"]["containers"][0]["image"] = image;
        bump();
    }
    void patch_spec(const Json& patch) {
        rollout_["spec"].merge_patch(patch);
        bump();
    }
    void patch_status(const Json& patch) { rollout_["status"].merge_patch(patch); }
    void finish_runs(const std::string& phase, const std::string& message) {
        for (auto& run : runs_)
            if (run.phase == RunPhase::Running) {
                run.phase = run_phase_from(phase);
                run.message = message;
            }
    }
    void hold_pods(const std::string& version) { held_.insert(version); }
    void release_pods(const std::string& version) {
        held_.erase(version);
        most_ready_.erase(version);
    }
    // No more than these become ready.
    void limit_ready(const std::string& version, long most) { most_ready_[version] = most; }
    void finish_steps(const std::string& phase) {
        for (auto& run : runs_)
            if (run.phase == RunPhase::Running && run.type == RunType::Step)
                run.phase = run_phase_from(phase);
    }
    // Weights are asked for in vain.
    void stick_routes(bool stuck) { stuck_ = stuck; }
    void refuse_routes(const std::string& problem) {
        for (auto& route : routes_) route.problem = problem;
    }
    void take_name(bool taken) { name_taken_ = taken; }

    // Decides and executes until nothing changes. False where it does not come to rest.
    bool settle(TimePoint now) {
        for (int i = 0; i < 100; ++i)
            if (!pass(now)) return true;
        return stuck_;
    }

    // ---- what can be seen; versions stand for hashes ----
    [[nodiscard]] crds::RolloutStatus status() const {
        return crds::decode_rollout(rollout_).status;
    }
    [[nodiscard]] std::vector<std::string> take_actions() { return std::exchange(actions_, {}); }
    [[nodiscard]] std::vector<std::string> take_events() { return std::exchange(events_, {}); }
    [[nodiscard]] std::vector<std::string> take_reasons() { return std::exchange(reasons_, {}); }
    [[nodiscard]] const std::vector<std::string>& broken() const { return broken_; }
    [[nodiscard]] std::map<std::string, long> pods() const {
        std::map<std::string, long> sizes;
        for (const auto& set : sets_)
            if (set.spec_replicas > 0) sizes[version_of(set.hash)] = set.spec_replicas;
        return sizes;
    }
    [[nodiscard]] long weight() const {
        long highest = 0;
        for (const auto& route : routes_) highest = std::max(highest, route.weight.value_or(0));
        return highest;
    }
    [[nodiscard]] std::string service(const std::string& name) const {
        const auto found = services_.find(name);
        if (found == services_.end()) return "absent";
        const auto hash = found->second.selector.find(crds::pod_template_hash_label);
        return hash == found->second.selector.end() ? "" : version_of(hash->second);
    }
    [[nodiscard]] std::string version_of(const std::string& hash) const {
        const auto found = versions_.find(hash);
        return found == versions_.end() ? hash : found->second;
    }
    // The text with versions in place of hashes.
    [[nodiscard]] std::string named(std::string text) const {
        for (const auto& [hash, version] : versions_)
            for (size_t at = text.find(hash); at != std::string::npos; at = text.find(hash))
                text.replace(at, hash.size(), version);
        return text;
    }
    [[nodiscard]] std::optional<Duration> look_again() const { return look_again_; }
    [[nodiscard]] std::map<std::string, std::vector<std::string>> carried() const {
        std::map<std::string, std::vector<std::string>> all;
        for (auto& [pod, texts] : pods_.carried()) all[named(pod)] = texts;
        return all;
    }
    [[nodiscard]] std::vector<std::string> revisions() const {
        std::vector<std::string> lines;
        for (const auto& set : sets_)
            lines.push_back(concat(version_of(set.hash), "=", set.revision));
        return lines;
    }

private:
    void bump() {
        rollout_["metadata"]["generation"] = integer_at(rollout_, {"metadata", "generation"}) + 1;
    }

    [[nodiscard]] static std::string version_in(const Json& pod_template) {
        const std::string image = pod_template["spec"]["containers"][0].value("image", "");
        return image.substr(image.rfind(':') + 1);
    }

    // Ready pods of what a Service selects.
    [[nodiscard]] std::map<std::string, long> endpoints_of(const ServiceSeen& service) const {
        std::map<std::string, long> counts;
        const auto wanted = service.selector.find(crds::pod_template_hash_label);
        for (const auto& set : sets_)
            if (wanted == service.selector.end() || wanted->second == set.hash)
                counts[set.hash] += set.available_replicas;
        return counts;
    }

    void run_pods(TimePoint now) {
        for (auto& set : sets_) {
            set.replicas = set.spec_replicas;
            const bool held = held_.contains(version_of(set.hash));
            long ready =
                held ? std::min(set.available_replicas, set.spec_replicas) : set.spec_replicas;
            if (const auto most = most_ready_.find(version_of(set.hash)); most != most_ready_.end())
                ready = std::min(ready, most->second);
            set.ready_replicas = ready;
            set.available_replicas = ready;
            pods_.make(set, now);
        }
        for (auto& run : runs_) {
            if (run.phase == RunPhase::None) run.phase = RunPhase::Running;
            if (run.terminate && run.phase == RunPhase::Running) run.phase = RunPhase::Successful;
        }
    }

    [[nodiscard]] Observation observe(const crds::Rollout& rollout) const {
        Observation seen;
        seen.rollout = {.ns = "default",
                        .name = rollout.metadata.name,
                        .uid = rollout.metadata.uid,
                        .generation = rollout.metadata.generation,
                        .annotations = rollout.metadata.annotations,
                        .template_hash = rollout.pod_template.hash,
                        .template_digest = rollout.pod_template.digest,
                        .template_labels = rollout.pod_template.labels,
                        .step_hash = rollout.step_hash};
        seen.replica_sets = sets_;
        for (auto [name, service] : services_) {
            service.ready_endpoints = endpoints_of(service);
            seen.services.push_back(std::move(service));
        }
        seen.routes = routes_;
        seen.analysis_runs = runs_;
        seen.pods = pods_.seen();
        seen.problems = crds::refusals(rollout);
        seen.name_taken = name_taken_ && !rollout.status.collision_count;
        return seen;
    }

    // One decision, carried out. True where anything changed.
    bool pass(TimePoint now) {
        const crds::Rollout rollout = crds::decode_rollout(rollout_);
        versions_[rollout.pod_template.hash] = version_in(rollout_["spec"]["template"]);
        const auto sets_before = sets_;
        run_pods(now);
        bool changed = !(sets_before == sets_);
        const Decision decision = decide(rollout.spec, rollout.status, observe(rollout), now);
        look_again_ = decision.look_again_after;
        for (const auto& planned : decision.actions) {
            actions_.push_back(named(to_text(planned.action)));
            std::visit([&](const auto& action) { execute(action, now); }, planned.action);
            for (const auto& event : planned.events) tell(event);
            check_invariants();
            changed = true;
        }
        const Json before = crds::encode_status(rollout.status);
        const Json after = crds::encode_status(decision.status);
        if (before != after) {
            rollout_["status"].merge_patch(diff_merge_patch(before, after));
            changed = true;
        }
        // Events of a pass that changes nothing would come again with every pass.
        if (changed)
            for (const auto& event : decision.events) tell(event);
        return changed;
    }

    void tell(const Event& event) {
        reasons_.push_back(event.reason);
        events_.push_back(named(concat(event.reason, ": ", event.message)));
    }

    ReplicaSetSeen* set(const std::string& name) {
        const auto found = std::find_if(sets_.begin(), sets_.end(),
                                        [&](const auto& item) { return item.name == name; });
        return found == sets_.end() ? nullptr : &*found;
    }

    void execute(const SetDefaultReplicas&, TimePoint) { patch_spec({{"replicas", 1}}); }
    void execute(const CreateReplicaSet& action, TimePoint now) {
        ReplicaSetSeen fresh{.name = action.name,
                             .uid = "uid-" + action.name,
                             .hash = action.hash,
                             .template_digest = action.digest,
                             .min_ready_seconds = action.min_ready_seconds,
                             .generation = 1,
                             .observed_generation = 1,
                             .created = now + Duration{static_cast<long>(sets_.size())},
                             .annotations = action.annotations};
        fresh.revision =
            parse_integer(action.annotations.at(crds::revision_annotation)).value_or(0);
        fresh.desired_replicas =
            parse_integer(action.annotations.at(crds::desired_replicas_annotation));
        if (!action.injected.empty())
            fresh.annotations[crds::ephemeral_metadata_annotation] =
                crds::pod_metadata_text(action.injected);
        pods_.inject(fresh.name, action.injected);
        sets_.push_back(std::move(fresh));
    }
    void execute(const AdoptReplicaSet& action, TimePoint) { set(action.name)->owned = true; }
    void execute(const UpdateReplicaSet& action, TimePoint) {
        ReplicaSetSeen& target = *set(action.name);
        for (const auto& [key, value] : action.annotations) {
            if (key == crds::revision_annotation)
                target.revision = *parse_integer(*value);
            else if (key == crds::revision_history_annotation)
                target.revision_history = *value;
            else
                target.annotations[key] = value.value_or("");
        }
        if (action.min_ready_seconds) target.min_ready_seconds = *action.min_ready_seconds;
    }
    void execute(const InjectMetadata& action, TimePoint) {
        auto& annotations = set(action.replica_set)->annotations;
        annotations.erase(crds::ephemeral_metadata_annotation);
        if (!action.noted.empty())
            annotations[crds::ephemeral_metadata_annotation] =
                crds::pod_metadata_text(action.noted);
        pods_.inject(action.replica_set, action.wanted);
    }
    void execute(const LabelPods& action, TimePoint) { pods_.label(action.pods, action.wanted); }
    void execute(const SetRolloutRevision& action, TimePoint) {
        rollout_["metadata"]["annotations"][crds::revision_annotation] =
            std::to_string(action.revision);
    }
    void execute(const ScaleReplicaSet& action, TimePoint) {
        ReplicaSetSeen& target = *set(action.name);
        if (target.spec_replicas != action.from) broken_.push_back("scaled from another size");
        target.spec_replicas = action.replicas;
        target.desired_replicas = action.desired_annotation;
        target.available_replicas = std::min(target.available_replicas, action.replicas);
    }
    void execute(const SetScaleDownDeadline& action, TimePoint) {
        set(action.name)->scale_down_deadline = action.deadline;
    }
    void execute(const PointService& action, TimePoint) {
        services_[action.service].selector[crds::pod_template_hash_label] = action.hash;
        services_[action.service].managed_by = text_at(rollout_, {"metadata", "name"});
    }
    void execute(const SetWeight& action, TimePoint) {
        if (stuck_) return;
        for (auto& route : routes_) {
            if (route.router != action.router) continue;
            route.weight = action.weight;
            route.canary_subset_hash = action.canary_subset_hash;
            route.stable_subset_hash = action.stable_subset_hash;
        }
    }
    void execute(const StartAnalysis& action, TimePoint now) {
        for (const auto& run : runs_)
            if (run.name == action.name) return;
        runs_.push_back({.name = action.name,
                         .uid = "uid-" + action.name,
                         .type = action.type,
                         .step_index = action.step_index,
                         .hash = action.hash,
                         .created = now});
    }
    void execute(const TerminateAnalysis& action, TimePoint) {
        for (auto& run : runs_)
            if (run.name == action.name) run.terminate = true;
    }
    void execute(const EvictPod& action, TimePoint) {
        if (const auto owner = pods_.evict(action.name); !owner.empty())
            --set(owner)->available_replicas;
    }
    void execute(const DeleteReplicaSet& action, TimePoint) {
        std::erase_if(sets_, [&](const auto& item) { return item.name == action.name; });
    }
    void execute(const DeleteAnalysis& action, TimePoint) {
        std::erase_if(runs_, [&](const auto& item) { return item.name == action.name; });
    }

    // Nobody is sent where no pods are, and stable can carry what is left to it.
    void check_invariants() {
        if (routes_.empty()) return;
        const crds::Rollout rollout = crds::decode_rollout(rollout_);
        for (const auto& route : routes_) {
            const long weight = route.weight.value_or(0);
            if (weight > 0 && reachable(route, rollout.spec.canary->canary_service,
                                        route.canary_subset_hash) == 0)
                broken_.push_back(concat("weight ", weight, " on no available pod"));
            if (weight < 100 && !rollout.status.stable_rs.empty() && stable_has_served_ &&
                reachable(route, rollout.spec.canary->stable_service, route.stable_subset_hash) ==
                    0)
                broken_.push_back(concat("stable carries ", 100 - weight, " without a pod"));
        }
        for (const auto& item : sets_)
            stable_has_served_ = stable_has_served_ || (item.hash == rollout.status.stable_rs &&
                                                        item.available_replicas > 0);
    }

    [[nodiscard]] long reachable(const RouteSeen& route, const std::string& service,
                                 const std::string& subset) const {
        long sum = 0;
        if (route.by_subset) {
            for (const auto& item : sets_)
                if (item.hash == subset || subset.empty()) sum += item.available_replicas;
            return sum;
        }
        const auto found = services_.find(service);
        if (found == services_.end()) return 0;
        for (const auto& [hash, count] : endpoints_of(found->second)) sum += count;
        return sum;
    }

    Json rollout_;
    bool by_subset_ = false;
    bool stable_has_served_ = false;
    bool name_taken_ = false;
    std::vector<ReplicaSetSeen> sets_;
    std::map<std::string, ServiceSeen> services_;
    std::vector<RouteSeen> routes_;
    std::vector<AnalysisRunSeen> runs_;
    Pods pods_;
    std::set<std::string> held_;
    std::map<std::string, long> most_ready_;
    bool stuck_ = false;
    std::map<std::string, std::string> versions_;  // hash to version
    std::vector<std::string> actions_, events_, reasons_, broken_;
    std::optional<Duration> look_again_;
};

}  // namespace sluice::policy::rollout::story
