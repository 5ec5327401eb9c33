// SPDX-License-Identifier: Apache-2.0
#include "standalone/workloads/endpoint_slice.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::standalone::workloads {
namespace {

// The number behind a Service port on this pod; nothing where the pod has no port of that name.
std::optional<long> resolve_port(const ServicePort& port, const PodView& pod) {
    if (port.target.number) return port.target.number;
    for (const auto& candidate : pod.ports)
        if (candidate.name == port.target.text && candidate.protocol == port.protocol)
            return candidate.number;
    return std::nullopt;
}

Json ports_of(const ServiceView& service, const PodView& pod) {
    Json ports = Json::array();
    for (const auto& port : service.ports) {
        const auto number = resolve_port(port, pod);
        if (!number) continue;
        Json entry = {{"name", port.name}, {"port", *number}, {"protocol", port.protocol}};
        if (!port.app_protocol.empty()) entry["appProtocol"] = port.app_protocol;
        ports.push_back(std::move(entry));
    }
    return ports;
}

// "Ready" is false for a pod on its way out even while it still serves; consumers that have nothing
// better may go on with serving && terminating.
Json endpoint_of(const ServiceView& service, const PodView& pod) {
    const bool ready = service.publish_not_ready || (pod.ready && !pod.terminating);
    Json endpoint = {
        {"addresses", Json::array({pod.ip})},
        {"conditions",
         {{"ready", ready}, {"serving", pod.ready}, {"terminating", pod.terminating}}},
        {"targetRef",
         {{"kind", "Pod"}, {"namespace", pod.ns}, {"name", pod.name}, {"uid", pod.uid}}},
        {"nodeName", pod.node},
    };
    if (!pod.hostname.empty()) endpoint["hostname"] = pod.hostname;
    return endpoint;
}

bool has_endpoint(const ServiceView& service, const PodView& pod) {
    return !pod.ip.empty() && pod.phase != "Succeeded" && pod.phase != "Failed" &&
           contains(pod.labels, service.selector);
}

// Resolved ports to endpoints.
std::map<std::string, std::pair<Json, Json>> group_endpoints(const ServiceView& service,
                                                             const std::vector<PodView>& pods) {
    std::vector<const PodView*> members;
    for (const auto& pod : pods)
        if (has_endpoint(service, pod)) members.push_back(&pod);
    std::ranges::sort(members, {},
                      [](const PodView* pod) { return std::tie(pod->name, pod->uid); });
    std::map<std::string, std::pair<Json, Json>> groups;
    for (const auto* pod : members) {
        Json ports = ports_of(service, *pod);
        auto& [shared_ports, endpoints] = groups[to_text(ports)];
        if (endpoints.is_null()) endpoints = Json::array();
        shared_ports = std::move(ports);
        endpoints.push_back(endpoint_of(service, *pod));
    }
    if (groups.empty()) groups["[]"] = {Json::array(), Json::array()};
    return groups;
}

Json slice_labels(const ServiceView& service) {
    Json labels = Json::object();
    for (const auto& [key, value] : service.labels) labels[key] = value;
    labels[std::string(service_name_label)] = service.name;
    labels[std::string(managed_by_label)] = managed_by_us;
    return labels;
}

// The same Service always tries the same names in the same order, so that a create that is repeated
// after a crash finds its first attempt.
std::string slice_name(const ServiceView& service, const std::set<std::string>& taken) {
    static constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
    for (int attempt = 0;; ++attempt) {
        const auto digest = sha256_hex(concat(service.uid, "/", attempt));
        std::string suffix;
        for (size_t i = 0; i < 5; ++i)
            suffix += alphabet[std::stoul(digest.substr(i * 4, 4), nullptr, 16) % alphabet.size()];
        auto name = concat(service.name, "-", suffix);
        if (!taken.contains(name)) return name;
    }
}

Json new_slice(const ServiceView& service, const std::string& name) {
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata",
             {{"name", name},
              {"namespace", service.ns},
              {"ownerReferences", Json::array({{{"apiVersion", "v1"},
                                                {"kind", "Service"},
                                                {"name", service.name},
                                                {"uid", service.uid},
                                                {"controller", true},
                                                {"blockOwnerDeletion", true}}})}}}};
}

void fill(Json& slice, const ServiceView& service, const Json& ports, const Json& endpoints) {
    slice["metadata"]["labels"] = slice_labels(service);
    slice["addressType"] = "IPv4";
    slice["ports"] = ports;
    slice["endpoints"] = endpoints;
}

bool being_deleted(const Json& slice) {
    return find(slice, {"metadata", "deletionTimestamp"});
}

}  // namespace

bool wants_endpoints(const ServiceView& service) {
    return !service.deleting && !service.external_name && !service.selector.empty();
}

bool changes_endpoints(const PodView* old, const PodView* fresh) {
    if (!old || !fresh) return true;
    const auto shown = [](const PodView& pod) {
        return std::tie(pod.uid, pod.labels, pod.ip, pod.node, pod.phase, pod.ready,
                        pod.terminating, pod.ports, pod.hostname);
    };
    return shown(*old) != shown(*fresh);
}

EndpointSliceDecision decide_endpoint_slices(const ServiceView& service,
                                             const std::vector<PodView>& pods,
                                             const std::vector<Json>& existing) {
    EndpointSliceDecision decision;
    std::set<std::string> taken;
    for (const auto& slice : existing) taken.insert(text_at(slice, {"metadata", "name"}));
    std::vector<const Json*> spare;
    for (const auto& slice : existing)
        if (!being_deleted(slice)) spare.push_back(&slice);
    if (!wants_endpoints(service)) {
        for (const auto* slice : spare)
            decision.remove.push_back(text_at(*slice, {"metadata", "name"}));
        return decision;
    }
    auto groups = group_endpoints(service, pods);
    std::map<std::string, const Json*> chosen;
    for (const auto& [text, group] : groups) {
        const auto same = std::ranges::find_if(spare, [&](const Json* slice) {
            const Json* ports = find(*slice, {"ports"});
            return to_text(ports ? *ports : Json::array()) == text;
        });
        if (same == spare.end()) continue;
        chosen[text] = *same;
        spare.erase(same);
    }
    for (const auto& [text, group] : groups) {
        const Json* current = nullptr;
        if (const auto found = chosen.find(text); found != chosen.end()) {
            current = found->second;
        } else if (!spare.empty()) {
            current = spare.front();
            spare.erase(spare.begin());
        }
        Json slice;
        if (current) {
            slice = *current;
        } else {
            slice = new_slice(service, slice_name(service, taken));
            taken.insert(text_at(slice, {"metadata", "name"}));
        }
        fill(slice, service, group.first, group.second);
        if (!current)
            decision.create.push_back(std::move(slice));
        else if (slice != *current)
            decision.replace.push_back(std::move(slice));
    }
    for (const auto* slice : spare)
        decision.remove.push_back(text_at(*slice, {"metadata", "name"}));
    return decision;
}

}  // namespace sluice::standalone::workloads
