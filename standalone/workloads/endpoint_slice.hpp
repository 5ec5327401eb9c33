// SPDX-License-Identifier: Apache-2.0
// Which EndpointSlices a Service should have, and how to get there from those it has: pure.
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
#pragma once

#include <string>
#include <vector>

#include "standalone/workloads/objects.hpp"

namespace sluice::standalone::workloads {

// The labels that tie a slice to its Service and to us.
inline constexpr std::string_view service_name_label = "kubernetes.io/service-name";
inline constexpr std::string_view managed_by_label = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view managed_by_us = "endpointslice-controller.k8s.io";

struct EndpointSliceDecision {
    // Whole documents. Creates and replaces come before removals, so that an address that moves
    // from one slice to another is never in none.
    std::vector<Json> create;
    std::vector<Json> replace;  // with the resourceVersion of the slice it replaces
    std::vector<std::string> remove;
    bool operator==(const EndpointSliceDecision&) const = default;
};

// True where the Service's endpoints are ours to keep.
bool wants_endpoints(const ServiceView& service);
// True where a change from `old` to `fresh` (either may be null) can show in some slice.
bool changes_endpoints(const PodView* old, const PodView* fresh);

// `pods`: those of the namespace. `existing`: the slices of this Service that are ours. One slice
// for each distinct set of resolved ports (pods may give one port name different numbers); one
// without endpoints where no pod matches.
EndpointSliceDecision decide_endpoint_slices(const ServiceView& service,
                                             const std::vector<PodView>& pods,
                                             const std::vector<Json>& existing);

}  // namespace sluice::standalone::workloads
