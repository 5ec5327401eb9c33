// SPDX-License-Identifier: Apache-2.0
#include "standalone/ingress/endpoints.hpp"

#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "base/text.hpp"

namespace sluice::standalone::ingress {
namespace {

constexpr const char* hash_label = "rollouts-pod-template-hash";

const Json::array_t& endpoint_items(const Json& object,
                                    std::initializer_list<std::string_view> path) {
    static const Json::array_t none;
    const Json* list = find(object, path);
    return list && list->is_array() ? list->get_ref<const Json::array_t&>() : none;
}

bool serves(const Json& pod) {
    if (find(pod, {"metadata", "deletionTimestamp"})) return false;
    if (text_at(pod, {"status", "podIP"}).empty()) return false;
    for (const auto& condition : endpoint_items(pod, {"status", "conditions"}))
        if (text_at(condition, {"type"}) == "Ready")
            return text_at(condition, {"status"}) == "True";
    return false;
}

bool has_labels(const Json& pod, const Json* selector) {
    if (!selector || !selector->is_object()) return true;
    for (const auto& [key, value] : selector->items()) {
        const Json* label = find(pod, {"metadata", "labels", key});
        if (!label || *label != value) return false;
    }
    return true;
}

std::string scalar_text(const Json* value) {
    if (!value) return {};
    return value->is_string() ? value->get<std::string>() : sluice::to_text(*value);
}

// The pod's own number for a service port: its targetPort, a name of which each pod may say
// something else.
std::optional<int> target_port(const Json& pod, const Json& service_port) {
    std::string target = scalar_text(find(service_port, {"targetPort"}));
    if (target.empty() || target == "0") target = scalar_text(find(service_port, {"port"}));
    if (const auto number = parse_integer(target)) return static_cast<int>(*number);
    for (const auto& container : endpoint_items(pod, {"spec", "containers"}))
        for (const auto& port : endpoint_items(container, {"ports"}))
            if (text_at(port, {"name"}) == target)
                return static_cast<int>(integer_at(port, {"containerPort"}));
    return std::nullopt;
}

const Json* port_of(const Json& service, const std::string& port) {
    const auto& ports = endpoint_items(service, {"spec", "ports"});
    for (const auto& candidate : ports)
        if (text_at(candidate, {"name"}) == port || scalar_text(find(candidate, {"port"})) == port)
            return &candidate;
    return port.empty() && ports.size() == 1 ? &ports.front() : nullptr;
}

}  // namespace

std::string to_text(const BackendRef& ref) {
    const std::string text = concat(ref.ns, "/", ref.service, ":", ref.port);
    return ref.subset.empty() ? text : concat(text, "#", ref.subset);
}

Directory::Directory(const Objects& objects) : objects_(objects) {
    for (const auto& service : objects_.services)
        services_[key_of(text_at(service, {"metadata", "namespace"}),
                         text_at(service, {"metadata", "name"}))] = &service;
    for (const auto& pod : objects_.pods)
        if (serves(pod)) pods_.emplace(text_at(pod, {"metadata", "namespace"}), &pod);
    for (const auto& slice : objects_.endpoint_slices)
        slices_.emplace(
            key_of(text_at(slice, {"metadata", "namespace"}),
                   text_at(slice, {"metadata", "labels", "kubernetes.io/service-name"})),
            &slice);
}

const Json* Directory::service(const BackendRef& ref) const {
    const auto found = services_.find(key_of(ref.ns, ref.service));
    return found == services_.end() ? nullptr : found->second;
}

std::optional<BackendRef> Directory::resolve(BackendRef ref) const {
    const Json* found = service(ref);
    const Json* port = found ? port_of(*found, ref.port) : nullptr;
    if (!port) return std::nullopt;
    ref.port = scalar_text(find(*port, {"port"}));
    return ref;
}

std::set<Endpoint> Directory::endpoints(const BackendRef& resolved, const Labels& subset) const {
    std::set<Endpoint> endpoints;
    const Json* found = service(resolved);
    const Json* port = found ? port_of(*found, resolved.port) : nullptr;
    if (!port) return endpoints;
    const Json* selector = find(*found, {"spec", "selector"});
    if (!selector || selector->empty()) return from_slices(resolved, *port);
    const Json subset_selector(subset);
    const auto [first, last] = pods_.equal_range(resolved.ns);
    for (auto at = first; at != last; ++at) {
        const Json& pod = *at->second;
        if (!has_labels(pod, selector) || !has_labels(pod, &subset_selector)) continue;
        if (const auto number = target_port(pod, *port))
            endpoints.insert({text_at(pod, {"status", "podIP"}), *number,
                              text_at(pod, {"metadata", "labels", hash_label})});
    }
    return endpoints;
}

std::set<Endpoint> Directory::from_slices(const BackendRef& ref, const Json& port) const {
    std::set<Endpoint> endpoints;
    const auto [first, last] = slices_.equal_range(key_of(ref.ns, ref.service));
    for (auto at = first; at != last; ++at)
        for (const auto& slice_port : endpoint_items(*at->second, {"ports"})) {
            if (text_at(slice_port, {"name"}) != text_at(port, {"name"})) continue;
            const int number = static_cast<int>(integer_at(slice_port, {"port"}));
            for (const auto& endpoint : endpoint_items(*at->second, {"endpoints"})) {
                if (!bool_at(endpoint, {"conditions", "ready"}, true)) continue;
                for (const auto& address : endpoint_items(endpoint, {"addresses"}))
                    if (address.is_string())
                        endpoints.insert({address.get<std::string>(), number, {}});
            }
        }
    return endpoints;
}

}  // namespace sluice::standalone::ingress
