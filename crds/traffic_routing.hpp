// SPDX-License-Identifier: Apache-2.0
// spec.strategy.canary.trafficRouting of a Rollout: what each router is told.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::crds {

// trafficRouting.nginx; stableIngress and stableIngresses both end up in stable_ingresses.
struct NginxConfig {
    std::vector<std::string> stable_ingresses;
    std::string annotation_prefix = "nginx.ingress.kubernetes.io";
    std::map<std::string, std::string> additional_ingress_annotations;
    std::map<std::string, std::string> canary_ingress_annotations;
    bool operator==(const NginxConfig&) const = default;
};

struct IstioTlsRoute {
    long port = 0;  // 0: the route names no port
    std::vector<std::string> sni_hosts;
    bool operator==(const IstioTlsRoute&) const = default;
};

struct IstioTcpRoute {
    long port = 0;
    bool operator==(const IstioTcpRoute&) const = default;
};

struct IstioVirtualService {
    std::string name;                 // "name", or "name.namespace"
    std::vector<std::string> routes;  // names of http routes; may be empty where there is one route
    std::vector<IstioTlsRoute> tls_routes;
    std::vector<IstioTcpRoute> tcp_routes;
    bool operator==(const IstioVirtualService&) const = default;
};

struct IstioDestinationRule {
    std::string name;
    std::string canary_subset_name;
    std::string stable_subset_name;
    bool operator==(const IstioDestinationRule&) const = default;
};

// trafficRouting.istio; virtualService and virtualServices both end up in virtual_services.
struct IstioConfig {
    std::vector<IstioVirtualService> virtual_services;
    std::optional<IstioDestinationRule> destination_rule;
    bool operator==(const IstioConfig&) const = default;
};

using RouterConfig = std::variant<NginxConfig, IstioConfig>;

}  // namespace sluice::crds
