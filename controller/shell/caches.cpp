// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/caches.hpp"

#include <algorithm>

#include "controller/shell/packs.hpp"

namespace sluice::shell {

Caches::Caches(std::string ns)
    : rollouts(pack_rollout),
      replica_sets(pack_replica_set),
      analysis_runs(pack_analysis_run),
      deliveries(pack_delivery),
      git_sources(pack_document),
      services(pack_service),
      endpoint_slices(pack_endpoint_slice),
      pods(pack_pod),
      ingresses(pack_document),
      virtual_services(pack_document),
      destination_rules(pack_document),
      analysis_templates(pack_document),
      cluster_analysis_templates(pack_document),
      ns_(std::move(ns)) {}

std::vector<kube::Watch> Caches::watches() {
    // Only pods that belong to a revision.
    const kube::ListOptions with_revision{.ns = ns_,
                                          .label_selector = crds::pod_template_hash_label};
    const kube::ListOptions all{.ns = ns_};
    std::vector<kube::Watch> watches{
        {resources::pods, with_revision, pods.sink()},
        {resources::services, all, services.sink()},
        {resources::endpoint_slices, all, endpoint_slices.sink()},
        {resources::replica_sets, all, replica_sets.sink()},
        {resources::analysis_runs, all, analysis_runs.sink()},
        {resources::analysis_templates, all, analysis_templates.sink()},
        {resources::ingresses, all, ingresses.sink()},
        {resources::virtual_services, all, virtual_services.sink()},
        {resources::destination_rules, all, destination_rules.sink()},
        {resources::git_sources, all, git_sources.sink()},
        {resources::deliveries, all, deliveries.sink()},
        {resources::rollouts, all, rollouts.sink()}};
    // A controller of one namespace has no rights beyond it, as upstream's has none.
    if (ns_.empty())
        watches.push_back(
            {resources::cluster_analysis_templates, {}, cluster_analysis_templates.sink()});
    return watches;
}

void Caches::start(const kube::Client& client, Log& log, const std::vector<ResourceType>& only) {
    for (auto& [type, options, sink] : watches()) {
        if (!only.empty() && std::ranges::find(only, type) == only.end()) continue;
        informers_.push_back(std::make_unique<kube::Informer>(client, type, std::move(options),
                                                              std::move(sink), log));
    }
}

void Caches::stop() {
    for (const auto& informer : informers_) informer->request_stop();
    for (const auto& informer : informers_) informer->stop();
}

std::vector<const kube::Informer*> Caches::informers_of(
    const std::vector<ResourceType>& kinds) const {
    std::vector<const kube::Informer*> found;
    for (const auto& informer : informers_)
        if (std::ranges::find(kinds, informer->type()) != kinds.end())
            found.push_back(informer.get());
    return found;
}

bool Caches::wait_for_sync(const std::vector<ResourceType>& kinds, std::stop_token stop) const {
    return kube::wait_for_sync(informers_of(kinds), std::move(stop));
}

bool Caches::synced(const std::vector<ResourceType>& kinds) const {
    const auto all = informers_of(kinds);
    return !all.empty() &&
           std::ranges::all_of(all, [](const auto* informer) { return informer->synced(); });
}

}  // namespace sluice::shell
