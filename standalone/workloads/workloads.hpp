// SPDX-License-Identifier: Apache-2.0
// The part of kube-controller-manager that a Rollout needs, for the embedded cluster: Deployments
// make ReplicaSets, these and Jobs make pods, Services get EndpointSlices, and what has lost its
// owners is deleted.
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "platform/kube/client.hpp"

namespace sluice::standalone {

// The destructor stops and joins every thread; nothing in the cluster changes by it.
class Workloads final {
public:
    class Parts;

    explicit Workloads(std::unique_ptr<Parts> parts);
    ~Workloads();
    Workloads(const Workloads&) = delete;
    Workloads& operator=(const Workloads&) = delete;

    // True once every watch has its first list and the controllers work.
    [[nodiscard]] bool ready() const;

private:
    std::unique_ptr<Parts> parts_;
};

// Returns at once; the controllers begin as soon as the server answers. Everything referenced must
// outlive the result.
std::unique_ptr<Workloads> start_workloads(const kube::Client& client, const Clock& clock,
                                           Log& log);

}  // namespace sluice::standalone
