// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/pod_defaults.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::apiserver {
namespace {

constexpr const char* container_lists[] = {"containers", "initContainers", "ephemeralContainers"};

// With the tag latest, or none, an image may change under its name.
std::string pull_policy(const std::string& image) {
    if (image.find('@') != std::string::npos) return "IfNotPresent";
    const auto slash = image.rfind('/');
    const auto colon = image.rfind(':');
    const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
    return !tagged || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void default_http_get(Json& action) {
    if (!action.is_object()) return;
    set_default(action, "path", "/");
    set_default(action, "scheme", "HTTP");
}

void default_probe(Json& probe) {
    if (!probe.is_object()) return;
    set_default(probe, "timeoutSeconds", 1);
    set_default(probe, "periodSeconds", 10);
    set_default(probe, "successThreshold", 1);
    set_default(probe, "failureThreshold", 3);
    if (probe.contains("httpGet")) default_http_get(probe["httpGet"]);
}

void default_environment(Json& container) {
    if (!container.contains("env") || !container["env"].is_array()) return;
    for (auto& variable : container["env"])
        if (find(variable, {"valueFrom", "fieldRef"}))
            set_default(variable["valueFrom"]["fieldRef"], "apiVersion", "v1");
}

// What is limited is requested.
void default_requests(Json& container) {
    const Json* limits = find(container, {"resources", "limits"});
    if (!limits || !limits->is_object()) return;
    Json& requests = container["resources"]["requests"];
    if (!requests.is_object()) requests = Json::object();
    for (const auto& [name, amount] : limits->items())
        if (!requests.contains(name)) requests[name] = amount;
}

void default_container(Json& container, bool pod) {
    if (!container.is_object()) return;
    set_default(container, "imagePullPolicy", pull_policy(text_at(container, {"image"})));
    set_default(container, "resources", Json::object());
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    if (container.contains("ports") && container["ports"].is_array())
        for (auto& port : container["ports"])
            if (port.is_object()) set_default(port, "protocol", "TCP");
    for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"})
        if (container.contains(probe)) default_probe(container[probe]);
    for (const char* hook : {"postStart", "preStop"})
        if (find(container, {"lifecycle", hook, "httpGet"}))
            default_http_get(container["lifecycle"][hook]["httpGet"]);
    default_environment(container);
    if (pod) default_requests(container);
}

void default_volume(Json& volume) {
    if (!volume.is_object()) return;
    for (const char* source : {"secret", "configMap", "downwardAPI", "projected"})
        if (volume.contains(source) && volume[source].is_object())
            set_default(volume[source], "defaultMode", 420);
    if (volume.contains("hostPath") && volume["hostPath"].is_object())
        set_default(volume["hostPath"], "type", "");
}

}  // namespace

void set_default(Json& object, const char* key, Json value) {
    if (!object.contains(key) || object[key].is_null()) object[key] = std::move(value);
}

void default_pod_spec(Json& spec, bool pod) {
    if (!spec.is_object()) spec = Json::object();
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "schedulerName", "default-scheduler");
    set_default(spec, "securityContext", Json::object());
    set_default(spec, "terminationGracePeriodSeconds", 30);
    if (pod) set_default(spec, "enableServiceLinks", true);
    if (const std::string account = text_at(spec, {"serviceAccountName"}); !account.empty())
        set_default(spec, "serviceAccount", account);
    for (const char* list : container_lists)
        if (spec.contains(list) && spec[list].is_array())
            for (auto& container : spec[list]) default_container(container, pod);
    if (spec.contains("volumes") && spec["volumes"].is_array())
        for (auto& volume : spec["volumes"]) default_volume(volume);
}

std::string qos_class(const Json& spec) {
    bool anything = false;
    bool guaranteed = true;
    for (const char* list : {"containers", "initContainers"}) {
        const Json* containers = find(spec, {list});
        if (!containers || !containers->is_array()) continue;
        for (const auto& container : *containers)
            for (const char* resource : {"cpu", "memory"}) {
                const Json* limit = find(container, {"resources", "limits", resource});
                const Json* request = find(container, {"resources", "requests", resource});
                anything = anything || limit || request;
                guaranteed = guaranteed && limit && request && *limit == *request;
            }
    }
    if (!anything) return "BestEffort";
    return guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace sluice::standalone::apiserver
