// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/triggers.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/overloaded.hpp"
#include "base/text.hpp"

namespace sluice::shell {
namespace {

const crds::TrafficRouting* routing_of(const crds::Rollout& rollout) {
    const auto& canary = rollout.spec.canary;
    return canary && canary->traffic_routing ? &*canary->traffic_routing : nullptr;
}

bool names(const std::optional<crds::RolloutAnalysis>& analysis, const std::string& name,
           bool cluster) {
    if (!analysis) return false;
    return std::ranges::any_of(analysis->templates, [&](const crds::AnalysisTemplateRef& ref) {
        return ref.template_name == name && ref.cluster_scope == cluster;
    });
}

}  // namespace

bool uses_service(const crds::Rollout& rollout, const std::string& service) {
    if (const auto& canary = rollout.spec.canary)
        return service == canary->canary_service || service == canary->stable_service;
    if (const auto& blue_green = rollout.spec.blue_green)
        return service == blue_green->active_service || service == blue_green->preview_service;
    return false;
}

std::string canary_ingress_name(const std::string& rollout, const std::string& ingress) {
    constexpr std::string_view suffix = "-canary";  // it stays whole: traffic/nginx.cpp
    return concat(concat(rollout, "-", ingress).substr(0, 253 - suffix.size()), suffix);
}

bool uses_ingress(const crds::Rollout& rollout, const std::string& ingress) {
    const auto* routing = routing_of(rollout);
    if (!routing || !routing->nginx) return false;
    return std::ranges::any_of(routing->nginx->stable_ingresses, [&](const std::string& stable) {
        return ingress == stable || ingress == canary_ingress_name(rollout.metadata.name, stable);
    });
}

bool uses_virtual_service(const crds::Rollout& rollout, const std::string& ns,
                          const std::string& name) {
    const auto* routing = routing_of(rollout);
    if (!routing || !routing->istio) return false;
    return std::ranges::any_of(routing->istio->virtual_services,
                               [&](const crds::IstioVirtualService& service) {
                                   const bool same_namespace = rollout.metadata.ns == ns;
                                   return (same_namespace && service.name == name) ||
                                          service.name == concat(name, ".", ns);
                               });
}

bool uses_destination_rule(const crds::Rollout& rollout, const std::string& name) {
    const auto* routing = routing_of(rollout);
    return routing && routing->istio && routing->istio->destination_rule &&
           routing->istio->destination_rule->name == name;
}

bool uses_analysis_template(const crds::Rollout& rollout, const std::string& name,
                            bool cluster_scope) {
    if (const auto& canary = rollout.spec.canary) {
        if (canary->analysis && names(canary->analysis->analysis, name, cluster_scope)) return true;
        for (const auto& step : canary->steps)
            if (const auto* analysis = std::get_if<crds::AnalysisStep>(&step))
                if (names(analysis->analysis, name, cluster_scope)) return true;
    }
    if (const auto& blue_green = rollout.spec.blue_green)
        return names(blue_green->pre_promotion_analysis, name, cluster_scope) ||
               names(blue_green->post_promotion_analysis, name, cluster_scope);
    return false;
}

std::uint32_t mark_of_service(std::string_view name) {
    return fnv1a_32(concat("s/", name));
}
std::uint32_t mark_of_ingress(std::string_view name) {
    return fnv1a_32(concat("i/", name));
}
std::uint32_t mark_of_virtual_service(std::string_view as_written) {
    return fnv1a_32(concat("v/", as_written));
}
std::uint32_t mark_of_destination_rule(std::string_view name) {
    return fnv1a_32(concat("d/", name));
}
std::uint32_t mark_of_template(std::string_view name) {
    return fnv1a_32(concat("t/", name));
}

namespace {

using Marks = std::set<std::uint32_t>;

void mark_templates(const crds::RolloutAnalysis& analysis, Marks& marks) {
    for (const auto& ref : analysis.templates) marks.insert(mark_of_template(ref.template_name));
}

void mark_routes(const crds::Rollout& rollout, Marks& marks) {
    const auto* routing = routing_of(rollout);
    if (!routing) return;
    if (routing->nginx)
        for (const auto& stable : routing->nginx->stable_ingresses) {
            marks.insert(mark_of_ingress(stable));
            marks.insert(mark_of_ingress(canary_ingress_name(rollout.metadata.name, stable)));
        }
    if (!routing->istio) return;
    for (const auto& service : routing->istio->virtual_services)
        marks.insert(mark_of_virtual_service(service.name));
    if (const auto& rule = routing->istio->destination_rule)
        marks.insert(mark_of_destination_rule(rule->name));
}

}  // namespace

std::set<std::uint32_t> used_marks(const crds::Rollout& rollout) {
    Marks marks;
    mark_routes(rollout, marks);
    if (const auto& canary = rollout.spec.canary) {
        marks.insert(mark_of_service(canary->canary_service));
        marks.insert(mark_of_service(canary->stable_service));
        if (canary->analysis) mark_templates(canary->analysis->analysis, marks);
        for (const auto& step : canary->steps)
            if (const auto* analysis = std::get_if<crds::AnalysisStep>(&step))
                mark_templates(analysis->analysis, marks);
    }
    if (const auto& blue_green = rollout.spec.blue_green) {
        marks.insert(mark_of_service(blue_green->active_service));
        marks.insert(mark_of_service(blue_green->preview_service));
        for (const auto* analysis :
             {&blue_green->pre_promotion_analysis, &blue_green->post_promotion_analysis})
            if (*analysis) mark_templates(**analysis, marks);
    }
    return marks;
}

}  // namespace sluice::shell
