// SPDX-License-Identifier: Apache-2.0
// Time as values, and the two texts in which time crosses the Kubernetes API: RFC 3339 instants and
// Go durations ("90s", "1h30m", "1.5h"; https://pkg.go.dev/time#ParseDuration).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace sluice {

using Duration = std::chrono::milliseconds;
using TimePoint = std::chrono::sys_time<std::chrono::milliseconds>;

// "2026-11-20T10:31:07Z": metav1.Time, whole seconds, rounded down.
std::string format_rfc3339(TimePoint when);
// "2026-11-20T10:31:07.000123Z": metav1.MicroTime.
std::string format_rfc3339_micro(TimePoint when);
// Accepts fractions and numeric offsets; Invalid otherwise.
Result<TimePoint> parse_rfc3339(std::string_view text);

// Go's Duration.String for whole milliseconds: "1h30m0s", "1.5s", "150ms", "0s".
std::string format_duration(Duration duration);
// Go's ParseDuration; sub-millisecond parts are cut off. Invalid on anything else.
Result<Duration> parse_duration(std::string_view text);

}  // namespace sluice
