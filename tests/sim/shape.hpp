// SPDX-License-Identifier: Apache-2.0
// What one seed's Rollout looks like, as documents: the manifest in Git and what stands around it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/sim/chance.hpp"
#include "tests/sim/stage.hpp"

namespace sluice::sim {

enum class RouterKind { Nginx, IstioHosts, IstioSubsets };

// How a version behaves. Fixed by the seed for each version number; version 1 is good.
struct Quality {
    bool fails_analysis = false;
    bool never_ready = false;
    Duration ready_after{500};
};

struct Shape {
    RouterKind router = RouterKind::Nginx;
    Json strategy;  // spec.strategy
    Json rest;      // the other fields of spec that the seed chose, without template and replicas
    std::string text;

    explicit Shape(Chance& chance);

    // The manifest as it lies in Git.
    [[nodiscard]] Json rollout(int version, long replicas) const;
    // Services, routes, analysis template, GitSource.
    void create(const kube::Client& client) const;
};

Quality quality_of(std::uint64_t seed, int version);
// "v7" of an object with a pod template, or of a pod.
int version_of(const Json& pod_template);

}  // namespace sluice::sim
