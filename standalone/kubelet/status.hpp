// SPDX-License-Identifier: Apache-2.0
// The status of a pod, from what its processes do: pure.
#pragma once

#include <string>
#include <vector>

#include "standalone/kubelet/pod.hpp"
#include "standalone/kubelet/runtime.hpp"

namespace sluice::standalone::kubelet {

// Where every pod says it runs.
inline constexpr std::string_view host_ip = "127.0.0.1";

// `before`: the conditions that were written last; a transition time changes only with its status,
// and conditions that are not the kubelet's stay. The result is a whole PodStatus.
Json pod_status(const Pod& pod, const PodRuntime& runtime, const std::vector<Condition>& before,
                TimePoint now);
std::vector<Condition> conditions_of(const Json& status);

}  // namespace sluice::standalone::kubelet
