// SPDX-License-Identifier: Apache-2.0
// A healthy canary in the middle of its way, for tests that bend one thing.
#pragma once

#include <algorithm>

#include "base/text.hpp"
#include "controller/policy/rollout/decision.hpp"

namespace sluice::policy::rollout {
namespace rollout_setting {

using Texts = std::vector<std::string>;

inline const TimePoint now = *parse_rfc3339("2026-11-20T12:00:00Z");

inline ServiceSeen service(const char* name, const char* hash, std::map<std::string, long> ready) {
    return {.name = name,
            .selector = {{"app", "shop"}, {crds::pod_template_hash_label, hash}},
            .managed_by = "shop",
            .ready_endpoints = std::move(ready)};
}

inline ReplicaSetSeen set(const char* hash, long replicas, long revision) {
    return {.name = concat("shop-", hash),
            .uid = concat("uid-", hash),
            .hash = hash,
            .template_digest = concat("digest-", hash),
            .spec_replicas = replicas,
            .replicas = replicas,
            .ready_replicas = replicas,
            .available_replicas = replicas,
            .generation = 1,
            .observed_generation = 1,
            .created = now - std::chrono::hours{10 - revision},
            .revision = revision,
            .desired_replicas = 3};
}

// v2 is being rolled out over v1: at setWeight 20 with everything in place. Tests bend one thing.
struct Setting {
    crds::RolloutSpec spec;
    crds::RolloutStatus status;
    Observation seen;

    Setting() {
        spec.replicas = 3;
        spec.selector = crds::LabelSelector{{{"app", "shop"}}, {}};
        spec.canary = crds::CanaryStrategy{.canary_service = "canary", .stable_service = "stable"};
        spec.canary->traffic_routing =
            crds::TrafficRouting{.nginx = crds::NginxConfig{.stable_ingresses = {"shop"}}};
        spec.canary->steps = {crds::SetWeightStep{20}, crds::PauseStep{}};
        status.current_pod_hash = "v2";
        status.current_step_hash = "steps";
        status.current_step_index = 0;
        status.stable_rs = "v1";
        status.observed_generation = "1";
        status.canary.weights = crds::TrafficWeights{{0, "canary", "v2"}, {100, "stable", "v1"}};
        seen.rollout = {.ns = "default",
                        .name = "shop",
                        .uid = "u",
                        .generation = 1,
                        .annotations = {{crds::revision_annotation, "2"}},
                        .template_hash = "v2",
                        .template_digest = "digest-v2",
                        .template_labels = {{"app", "shop"}},
                        .step_hash = "steps"};
        seen.replica_sets = {set("v1", 3, 1), set("v2", 1, 2)};
        seen.services = {service("stable", "v1", {{"v1", 3}}),
                         service("canary", "v2", {{"v2", 1}})};
        seen.routes = {{.router = "Nginx", .weight = 0}};
    }

    [[nodiscard]] Decision decide_now() const { return decide(spec, status, seen, now); }
    [[nodiscard]] Texts actions() const {
        Texts texts;
        for (const auto& planned : decide_now().actions) texts.push_back(to_text(planned.action));
        return texts;
    }
    ReplicaSetSeen& fresh() { return seen.replica_sets[1]; }
    ReplicaSetSeen& stable() { return seen.replica_sets[0]; }
    ServiceSeen& canary_service() { return seen.services[1]; }
    ServiceSeen& stable_service() { return seen.services[0]; }
    RouteSeen& route() { return seen.routes[0]; }
    void in_analysis(RunPhase phase) {
        spec.canary->steps[0] = crds::AnalysisStep{{.templates = {{"errors"}}}};
        status.canary.current_step_analysis_run = crds::RunStatus{"shop-v2-2-0", "Running", ""};
        seen.analysis_runs = {{.name = "shop-v2-2-0",
                               .type = RunType::Step,
                               .step_index = 0,
                               .hash = "v2",
                               .phase = phase}};
    }
};

inline bool has(const Texts& texts, std::string_view start) {
    return std::any_of(texts.begin(), texts.end(),
                       [&](const auto& text) { return text.starts_with(start); });
}

}  // namespace rollout_setting
}  // namespace sluice::policy::rollout
