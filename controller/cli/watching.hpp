// SPDX-License-Identifier: Apache-2.0
// status and history: what people ask about a Rollout.
#pragma once

#include <string>

#include "base/time.hpp"
#include "controller/cli/context.hpp"

namespace sluice::cli {

// Tells phase and reason; with `watch`, each time they change, until the Rollout is Healthy or
// Degraded. Done when Healthy (or not watched), Failed when Degraded, TimedOut after `timeout`
// (zero: never).
int show_status(const GlobalOptions& options, const std::string& name, bool watch,
                Duration timeout);

// The revisions that can be gone back to, newest first, with what became of them where Deliveries
// tell it.
int show_history(const GlobalOptions& options, const std::string& name);

}  // namespace sluice::cli
