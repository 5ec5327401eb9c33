// SPDX-License-Identifier: Apache-2.0
// From a container's spec to a process that is ready to go.
#pragma once

#include <variant>

#include "platform/kube/client.hpp"
#include "standalone/kubelet/logs.hpp"
#include "standalone/kubelet/pod.hpp"
#include "standalone/kubelet/pod_folder.hpp"
#include "standalone/kubelet/process.hpp"

namespace sluice::standalone::kubelet {

// Why not, in Kubernetes' words; nobody has tried before.
struct StartRefusal {
    std::string reason;
    std::string message;
};

class ContainerStarter final {
public:
    ContainerStarter(std::string images, Starter starter, const kube::Client& client,
                     const PodFolders& folders, LogStore& logs)
        : images_(std::move(images)),
          starter_(starter),
          client_(client),
          folders_(folders),
          logs_(logs) {}

    // Reads the ConfigMaps and Secrets that the container names from the server.
    std::variant<PreparedProcess, StartRefusal> prepare(const Pod& pod,
                                                        const ContainerSpec& container,
                                                        const std::string& ip) const;

private:
    Result<ProcessSpec> process_spec(const Pod& pod, const ContainerSpec& container,
                                     const std::string& ip, const std::string& folder,
                                     const UserId& user) const;

    std::string images_;
    Starter starter_;
    const kube::Client& client_;
    const PodFolders& folders_;
    LogStore& logs_;
};

}  // namespace sluice::standalone::kubelet
