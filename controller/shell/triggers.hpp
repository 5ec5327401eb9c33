// SPDX-License-Identifier: Apache-2.0
// Which Rollouts a changed object concerns: pure questions about a Rollout's spec.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

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

// Stand for the objects that a Rollout may use, so that looking through thousands of Rollouts for
// the users of one costs little: two objects may share a mark.
std::uint32_t mark_of_service(std::string_view name);
std::uint32_t mark_of_ingress(std::string_view name);
std::uint32_t mark_of_virtual_service(std::string_view as_written);
std::uint32_t mark_of_destination_rule(std::string_view name);
std::uint32_t mark_of_template(std::string_view name);  // of either scope
// Of everything that any of the functions above may say yes to.
std::set<std::uint32_t> used_marks(const crds::Rollout& rollout);

}  // namespace sluice::shell
