// SPDX-License-Identifier: Apache-2.0
// When a probe is due and what its results add up to: pure.
// https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
#pragma once

#include <optional>
#include <string>

#include "standalone/kubelet/pod.hpp"

namespace sluice::standalone::kubelet {

enum class ProbeRole { Startup, Readiness, Liveness };
// No to_text: it would hide the one for Json, and Json turns into an enumeration without a word.
std::string_view role_name(ProbeRole role);

struct ProbeState {
    bool passing = false;
    bool ever_passed = false;
    long run = 0;           // equal results in a row
    bool run_good = false;  // which
    bool operator==(const ProbeState&) const = default;
};

// Liveness holds until it fails; the others fail until they hold.
ProbeState initial_state(ProbeRole role);
// After one more result.
ProbeState record_result(ProbeState state, const ProbeSpec& spec, bool good);
// From the container's start to the first attempt. Liveness waits for one period at least, as
// upstream's ticker makes it: a process that has not had time to listen is not dead.
Duration first_attempt(ProbeRole role, const ProbeSpec& spec);
// From one attempt to the next. Readiness is asked every 100 ms until it first holds, so that a
// container that is up in a moment is not held back by its period; its failures have no other
// effect.
Duration next_attempt(ProbeRole role, const ProbeState& state, const ProbeSpec& spec);
// "http://127.64.0.9:8080/healthz"
std::string probe_url(const ProbeSpec& spec, const std::string& pod_ip);

}  // namespace sluice::standalone::kubelet
