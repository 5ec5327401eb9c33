// SPDX-License-Identifier: Apache-2.0
// The embedded cluster's one node: pods as processes of this machine. It binds every pod, gives it
// an address of its own, starts, probes, restarts and ends its containers, and says so in its
// status. Processes outlive it: one that is killed finds them again when it comes back.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/http.hpp"
#include "base/log.hpp"
#include "platform/kube/client.hpp"
#include "standalone/apiserver/log_source.hpp"

namespace sluice::standalone {

struct KubeletOptions {
    std::string images;    // folder: image "shop:v2" is <images>/shop/v2/run
    std::string data_dir;  // pods/<uid>/ below it: state.json, logs, work folders
    std::string node_name = "local";
    bool allow_root = false;  // pods may run as uid 0
    bool simulated = false;   // no processes at all; sluice.dev/simulate says how pods behave
};

class Kubelet final {
public:
    class Parts;

    explicit Kubelet(std::unique_ptr<Parts> parts);
    // Stops and joins every thread; the pods' processes go on.
    ~Kubelet();
    Kubelet(const Kubelet&) = delete;
    Kubelet& operator=(const Kubelet&) = delete;

    // True once the pods of an earlier life are found and the node works.
    [[nodiscard]] bool ready() const;
    // What containers print. Lives as long as this.
    [[nodiscard]] apiserver::LogSource& logs();
    // Ends the processes of every pod: SIGTERM now, SIGKILL at the deadline. The pod objects stay,
    // and the next kubelet starts them again without back-off. Nothing is started after this.
    void stop_pods(Duration deadline);

private:
    std::unique_ptr<Parts> parts_;
};

// Returns at once; work begins as soon as the server answers. Everything referenced must outlive
// the result. Invalid or Denied: a folder is missing or may not be used, the message says which.
Result<std::unique_ptr<Kubelet>> start_kubelet(const KubeletOptions& options,
                                               const kube::Client& client, const Clock& clock,
                                               Log& log);

}  // namespace sluice::standalone
