// SPDX-License-Identifier: Apache-2.0
// What upstream demands of pods, alone and in templates, beyond their shape. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "standalone/apiserver/api_result.hpp"

namespace sluice::standalone::apiserver {

using Causes = std::vector<StatusCause>;

// In upstream's words.
StatusCause required_value(std::string field, const std::string& why = "");
StatusCause invalid_value(std::string field, const std::string& value, const std::string& why);
StatusCause unsupported_value(std::string field, const std::string& value,
                              const std::vector<std::string>& supported);
StatusCause forbidden_value(std::string field, const std::string& why);
// "must be between 1 and 65535, inclusive", where it is not.
void check_port(const Json* port, const std::string& field, Causes& causes);

// A pod's spec at that path ("spec", "spec.template.spec").
void check_pod_spec(const Json& spec, const std::string& at, Causes& causes);
// Which fields of a pod that is there may change.
void check_pod_change(const Json& spec, const Json& before, Causes& causes);

}  // namespace sluice::standalone::apiserver
