// SPDX-License-Identifier: Apache-2.0
// Pods without processes, for tests: the annotation sluice.dev/simulate says how one behaves.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace sluice::standalone::kubelet {

inline constexpr std::string_view simulate_annotation = "sluice.dev/simulate";

struct Simulation {
    std::optional<Duration> ready_after = Duration{0};  // nothing: never ready
    std::optional<Duration> exit_after;                 // nothing: runs for ever
    int exit_code = 0;
    bool operator==(const Simulation&) const = default;
};

// Words, in any order: "ready-after=2s", "never-ready", "exit-after=5s", "code=1". Both times count
// from the container's start. Empty text: ready at once. Invalid names the word.
Result<Simulation> parse_simulation(std::string_view text);

}  // namespace sluice::standalone::kubelet
