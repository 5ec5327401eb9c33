// SPDX-License-Identifier: Apache-2.0
// Which routes of a VirtualService a Rollout may touch, and which destinations in them are its two
// sides. The error texts are Argo Rollouts' (rollout/trafficrouting/istio).
#pragma once

#include <string>
#include <vector>

#include "traffic/router.hpp"

namespace sluice::traffic::istio {

enum class Side { Stable, Canary, Foreign, Elsewhere };

// How destinations are told apart: by subset where a DestinationRule is used, else by host.
struct Sides {
    std::string stable_service;
    std::string canary_service;
    std::string stable_subset;  // empty: host-level
    std::string canary_subset;
    std::string rule_host;  // the DestinationRule's host; empty where not known
};

// Foreign: in our route, but neither side. Elsewhere: of another host, none of our business.
Side side_of(const Json& route_destination, const Sides& sides);

// One route under our control.
struct SelectedRoute {
    std::string protocol;  // "http", "tls", "tcp": a key of spec
    size_t index = 0;
    const Json* route = nullptr;
};

// The routes of one protocol that `config` names, or the only one where it names none; empty where
// the VirtualService has none of that protocol.
Result<std::vector<SelectedRoute>> select_routes(const Json& virtual_service,
                                                 const std::string& protocol,
                                                 const crds::IstioVirtualService& config,
                                                 const Sides& sides,
                                                 const std::vector<std::string>& managed_routes);

}  // namespace sluice::traffic::istio
