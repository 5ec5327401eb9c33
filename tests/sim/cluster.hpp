// SPDX-License-Identifier: Apache-2.0
// The cluster around the controller: ReplicaSets and EndpointSlices as standalone/workloads decides
// them, and pods that are words: they become ready after a while, or never, and fail.
#pragma once

#include <set>
#include <string>

#include "tests/sim/feed.hpp"
#include "tests/sim/shape.hpp"

namespace sluice::sim {

class Cluster {
public:
    Cluster(Stage& stage, Journals& journals, std::uint64_t seed)
        : stage_(stage), journals_(journals), seed_(seed) {}

    // After each write: plans what follows from it.
    void noticed();
    // Some ready pod stops being ready for a while, or is evicted.
    void harm_a_pod();
    // How long the workload controllers take to notice.
    Duration slowness = 100ms;

private:
    void plan(const std::string& what, Duration delay);
    void sync_replica_set(const std::string& name);
    void sync_endpoints(const std::string& service);
    void create_pod(const Json& replica_set);
    void set_ready(const std::string& pod, const std::string& uid, bool ready);
    void remove_pod(const std::string& name);

    Stage& stage_;
    Journals& journals_;
    std::uint64_t seed_;
    std::set<std::string> planned_;
    size_t replica_sets_seen_ = 0;
    size_t pods_seen_ = 0;
    size_t services_seen_ = 0;
    long pods_made_ = 0;
};

}  // namespace sluice::sim
