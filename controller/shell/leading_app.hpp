// SPDX-License-Identifier: Apache-2.0
// The controller, while it leads: several may run on one cluster, one works, and another takes over
// when it ends or can no longer renew its lease (argo-rollouts.md 2.2: upstream's lease name, so
// that a switch-over from Argo Rollouts never has two controllers; unlike upstream's it is given
// back on exit, and losing it does not end the process).
#pragma once

#include <memory>

#include "controller/shell/app.hpp"
#include "platform/kube/lease.hpp"

namespace sluice::shell {

inline constexpr const char* lease_name = "argo-rollouts-controller-lock";

// Who this process is to others: kept in DATA/instance, so that after kill -9 it takes its own
// lease up at once. One process a folder has it; another one in the same folder gets a name for
// once.
class Instance {
public:
    static Result<Instance> of(const std::string& data_dir);
    ~Instance();
    Instance(Instance&& other) noexcept;
    Instance& operator=(Instance&&) = delete;
    [[nodiscard]] const std::string& name() const { return name_; }  // "host_7c1e0f2a9b3d4e5f"

private:
    Instance(std::string name, int lock) : name_(std::move(name)), lock_(lock) {}
    std::string name_;
    int lock_;  // -1: none
};

// Starts at once: the App when the lease is ours, and again whenever it is. Ready while it stands
// by, too. A webhook that a standby gets is handed on through the GitSource's annotation. The lease
// has a connection of its own, so that nothing slow costs the leadership. Connections, clock and
// log must outlive it.
std::unique_ptr<App> start_leading_app(AppOptions options, kube::LeaseOptions lease,
                                       Connections kubernetes, HttpTransport& for_lease,
                                       const Clock& clock, Log& log);

}  // namespace sluice::shell
