// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/world.hpp"

#include <set>

#include "base/text.hpp"
#include "controller/shell/packs.hpp"
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

World::World(Caches& caches, std::function<void(const std::string& key)> wake)
    : rollouts(caches.rollouts, rollout_of),
      replica_sets(caches.replica_sets, replica_set_of),
      analysis_runs(caches.analysis_runs, analysis_run_view_of),
      services(caches.services, service_of),
      endpoint_slices(caches.endpoint_slices, endpoint_slice_of),
      pods(caches.pods, pod_of),
      ingresses(caches.ingresses, document_of),
      virtual_services(caches.virtual_services, document_of),
      destination_rules(caches.destination_rules, document_of),
      analysis_templates(caches.analysis_templates, analysis_template_of),
      cluster_analysis_templates(caches.cluster_analysis_templates, analysis_template_of),
      caches_(caches),
      wake_(std::move(wake)) {
    listen();
    listen_to_routes();
}

std::vector<ResourceType> World::kinds() {
    return {resources::pods,
            resources::services,
            resources::endpoint_slices,
            resources::replica_sets,
            resources::analysis_runs,
            resources::analysis_templates,
            resources::ingresses,
            resources::virtual_services,
            resources::destination_rules,
            resources::rollouts,
            resources::cluster_analysis_templates};
}

// The marks tell without decoding a Rollout that it is none of them.
void World::wake_users(const std::string& ns, std::optional<std::uint32_t> mark,
                       const std::function<bool(const crds::Rollout&)>& uses) {
    std::vector<kube::Row> candidates;
    const auto look = [&](kube::Row&& row) {
        if (!mark || may_use(row, *mark)) candidates.push_back(std::move(row));
    };
    caches_.rollouts.visit_in(ns, look);
    for (const auto& row : candidates)
        if (uses(rollout_of(row))) wake_(key_of(row.ns, row.name));
}

void World::listen() {
    caches_.rollouts.listen(
        [this](const std::string& key, const kube::Row*, const kube::Row*) { wake_(key); });
    replica_sets.listen([this](const std::string&, const auto* old, const auto* fresh) {
        if (old && fresh && *old == *fresh) return;
        // Both owners: an adoption or a release concerns the one and the other.
        for (const auto* view : {old, fresh})
            if (view)
                if (const auto key = owner_key(view->ns, view->controller); !key.empty())
                    wake_(key);
        // Nobody's: whoever selects it adopts it.
        if (fresh && fresh->controller.uid.empty())
            wake_users(fresh->ns, std::nullopt, [&](const auto& r) {
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
        wake_users(service.ns, mark_of_service(service.name),
                   [&](const auto& r) { return uses_service(r, service.name); });
    });
    endpoint_slices.listen([this](const std::string&, const auto* old, const auto* fresh) {
        if (old && fresh && *old == *fresh) return;
        const auto& slice = either(old, fresh);
        wake_users(slice.ns, mark_of_service(slice.service),
                   [&](const auto& r) { return uses_service(r, slice.service); });
    });
}

void World::listen_to_routes() {
    using kube::Row;
    caches_.ingresses.listen([this](const std::string& key, const Row*, const Row*) {
        const auto [ns, name] = split_key(key);
        wake_users(ns, mark_of_ingress(name), [&](const auto& r) { return uses_ingress(r, name); });
    });
    caches_.virtual_services.listen([this](const std::string& key, const Row*, const Row*) {
        const auto [ns, name] = split_key(key);
        // A Rollout of another namespace may name it whole.
        for (const auto& written : {name, concat(name, ".", ns)})
            wake_users("", mark_of_virtual_service(written),
                       [&](const auto& r) { return uses_virtual_service(r, ns, name); });
    });
    caches_.destination_rules.listen([this](const std::string& key, const Row*, const Row*) {
        const auto [ns, name] = split_key(key);
        wake_users(ns, mark_of_destination_rule(name),
                   [&](const auto& r) { return uses_destination_rule(r, name); });
    });
    caches_.analysis_templates.listen([this](const std::string& key, const Row*, const Row*) {
        const auto [ns, name] = split_key(key);
        wake_users(ns, mark_of_template(name),
                   [&](const auto& r) { return uses_analysis_template(r, name, false); });
    });
    caches_.cluster_analysis_templates.listen(
        [this](const std::string& key, const Row*, const Row*) {
            wake_users("", mark_of_template(key),
                       [&](const auto& r) { return uses_analysis_template(r, key, true); });
        });
}

std::map<std::string, long> World::ready_endpoints(const std::string& ns,
                                                   const std::string& service) const {
    // A dual-stack Service has a slice for each family, with the same pods.
    std::set<std::string> names;
    for (const auto& slice : endpoint_slices.at_home(ns, home_of_slices(service)))
        names.insert(slice->ready_pods.begin(), slice->ready_pods.end());
    std::map<std::string, long> by_hash;
    for (const auto& name : names) {
        const auto pod = pods.get(key_of(ns, name));
        ++by_hash[pod ? pod->hash : ""];
    }
    return by_hash;
}

}  // namespace sluice::shell
