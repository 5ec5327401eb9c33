// SPDX-License-Identifier: Apache-2.0
// Services, Ingresses, EndpointSlices, Leases, autoscalers and budgets.
#include <arpa/inet.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.hpp"
#include "standalone/apiserver/names.hpp"
#include "standalone/apiserver/workload_checks.hpp"

namespace sluice::standalone::apiserver {
namespace {

const Json& list_in(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json none = Json::array();
    const Json* list = find(object, path);
    return list && list->is_array() ? *list : none;
}

void check_service_port(const Json& port, const std::string& at, Causes& causes) {
    check_port(find(port, {"port"}), at + ".port", causes);
    const Json* target = find(port, {"targetPort"});
    if (target && target->is_number_integer()) check_port(target, at + ".targetPort", causes);
}

void check_service(const Json& service, Causes& causes) {
    const std::string type = text_at(service, {"spec", "type"});
    const Json& ports = list_in(service, {"spec", "ports"});
    const bool headless = text_at(service, {"spec", "clusterIP"}) == "None";
    if (ports.empty() && !headless && type != "ExternalName")
        causes.push_back(required_value("spec.ports"));
    std::set<std::string> names;
    for (size_t i = 0; i < ports.size(); ++i) {
        const std::string at = concat("spec.ports[", i, "]");
        const std::string name = text_at(ports[i], {"name"});
        if (name.empty() && ports.size() > 1) causes.push_back(required_value(at + ".name"));
        if (!name.empty() && !names.insert(name).second)
            causes.push_back({at + ".name", "FieldValueDuplicate",
                              concat("Duplicate value: ", to_text(Json(name)))});
        check_service_port(ports[i], at, causes);
    }
    const std::vector<std::string> types = {"ClusterIP", "ExternalName", "LoadBalancer",
                                            "NodePort"};
    if (std::ranges::find(types, type) == types.end())
        causes.push_back(unsupported_value("spec.type", to_text(Json(type)), types));
    std::set<std::string> seen;
    for (size_t i = 0; i < ports.size(); ++i) {
        const std::string protocol = text_at(ports[i], {"protocol"});
        const long number = integer_at(ports[i], {"port"});
        if (!seen.insert(concat(protocol, number)).second)
            // Upstream shows its own structure here, with Go's names.
            causes.push_back({concat("spec.ports[", i, "]"), "FieldValueDuplicate",
                              concat("Duplicate value: {\"Name\":\"\",\"Protocol\":\"", protocol,
                                     "\",\"AppProtocol\":null,\"Port\":", number,
                                     ",\"TargetPort\":0,\"NodePort\":0}")});
    }
}

void check_ingress(const Json& ingress, Causes& causes) {
    const Json& rules = list_in(ingress, {"spec", "rules"});
    if (rules.empty() && !find(ingress, {"spec", "defaultBackend"}))
        causes.push_back(
            invalid_value("spec", "null", "either `defaultBackend` or `rules` must be specified"));
    for (size_t i = 0; i < rules.size(); ++i) {
        const std::string at = concat("spec.rules[", i, "]");
        std::string host = text_at(rules[i], {"host"});
        const std::string shown = to_text(Json(host));
        if (host.starts_with("*.")) host.erase(0, 2);
        if (!host.empty() && !is_dns_subdomain(host))
            causes.push_back(invalid_value(
                at + ".host", shown,
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                "characters, '-' or '.', and must start and end with an alphanumeric character "
                "(e.g. 'example.com', regex used for validation is "
                "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"));
        const Json& paths = list_in(rules[i], {"http", "paths"});
        for (size_t k = 0; k < paths.size(); ++k)
            if (text_at(paths[k], {"pathType"}).empty())
                causes.push_back(required_value(concat(at, ".http.paths[", k, "].pathType"),
                                                "pathType must be specified"));
    }
}

bool is_address(const std::string& text) {
    unsigned char bytes[16];
    return ::inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

void check_slice(const Json& slice, Causes& causes) {
    const std::string type = text_at(slice, {"addressType"});
    if (type.empty()) causes.push_back(required_value("addressType"));
    const Json& endpoints = list_in(slice, {"endpoints"});
    for (size_t i = 0; i < endpoints.size() && type.starts_with("IPv"); ++i) {
        const Json& addresses = list_in(endpoints[i], {"addresses"});
        for (size_t k = 0; k < addresses.size(); ++k)
            if (!addresses[k].is_string() || !is_address(addresses[k].get<std::string>()))
                causes.push_back(invalid_value(
                    concat("endpoints[", i, "].addresses[", k, "]"), to_text(addresses[k]),
                    "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"));
    }
}

void check_autoscaler(const Json& autoscaler, Causes& causes) {
    const long least = integer_at(autoscaler, {"spec", "minReplicas"}, 1);
    const long most = integer_at(autoscaler, {"spec", "maxReplicas"});
    if (most < least)
        causes.push_back(invalid_value("spec.maxReplicas", std::to_string(most),
                                       "must be greater than or equal to `minReplicas`"));
    if (most < 1)
        causes.push_back(required_value("spec.maxReplicas", "must be set and greater than 0"));
}

void check_budget(const Json& budget, Causes& causes) {
    const Json* least = find(budget, {"spec", "minAvailable"});
    const Json* most = find(budget, {"spec", "maxUnavailable"});
    if (!least || !most) return;
    const Json* selector = find(budget, {"spec", "selector"});
    // Upstream shows its own structure here, with Go's names.
    causes.push_back(invalid_value(
        "spec",
        concat("{\"MinAvailable\":", to_text(*least),
               ",\"Selector\":", selector ? to_text(*selector) : "null",
               ",\"MaxUnavailable\":", to_text(*most), ",\"UnhealthyPodEvictionPolicy\":null}"),
        "minAvailable and maxUnavailable cannot be both set"));
}

}  // namespace

void check_surroundings(const Resource& resource, const Json& object, Causes& causes) {
    if (resource.type == resources::services) check_service(object, causes);
    if (resource.type == resources::ingresses) check_ingress(object, causes);
    if (resource.type == resources::endpoint_slices) check_slice(object, causes);
    if (resource.type == resources::horizontal_pod_autoscalers) check_autoscaler(object, causes);
    if (resource.type == resources::pod_disruption_budgets) check_budget(object, causes);
    const Json* duration = find(object, {"spec", "leaseDurationSeconds"});
    if (resource.type == resources::leases && duration && duration->is_number_integer() &&
        duration->get<long>() <= 0)
        causes.push_back(invalid_value("spec.leaseDurationSeconds", to_text(*duration),
                                       "must be greater than 0"));
}

}  // namespace sluice::standalone::apiserver
