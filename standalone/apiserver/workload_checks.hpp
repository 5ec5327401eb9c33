// SPDX-License-Identifier: Apache-2.0
// What upstream demands of Deployments, ReplicaSets, Jobs and what belongs to them, beyond their
// shape. Pure.
#pragma once

#include "standalone/apiserver/pod_checks.hpp"
#include "standalone/apiserver/registry.hpp"

namespace sluice::standalone::apiserver {

// Nothing for a kind of another sort. `before` is the object as it was; null for a new one.
void check_workload(const Resource& resource, const Json& object, const Json* before,
                    Causes& causes);
// Services, Ingresses, EndpointSlices, Leases, autoscalers and budgets.
void check_surroundings(const Resource& resource, const Json& object, Causes& causes);

}  // namespace sluice::standalone::apiserver
