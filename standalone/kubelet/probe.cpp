// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/probe.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

constexpr Duration first_ready_period = std::chrono::milliseconds{100};

}  // namespace

std::string_view role_name(ProbeRole role) {
    switch (role) {
        case ProbeRole::Startup: return "startup";
        case ProbeRole::Readiness: return "readiness";
        case ProbeRole::Liveness: return "liveness";
    }
    unreachable();
}

ProbeState initial_state(ProbeRole role) {
    return {.passing = role == ProbeRole::Liveness};
}

ProbeState record_result(ProbeState state, const ProbeSpec& spec, bool good) {
    state.run = state.run > 0 && state.run_good == good ? state.run + 1 : 1;
    state.run_good = good;
    if (state.run >= (good ? spec.success_threshold : spec.failure_threshold)) state.passing = good;
    state.ever_passed = state.ever_passed || (good && state.passing);
    return state;
}

Duration first_attempt(ProbeRole role, const ProbeSpec& spec) {
    if (role == ProbeRole::Liveness) return std::max(spec.initial_delay, spec.period);
    return spec.initial_delay;
}

Duration next_attempt(ProbeRole role, const ProbeState& state, const ProbeSpec& spec) {
    if (role == ProbeRole::Readiness && !state.ever_passed)
        return std::min(first_ready_period, spec.period);
    return spec.period;
}

std::string probe_url(const ProbeSpec& spec, const std::string& pod_ip) {
    return concat(spec.https ? "https://" : "http://", spec.host.empty() ? pod_ip : spec.host, ":",
                  spec.port, spec.path);
}

}  // namespace sluice::standalone::kubelet
