// SPDX-License-Identifier: Apache-2.0
#include "standalone/prometheus_targets.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone {
namespace {

// Prometheus' label names: everything but letters and digits becomes an underscore.
std::string label_name(std::string_view text) {
    std::string name(text);
    for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    return name;
}

Json labels_of_pod(const Json& pod) {
    Json labels{{"__meta_kubernetes_namespace", text_at(pod, {"metadata", "namespace"})},
                {"__meta_kubernetes_pod_name", text_at(pod, {"metadata", "name"})},
                {"__meta_kubernetes_pod_uid", text_at(pod, {"metadata", "uid"})},
                {"__meta_kubernetes_pod_ip", text_at(pod, {"status", "podIP"})},
                {"__meta_kubernetes_pod_phase", text_at(pod, {"status", "phase"})}};
    if (const Json* of_pod = find(pod, {"metadata", "labels"}))
        for (const auto& [name, value] : of_pod->items())
            if (value.is_string())
                labels[concat("__meta_kubernetes_pod_label_", label_name(name))] = value;
    return labels;
}

void add_targets(const Json& pod, Json& groups) {
    const std::string address = text_at(pod, {"status", "podIP"});
    const Json* containers = find(pod, {"spec", "containers"});
    if (address.empty() || !containers || !containers->is_array()) return;
    for (const auto& container : *containers) {
        const Json* ports = find(container, {"ports"});
        if (!ports || !ports->is_array()) continue;
        for (const auto& port : *ports) {
            const long number = integer_at(port, {"containerPort"});
            Json labels = labels_of_pod(pod);
            labels["__meta_kubernetes_pod_container_name"] = text_at(container, {"name"});
            labels["__meta_kubernetes_pod_container_port_name"] = text_at(port, {"name"});
            labels["__meta_kubernetes_pod_container_port_number"] = std::to_string(number);
            groups.push_back(
                {{"targets", {concat(address, ":", number)}}, {"labels", std::move(labels)}});
        }
    }
}

}  // namespace

std::string prometheus_targets(const std::vector<Json>& pods) {
    Json groups = Json::array();
    for (const auto& pod : pods) add_targets(pod, groups);
    return to_text(groups);
}

}  // namespace sluice::standalone
