// SPDX-License-Identifier: Apache-2.0
// Which Rollouts a changed object concerns: pure questions about a Rollout's spec.
#pragma once

#include <string>

#include "crds/rollout.hpp"

namespace sluice::shell {

bool uses_service(const crds::Rollout& rollout, const std::string& service);
// An Ingress that it routes through, or the canary Ingress made for it.
bool uses_ingress(const crds::Rollout& rollout, const std::string& ingress);
// `ns` is the object's; a VirtualService may be named "name.namespace".
bool uses_virtual_service(const crds::Rollout& rollout, const std::string& ns,
                          const std::string& name);
bool uses_destination_rule(const crds::Rollout& rollout, const std::string& name);
bool uses_analysis_template(const crds::Rollout& rollout, const std::string& name,
                            bool cluster_scope);

// "<rollout>-<ingress>-canary", cut as upstream does to 253 characters.
std::string canary_ingress_name(const std::string& rollout, const std::string& ingress);

}  // namespace sluice::shell
