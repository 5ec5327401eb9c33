// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "platform/kube/cache.hpp"
#include "platform/kube/client.hpp"
#include "platform/kube/reconciler.hpp"
#include "standalone/workloads/endpoint_slice.hpp"

namespace sluice::standalone::workloads {

// The Service that a slice of ours belongs to: all that the controller keeps of slices.
struct SliceView {
    std::string ns;
    std::string service;  // empty where the slice is not ours
    std::string resource_version;
    bool operator==(const SliceView&) const = default;
};
SliceView decode_slice_view(const Json& slice);

// Services and pods come from the caches; the slices themselves are read from the server each time,
// so that two changes within a millisecond never meet a version that is already old.
class EndpointSliceController final {
public:
    // Listens to the caches: construct before their informers start.
    EndpointSliceController(const kube::Client& client, kube::Cache<ServiceView>& services,
                            kube::Cache<PodView>& pods, kube::Cache<SliceView>& slices,
                            const Clock& clock, Log& log);

    void start() { reconciler_.start(); }

private:
    Result<std::optional<Duration>> reconcile(const std::string& key);
    void on_pod(const PodView* old, const PodView* fresh);

    const kube::Client& client_;
    kube::Cache<ServiceView>& services_;
    kube::Cache<PodView>& pods_;
    kube::Reconciler reconciler_;
};

}  // namespace sluice::standalone::workloads
