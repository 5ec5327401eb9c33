// SPDX-License-Identifier: Apache-2.0
// The embedded cluster on one machine: API server, workload controllers, kubelet and local ingress,
// started in order and stopped in the reverse order.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "base/result.hpp"

namespace sluice::standalone {

struct ClusterOptions {
    std::string data_dir;
    std::string images_dir;
    std::string listen;          // of the API server
    std::string ingress_listen;  // of the proxy; empty: no ingress
    std::string haproxy_program;
    bool full_durability = false;  // an acknowledged write survives power loss, not only kill -9
    bool allow_root_pods = false;
    bool simulated_pods = false;
};

class Cluster {
public:
    virtual ~Cluster() = default;

    // In process, without authentication.
    virtual HttpTransport& transport() = 0;
    [[nodiscard]] virtual std::string url() const = 0;
    [[nodiscard]] virtual std::string kubeconfig_path() const = 0;
    [[nodiscard]] virtual std::string ingress_url() const = 0;
    // Of the store and the local ingress, Prometheus text.
    [[nodiscard]] virtual std::string metrics() const = 0;
    // Whether every part of it serves.
    [[nodiscard]] virtual bool ready() const = 0;
    // What keeps it from taking writes, and what to do about it (a full disk); ok where nothing
    // does. Reads and traffic go on meanwhile.
    [[nodiscard]] virtual Result<void> takes_writes() = 0;
    // What else must be so before /readyz says ok.
    virtual void also_wait_for(std::function<bool()> ready) = 0;
    // Pods and proxy end gracefully, then the API server. Without it (kill -9) they go on and are
    // adopted by the next start.
    virtual void stop() = 0;
};

// The log and the clock must outlive it.
Result<std::unique_ptr<Cluster>> start_cluster(const ClusterOptions& options, Log& log,
                                               const Clock& clock);

}  // namespace sluice::standalone
