// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/triggers.hpp"

#include <algorithm>

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

}  // namespace sluice::shell
