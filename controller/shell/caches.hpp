// SPDX-License-Identifier: Apache-2.0
// Everything that the controllers watch: one watch and one store for each kind, whoever reads it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "platform/kube/row_store.hpp"

namespace sluice::shell {

// Made first, so that each controller may listen; then started; stopped before any of them ends.
// Any thread may read.
class Caches {
public:
    // `ns`: one namespace, or empty for all.
    explicit Caches(std::string ns);
    ~Caches() { stop(); }
    Caches(const Caches&) = delete;
    Caches& operator=(const Caches&) = delete;

    kube::RowStore rollouts;
    kube::RowStore replica_sets;
    kube::RowStore analysis_runs;
    kube::RowStore deliveries;
    kube::RowStore git_sources;
    kube::RowStore services;
    kube::RowStore endpoint_slices;
    kube::RowStore pods;
    kube::RowStore ingresses;
    kube::RowStore virtual_services;
    kube::RowStore destination_rules;
    kube::RowStore analysis_templates;
    kube::RowStore cluster_analysis_templates;

    // What they are fed from, in an order in which what refers comes after what is referred to.
    [[nodiscard]] std::vector<kube::Watch> watches();
    // Starts an informer for each; for those of `only` where it is not empty.
    void start(const kube::Client& client, Log& log, const std::vector<ResourceType>& only = {});
    // Ends the watches; what they said stays.
    void stop();
    // Whether each of these kinds has listed once, as far as it is watched.
    [[nodiscard]] bool synced(const std::vector<ResourceType>& kinds) const;
    // False where `stop` came first.
    [[nodiscard]] bool wait_for_sync(const std::vector<ResourceType>& kinds,
                                     std::stop_token stop) const;

private:
    [[nodiscard]] std::vector<const kube::Informer*> informers_of(
        const std::vector<ResourceType>& kinds) const;

    std::string ns_;
    std::vector<std::unique_ptr<kube::Informer>> informers_;  // last: they stop first
};

}  // namespace sluice::shell
