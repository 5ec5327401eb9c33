// SPDX-License-Identifier: Apache-2.0
// The part of a Rollout that says which route objects carry its traffic (argo-rollouts.md 1.4).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::crds {

struct NginxConfig {
    std::vector<std::string> stable_ingresses;
    std::string annotation_prefix;  // empty: nginx.ingress.kubernetes.io
    std::map<std::string, std::string> additional_ingress_annotations;
    std::map<std::string, std::string> canary_ingress_annotations;
    bool operator==(const NginxConfig&) const = default;
};

struct IstioConfig {
    struct TlsRoute {
        long port = 0;
        std::vector<std::string> sni_hosts;
        bool operator==(const TlsRoute&) const = default;
    };
    struct TcpRoute {
        long port = 0;
        bool operator==(const TcpRoute&) const = default;
    };
    struct VirtualService {
        std::string name;
        std::vector<std::string> routes;
        std::vector<TlsRoute> tls_routes;
        std::vector<TcpRoute> tcp_routes;
        bool operator==(const VirtualService&) const = default;
    };
    struct DestinationRule {
        std::string name;
        std::string canary_subset_name;
        std::string stable_subset_name;
        bool operator==(const DestinationRule&) const = default;
    };
    std::vector<VirtualService> virtual_services;
    std::optional<DestinationRule> destination_rule;
    bool operator==(const IstioConfig&) const = default;
};

}  // namespace sluice::crds
