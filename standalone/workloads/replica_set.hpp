// SPDX-License-Identifier: Apache-2.0
// What a ReplicaSet needs next, as kube-controller-manager decides it: pure. Behaviour follows
// https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/ and the order of removal
// that its section "Scaling a ReplicaSet" gives.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "standalone/workloads/objects.hpp"

namespace sluice::standalone::workloads {

struct ReplicaSetDecision {
    long create = 0;
    std::vector<std::string> remove;   // names of pods, first to go first
    std::vector<std::string> adopt;    // names of matching pods that nobody controls
    std::vector<std::string> release;  // names of our pods that no longer match
    ReplicaSetStatus status;
    std::optional<Duration> look_again;  // when a ready pod becomes available
    bool operator==(const ReplicaSetDecision&) const = default;

    [[nodiscard]] bool acts() const {
        return create > 0 || !remove.empty() || !adopt.empty() || !release.empty();
    }
};

// `pods`: those of the namespace; others than ours and matching orphans are left alone.
ReplicaSetDecision decide_replica_set(const ReplicaSetView& replica_set,
                                      const std::vector<PodView>& pods, TimePoint now);

// The pod that the ReplicaSet document asks for, named and owned.
Json pod_from_template(const Json& replica_set, const std::string& suffix);
// The ReplicaSet as the controlling owner.
Json controller_reference(const Json& replica_set);

}  // namespace sluice::standalone::workloads
