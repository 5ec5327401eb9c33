// SPDX-License-Identifier: Apache-2.0
// Log lines as JSON objects on standard error (spdlog underneath), one a line:
// {"time":"…","level":"info","message":"…","rollout":"shop/shop"}.
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace sluice {

// The clock must outlive it. Lines below `least` are dropped.
std::unique_ptr<Log> make_json_log(const Clock& clock, LogLevel least);

}  // namespace sluice
