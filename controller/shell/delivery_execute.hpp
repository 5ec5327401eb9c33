// SPDX-License-Identifier: Apache-2.0
// Performs what was decided about a Rollout's Deliveries. Every write is a compare-and-swap, so all
// of it may be repeated.
#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "controller/policy/delivery/decide.hpp"
#include "platform/kube/client.hpp"

namespace sluice::shell {

// False where a write lost against another: what was decided is out of date.
Result<bool> execute(const kube::Client& client, const policy::delivery::Decision& decision,
                     Log& log);

}  // namespace sluice::shell
