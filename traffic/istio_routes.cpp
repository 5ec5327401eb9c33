// SPDX-License-Identifier: Apache-2.0
#include "traffic/istio_routes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"

namespace sluice::traffic::istio {
namespace {

std::string short_host(const std::string& host) {
    return host.substr(0, host.find('.'));
}

const Json::array_t& route_list(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json::array_t none;
    const Json* list = find(object, path);
    return list && list->is_array() ? list->get_ref<const Json::array_t&>() : none;
}

Result<void> check_sides(const Json& route, const Sides& sides) {
    bool stable = false;
    bool canary = false;
    for (const auto& destination : route_list(route, {"route"})) {
        const Side side = side_of(destination, sides);
        stable = stable || side == Side::Stable;
        canary = canary || side == Side::Canary;
    }
    const bool by_subset = !sides.canary_subset.empty() || !sides.stable_subset.empty();
    if (!canary && by_subset)
        return invalid(
            concat("Canary DestinationRule subset '", sides.canary_subset, "' not found in route"));
    if (!stable && by_subset)
        return invalid(
            concat("Stable DestinationRule subset '", sides.stable_subset, "' not found in route"));
    if (!canary)
        return invalid(concat("Canary Service '", sides.canary_service, "' not found in route"));
    if (!stable)
        return invalid(concat("Stable Service '", sides.stable_service, "' not found in route"));
    return {};
}

// The one port and the SNI hosts that the matches of a tls or tcp route name; nothing where the
// matches name several ports, which no configuration can mean.
std::optional<std::pair<long, std::set<std::string>>> match_of(const Json& route) {
    std::set<long> ports;
    std::set<std::string> hosts;
    for (const auto& match : route_list(route, {"match"})) {
        ports.insert(integer_at(match, {"port"}));
        for (const auto& host : route_list(match, {"sniHosts"}))
            if (host.is_string()) hosts.insert(host.get<std::string>());
    }
    if (ports.size() > 1) return std::nullopt;
    return std::pair{ports.empty() ? 0L : *ports.begin(), hosts};
}

Error ambiguous(const std::string& protocol) {
    const std::string field = protocol == "http" ? "routes" : protocol + "Routes";
    return invalid(
        concat("spec.", protocol,
               "[] should be set in VirtualService and it must have exactly one route when "
               "omitting spec.strategy.canary.trafficRouting.istio.virtualService.",
               field));
}

Result<std::vector<size_t>> http_indexes(const Json::array_t& routes,
                                         const std::vector<std::string>& names,
                                         const std::vector<std::string>& managed) {
    std::vector<size_t> indexes;
    for (const auto& name : names) {
        const auto at = std::find_if(routes.begin(), routes.end(), [&](const Json& route) {
            return text_at(route, {"name"}) == name;
        });
        if (at == routes.end())
            return invalid(
                concat("HTTP Route '", name, "' is not found in the defined Virtual Service."));
        indexes.push_back(static_cast<size_t>(at - routes.begin()));
    }
    if (!names.empty()) return indexes;
    for (size_t i = 0; i < routes.size(); ++i) {
        const std::string name = text_at(routes[i], {"name"});
        if (name.empty() || std::find(managed.begin(), managed.end(), name) == managed.end())
            indexes.push_back(i);
    }
    if (indexes.size() != 1) return ambiguous("http");
    return indexes;
}

// `wanted`: the (port, hosts) that the configuration names.
Result<std::vector<size_t>> matched_indexes(
    const Json::array_t& routes, const std::string& protocol,
    const std::vector<std::pair<long, std::set<std::string>>>& wanted) {
    if (wanted.empty()) {
        if (routes.size() > 1) return ambiguous(protocol);
        return std::vector<size_t>{0};
    }
    std::vector<size_t> indexes;
    for (const auto& one : wanted) {
        bool found = false;
        for (size_t i = 0; i < routes.size(); ++i) {
            auto match = match_of(routes[i]);
            if (match && protocol == "tcp") match->second.clear();
            if (match != one) continue;
            indexes.push_back(i);
            found = true;
        }
        if (!found)
            return invalid(concat("No matching ", protocol == "tls" ? "TLS" : "TCP",
                                  " routes found in the defined Virtual Service."));
    }
    return indexes;
}

}  // namespace

Side side_of(const Json& route_destination, const Sides& sides) {
    const std::string host = text_at(route_destination, {"destination", "host"});
    const std::string subset = text_at(route_destination, {"destination", "subset"});
    if (!sides.canary_subset.empty() || !sides.stable_subset.empty()) {
        if (!sides.rule_host.empty() && host != sides.rule_host &&
            short_host(host) != short_host(sides.rule_host))
            return Side::Elsewhere;
        if (!subset.empty() && subset == sides.canary_subset) return Side::Canary;
        if (!subset.empty() && subset == sides.stable_subset) return Side::Stable;
        return Side::Foreign;
    }
    if (short_host(host) == sides.canary_service) return Side::Canary;
    if (short_host(host) == sides.stable_service) return Side::Stable;
    return Side::Foreign;
}

Result<std::vector<SelectedRoute>> select_routes(const Json& virtual_service,
                                                 const std::string& protocol,
                                                 const crds::IstioVirtualService& config,
                                                 const Sides& sides,
                                                 const std::vector<std::string>& managed_routes) {
    const auto& routes = route_list(virtual_service, {"spec", protocol});
    std::vector<SelectedRoute> selected;
    if (routes.empty()) return selected;
    std::vector<size_t> indexes;
    if (protocol == "http") {
        indexes = TRY(http_indexes(routes, config.routes, managed_routes));
    } else {
        std::vector<std::pair<long, std::set<std::string>>> wanted;
        if (protocol == "tls")
            for (const auto& route : config.tls_routes)
                wanted.emplace_back(route.port, std::set<std::string>(route.sni_hosts.begin(),
                                                                      route.sni_hosts.end()));
        else
            for (const auto& route : config.tcp_routes) wanted.push_back({route.port, {}});
        indexes = TRY(matched_indexes(routes, protocol, wanted));
    }
    for (const size_t index : indexes) {
        TRY(check_sides(routes[index], sides));
        selected.push_back({protocol, index, &routes[index]});
    }
    return selected;
}

}  // namespace sluice::traffic::istio
