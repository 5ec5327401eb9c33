// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "platform/kube/client.hpp"

namespace sluice::standalone::kubelet {

// The machine as a Node's status, Ready since `since`.
Json node_status(const std::string& name, TimePoint since, TimePoint now);
// Makes the Node where it is missing and says that it is Ready.
Result<void> register_node(const kube::Client& client, const std::string& name, TimePoint since,
                           TimePoint now);

}  // namespace sluice::standalone::kubelet
