// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/world.hpp"

#include <algorithm>
#include <set>

#include "controller/shell/triggers.hpp"

namespace sluice::shell {
namespace {

// The namespace of an object that came, changed or went.
template <class T>
const T& either(const T* old, const T* fresh) {
    return fresh ? *fresh : *old;
}

std::string owner_key(const std::string& ns, const Controller& controller) {
    return controller.kind == "Rollout" ? key_of(ns, controller.name) : std::string{};
}

}  // namespace

World::World(const kube::Client& client, std::string ns, Log& log,
             std::function<void(const std::string& key)> wake)
    : client_(client), ns_(std::move(ns)), log_(log), wake_(std::move(wake)) {
    listen();
}

void World::wake_users(const std::string& ns,
                       const std::function<bool(const crds::Rollout&)>& uses) {
    for (const auto& rollout : ns.empty() ? rollouts.all() : rollouts.in_namespace(ns))
        if (uses(*rollout)) wake_(key_of(rollout->metadata.ns, rollout->metadata.name));
}

void World::listen() {
    rollouts.listen([this](const std::string& key, const auto*, const auto*) { wake_(key); });
    replica_sets.listen([this](const std::string&, const auto* old, const auto* fresh) {
        if (old && fresh && *old == *fresh) return;
        // Both owners: an adoption or a release concerns the one and the other.
        for (const auto* view : {old, fresh})
            if (view)
                if (const auto key = owner_key(view->ns, view->controller); !key.empty())
                    wake_(key);
        // Nobody's: whoever selects it adopts it.
        if (fresh && fresh->controller.uid.empty())
            wake_users(fresh->ns, [&](const auto& r) {
                return r.spec.selector && crds::matches(*r.spec.selector, fresh->labels);
            });
    });
    analysis_runs.listen([this](const std::string&, const auto* old, const auto* fresh) {
        if (old && fresh && *old == *fresh) return;
        const auto& run = either(old, fresh);
        if (const auto key = owner_key(run.ns, run.controller); !key.empty()) wake_(key);
    });
    services.listen([this](const std::string&, const auto* old, const auto* fresh) {
        if (old && fresh && *old == *fresh) return;
        const auto& service = either(old, fresh);
        // Whoever it says it belongs to, though it may be gone.
        for (const auto* view : {old, fresh})
            if (view && !view->managed_by.empty()) wake_(key_of(view->ns, view->managed_by));
        wake_users(service.ns, [&](const auto& r) { return uses_service(r, service.name); });
    });
    endpoint_slices.listen([this](const std::string&, const auto* old, const auto* fresh) {
        if (old && fresh && *old == *fresh) return;
        const auto& slice = either(old, fresh);
        wake_users(slice.ns, [&](const auto& r) { return uses_service(r, slice.service); });
    });
    ingresses.listen([this](const std::string& key, const auto*, const auto*) {
        const auto [ns, name] = split_key(key);
        wake_users(ns, [&](const auto& r) { return uses_ingress(r, name); });
    });
    virtual_services.listen([this](const std::string& key, const auto*, const auto*) {
        const auto [ns, name] = split_key(key);
        wake_users("", [&](const auto& r) { return uses_virtual_service(r, ns, name); });
    });
    destination_rules.listen([this](const std::string& key, const auto*, const auto*) {
        const auto [ns, name] = split_key(key);
        wake_users(ns, [&](const auto& r) { return uses_destination_rule(r, name); });
    });
    analysis_templates.listen([this](const std::string& key, const auto*, const auto*) {
        const auto [ns, name] = split_key(key);
        wake_users(ns, [&](const auto& r) { return uses_analysis_template(r, name, false); });
    });
    cluster_analysis_templates.listen([this](const std::string& key, const auto*, const auto*) {
        wake_users("", [&](const auto& r) { return uses_analysis_template(r, key, true); });
    });
}

std::vector<kube::Watch> World::watches() {
    // Only pods that belong to a revision, and of those only the revision.
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
        {resources::rollouts, all, rollouts.sink()}};
    // A controller of one namespace has no rights beyond it, as upstream's has none.
    if (ns_.empty())
        watches.push_back(
            {resources::cluster_analysis_templates, {}, cluster_analysis_templates.sink()});
    return watches;
}

void World::start() {
    for (auto& [type, options, sink] : watches())
        informers_.push_back(std::make_unique<kube::Informer>(client_, type, std::move(options),
                                                              std::move(sink), log_));
}

bool World::wait_for_sync(std::stop_token stop) const {
    std::vector<const kube::Informer*> all;
    for (const auto& informer : informers_) all.push_back(informer.get());
    return kube::wait_for_sync(all, std::move(stop));
}

bool World::synced() const {
    return !informers_.empty() &&
           std::ranges::all_of(informers_, [](const auto& informer) { return informer->synced(); });
}

std::map<std::string, long> World::ready_endpoints(const std::string& ns,
                                                   const std::string& service) const {
    // A dual-stack Service has a slice for each family, with the same pods.
    std::set<std::string> names;
    for (const auto& slice : endpoint_slices.in_namespace(ns))
        if (slice->service == service)
            names.insert(slice->ready_pods.begin(), slice->ready_pods.end());
    std::map<std::string, long> by_hash;
    for (const auto& name : names) {
        const auto pod = pods.get(key_of(ns, name));
        ++by_hash[pod ? pod->hash : ""];
    }
    return by_hash;
}

}  // namespace sluice::shell
