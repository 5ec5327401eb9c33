// SPDX-License-Identifier: Apache-2.0
// Cells of workloads and what stands beside them, in upstream's words.
#pragma once

#include "base/json.hpp"

namespace sluice::standalone::apiserver {

Json template_container_names(const Json& workload);
Json template_container_images(const Json& workload);
// spec.selector, a LabelSelector, as text.
Json workload_selector(const Json& workload);
std::string label_selector_text(const Json& selector);
Json job_status(const Json& job);
Json job_completions(const Json& job);
Json job_duration(const Json& job);
Json budget_min_available(const Json& budget);
Json budget_max_unavailable(const Json& budget);
Json autoscaler_reference(const Json& autoscaler);
Json autoscaler_targets(const Json& autoscaler);
Json autoscaler_min_pods(const Json& autoscaler);
Json endpoints_addresses(const Json& endpoints);
Json slice_ports(const Json& slice);
Json node_roles(const Json& node);
Json event_source(const Json& event);

}  // namespace sluice::standalone::apiserver
