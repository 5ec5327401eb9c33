// SPDX-License-Identifier: Apache-2.0
// What the rollout controller reads of the objects it watches (DESIGN D9): typed, small, and
// nothing that a decision never reads. How they are kept: packs.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_value.hpp"
#include "base/resource.hpp"
#include "controller/policy/rollout/observation.hpp"
#include "crds/metadata.hpp"
#include "crds/rollout.hpp"

namespace sluice::shell {

// Who controls an object: the ownerReference with controller=true.
struct Controller {
    std::string kind;
    std::string name;
    std::string uid;
    bool operator==(const Controller&) const = default;
};
Controller controller_of(const crds::ObjectMeta& metadata);
// The reference that makes this Rollout an object's controller.
Json owner_reference(const crds::Rollout& rollout);

struct ReplicaSetView {
    std::string ns;
    crds::TextMap labels;
    Controller controller;
    policy::rollout::ReplicaSetSeen seen;
    bool operator==(const ReplicaSetView&) const = default;
};
ReplicaSetView view_replica_set(const Json& document);

struct AnalysisRunView {
    std::string ns;
    Controller controller;
    policy::rollout::AnalysisRunSeen seen;
    bool operator==(const AnalysisRunView&) const = default;
};
AnalysisRunView view_analysis_run(const Json& document);

struct ServiceView {
    std::string ns;
    std::string name;
    crds::TextMap selector;
    std::string managed_by;
    bool operator==(const ServiceView&) const = default;
};
ServiceView view_service(const Json& document);

// An EndpointSlice: which pods of which Service are ready.
struct EndpointSliceView {
    std::string ns;
    std::string service;
    std::vector<std::string> ready_pods;
    bool operator==(const EndpointSliceView&) const = default;
};
EndpointSliceView view_endpoint_slice(const Json& document);

// A pod: which revision it belongs to, and what a restart or injected metadata asks about it.
struct PodView {
    std::string hash;
    std::uint64_t owner = 0;  // owner_mark() of its controller's uid; 0 without one
    TimePoint created{};
    std::optional<TimePoint> ready_since;
    std::vector<std::uint64_t> marks;  // label_mark, annotation_mark; sorted
    bool deleting = false;
    bool operator==(const PodView&) const = default;
};
PodView view_pod(const Json& document);
// Stands for a uid where there are many; never 0 but for none.
std::uint64_t owner_mark(const std::string& uid);

struct DocumentView {
    Json document;
    bool operator==(const DocumentView&) const = default;
};

}  // namespace sluice::shell
