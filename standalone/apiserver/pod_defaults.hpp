// SPDX-License-Identifier: Apache-2.0
// What upstream fills into pods and pod templates. Pure, and safe to repeat.
#pragma once

#include <string>

#include "base/json.hpp"

namespace sluice::standalone::apiserver {

void set_default(Json& object, const char* key, Json value);

// Of a pod or a pod template: its spec, and `pod` what only a pod itself gets.
void default_pod_spec(Json& spec, bool pod);

// BestEffort, Burstable or Guaranteed.
std::string qos_class(const Json& spec);

}  // namespace sluice::standalone::apiserver
