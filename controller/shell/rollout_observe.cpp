// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/rollout_observe.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "analysis/template.hpp"
#include "base/text.hpp"
#include "controller/shell/packs.hpp"
#include "traffic/route_write.hpp"

namespace sluice::shell {
namespace {

namespace seen = policy::rollout;

seen::RolloutSeen rollout_seen(const crds::Rollout& rollout) {
    const auto& metadata = rollout.metadata;
    return {.ns = metadata.ns,
            .name = metadata.name,
            .uid = metadata.uid,
            .generation = metadata.generation,
            .deleting = metadata.deleting,
            .annotations = metadata.annotations,
            .template_hash = rollout.pod_template.hash,
            .template_digest = rollout.pod_template.digest,
            .template_labels = rollout.pod_template.labels,
            .step_hash = rollout.step_hash};
}

// Ours by controller uid, or an orphan that our selector matches.
void see_replica_sets(const World& world, const crds::Rollout& rollout, seen::Observation& all) {
    const std::string own_name = concat(rollout.metadata.name, "-", rollout.pod_template.hash);
    const std::string& ns = rollout.metadata.ns;
    const auto see = [&](const ReplicaSetView& view, bool owned) {
        all.replica_sets.push_back(view.seen);
        all.replica_sets.back().owned = owned;
    };
    for (const auto& view : world.replica_sets.at_home(ns, home_under(rollout))) see(*view, true);
    for (const auto& view : world.replica_sets.at_home(ns, home_under(Controller{})))
        if (rollout.spec.selector && !view->seen.deleting &&
            crds::matches(*rollout.spec.selector, view->labels))
            see(*view, false);
    all.name_taken = std::ranges::none_of(all.replica_sets,
                                          [&](const auto& set) { return set.name == own_name; }) &&
                     world.replica_sets.get(key_of(ns, own_name)) != nullptr;
}

std::set<std::string> service_names(const crds::RolloutSpec& spec) {
    std::set<std::string> names;
    if (spec.canary) {
        names.insert(spec.canary->stable_service);
        names.insert(spec.canary->canary_service);
    }
    if (spec.blue_green) {
        names.insert(spec.blue_green->active_service);
        names.insert(spec.blue_green->preview_service);
    }
    names.erase("");
    return names;
}

void see_services(const World& world, const crds::Rollout& rollout, seen::Observation& all) {
    const std::string& ns = rollout.metadata.ns;
    for (const auto& name : service_names(rollout.spec)) {
        const auto service = world.services.get(key_of(ns, name));
        if (!service) {
            all.services.push_back({.name = name, .exists = false});
            continue;
        }
        all.services.push_back({.name = name,
                                .exists = true,
                                .selector = service->selector,
                                .managed_by = service->managed_by,
                                .ready_endpoints = world.ready_endpoints(ns, name)});
    }
}

const kube::RowView<DocumentView>* cache_of(const World& world, const ResourceType& type) {
    if (type.kind == resources::ingresses.kind) return &world.ingresses;
    if (type.kind == resources::virtual_services.kind) return &world.virtual_services;
    if (type.kind == resources::destination_rules.kind) return &world.destination_rules;
    return nullptr;
}

traffic::Documents documents_of(const World& world, const traffic::Router& router,
                                const traffic::Target& target) {
    traffic::Documents documents;
    for (const auto& ref : router.objects(target)) {
        auto& slot = documents[ref];
        const auto* cache = cache_of(world, ref.type);
        if (!cache) continue;
        if (const auto view = cache->get(key_of(ref.ns, ref.name))) slot = view->document;
    }
    return documents;
}

// The hash that a DestinationRule's subset selects.
std::string subset_hash(const traffic::Documents& documents, const std::string& rule,
                        const std::string& subset) {
    for (const auto& [ref, document] : documents) {
        if (ref.type.kind != "DestinationRule" || ref.name != rule || !document) continue;
        const Json* subsets = find(*document, {"spec", "subsets"});
        if (!subsets || !subsets->is_array()) continue;
        for (const auto& entry : *subsets)
            if (text_at(entry, {"name"}) == subset)
                return text_at(entry, {"labels", crds::pod_template_hash_label});
    }
    return {};
}

void see_subsets(const crds::Rollout& rollout, const traffic::Documents& documents,
                 seen::RouteSeen& route) {
    const auto& istio = rollout.spec.canary->traffic_routing->istio;
    if (route.router != "Istio" || !istio || !istio->destination_rule) return;
    route.by_subset = true;
    const auto hashes = subsets_of(rollout, documents);
    route.canary_subset_hash = hashes.canary;
    route.stable_subset_hash = hashes.stable;
}

seen::RouteSeen see_route(const World& world, const crds::Rollout& rollout,
                          const traffic::Router& router, seen::Observation& all) {
    const auto target = target_of(rollout);
    const auto documents = documents_of(world, router, target);
    seen::RouteSeen route{.router = std::string(router.name())};
    for (const auto& problem : router.problems(documents, target))
        all.problems.push_back(to_text(problem));
    const auto weight = router.read(documents, target);
    if (!weight.ok()) {
        route.problem = weight.error().message;
        return route;
    }
    if (*weight) route.weight = **weight;
    see_subsets(rollout, documents, route);
    if (route.weight) {
        const auto& routing = *rollout.spec.canary->traffic_routing;
        // Subset labels follow actions of their own; only form at the present weight counts here.
        traffic::Target as_is = target;
        as_is.canary_hash = route.canary_subset_hash;
        as_is.stable_hash = route.stable_subset_hash;
        const auto writes =
            router.write(documents, as_is, static_cast<int>(*route.weight),
                         static_cast<int>(routing.max_traffic_weight.value_or(100)));
        if (!writes.ok())
            route.problem = writes.error().message;
        else
            route.settled = writes->empty();
    }
    return route;
}

void see_routes(const World& world, const crds::Rollout& rollout, seen::Observation& all) {
    for (const auto& router : routers_of(rollout))
        all.routes.push_back(see_route(world, rollout, *router, all));
}

void see_runs(const World& world, const crds::Rollout& rollout, seen::Observation& all) {
    const auto& [ns, name] = std::tie(rollout.metadata.ns, rollout.metadata.name);
    const auto home = home_under(rollout);
    for (const auto& view : world.analysis_runs.at_home(ns, home))
        all.analysis_runs.push_back(view->seen);
    for (auto& run : world.analysis_runs.beginning(ns, name + "-"))
        if (run.home != home) all.taken_run_names.insert(std::move(run.name));
}

bool injects_metadata(const crds::Rollout& rollout, const seen::Observation& all) {
    const auto& canary = rollout.spec.canary;
    if (canary && !(canary->canary_metadata.empty() && canary->stable_metadata.empty()))
        return true;
    return std::ranges::any_of(all.replica_sets, [](const auto& set) {
        return set.annotations.contains(crds::ephemeral_metadata_annotation);
    });
}

// Only where a decision is going to read them.
void see_pods(const World& world, const crds::Rollout& rollout, seen::Observation& all) {
    const bool restarts =
        rollout.spec.restart_at && rollout.spec.restart_at != rollout.status.restarted_at;
    if (!restarts && !injects_metadata(rollout, all)) return;
    std::map<std::uint64_t, const std::string*> owners;
    for (const auto& set : all.replica_sets) owners[owner_mark(set.uid)] = &set.name;
    world.pods.visit_namespace(rollout.metadata.ns,
                               [&](const std::string& key, const PodView& pod) {
                                   const auto owner = owners.find(pod.owner);
                                   if (owner == owners.end()) return;
                                   all.pods.push_back({.name = split_key(key).second,
                                                       .replica_set = *owner->second,
                                                       .created = pod.created,
                                                       .deleting = pod.deleting,
                                                       .ready_since = pod.ready_since,
                                                       .marks = pod.marks});
                               });
}

// What keeps this analysis from being started, as upstream's validation says it
// (argo-rollouts.md 1.19): templates that are missing, nested ones too, arguments, endless metrics.
void see_template_problems(const World& world, const crds::Rollout& rollout,
                           const crds::RolloutAnalysis& analysis, analysis::AnalysisUse use,
                           const std::string& path, seen::Observation& all) {
    const auto complain = [&](const std::string& what) {
        std::vector<std::string> names;
        for (const auto& ref : analysis.templates) names.push_back(ref.template_name);
        all.problems.push_back(
            concat(path, ": Invalid value: \"templateNames: [", join(names, " "), "]\": ", what));
    };
    auto templates = analysis::gather_templates(
        analysis.templates, [&](const crds::AnalysisTemplateRef& ref) -> analysis::TemplatePointer {
            return ref.cluster_scope ? world.cluster_analysis_templates.get(ref.template_name)
                                     : world.analysis_templates.get(
                                           key_of(rollout.metadata.ns, ref.template_name));
        });
    if (!templates.ok()) return complain(templates.error().message);
    analysis::RunRequest request{.templates = std::move(*templates), .dry_run = analysis.dry_run};
    for (const auto& arg : analysis.args)
        request.args.push_back({.name = arg.name, .value = arg.value.value_or("known later")});
    for (const auto& what : analysis::problems_of(request, use)) complain(what);
}

void see_problems(const World& world, const crds::Rollout& rollout, seen::Observation& all) {
    using analysis::AnalysisUse;
    const auto& canary = rollout.spec.canary;
    if (!canary) return;
    const std::string path = "spec.strategy.canary.";
    for (size_t i = 0; i < canary->steps.size(); ++i)
        if (const auto* step = std::get_if<crds::AnalysisStep>(&canary->steps[i]))
            see_template_problems(world, rollout, step->analysis, AnalysisUse::Inline,
                                  concat(path, "steps[", i, "].analysis.templates"), all);
    if (canary->analysis)
        see_template_problems(world, rollout, canary->analysis->analysis, AnalysisUse::Background,
                              path + "analysis.templates", all);
}

}  // namespace

std::vector<std::unique_ptr<traffic::Router>> routers_of(const crds::Rollout& rollout) {
    std::vector<std::unique_ptr<traffic::Router>> routers;
    const auto& canary = rollout.spec.canary;
    if (!canary || !canary->traffic_routing) return routers;
    const auto& routing = *canary->traffic_routing;
    if (routing.istio) routers.push_back(traffic::make_router(*routing.istio));
    if (routing.nginx) routers.push_back(traffic::make_router(*routing.nginx));
    return routers;
}

traffic::Target target_of(const crds::Rollout& rollout) {
    traffic::Target target{.ns = rollout.metadata.ns,
                           .name = rollout.metadata.name,
                           .uid = rollout.metadata.uid,
                           .stable_hash = rollout.status.stable_rs,
                           .canary_hash = rollout.status.current_pod_hash};
    if (const auto& canary = rollout.spec.canary) {
        target.stable_service = canary->stable_service;
        target.canary_service = canary->canary_service;
        if (canary->traffic_routing)
            target.managed_routes = canary->traffic_routing->managed_routes;
    }
    return target;
}

SubsetHashes subsets_of(const crds::Rollout& rollout, const traffic::Documents& documents) {
    const auto& istio = rollout.spec.canary->traffic_routing->istio;
    if (!istio || !istio->destination_rule) return {};
    const auto& rule = *istio->destination_rule;
    return {subset_hash(documents, rule.name, rule.canary_subset_name),
            subset_hash(documents, rule.name, rule.stable_subset_name)};
}

policy::rollout::Observation observe(const World& world, const crds::Rollout& rollout) {
    seen::Observation all;
    all.rollout = rollout_seen(rollout);
    all.problems = crds::refusals(rollout);
    see_replica_sets(world, rollout, all);
    see_services(world, rollout, all);
    see_routes(world, rollout, all);
    see_runs(world, rollout, all);
    see_pods(world, rollout, all);
    see_problems(world, rollout, all);
    return all;
}

}  // namespace sluice::shell
