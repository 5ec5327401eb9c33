// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/pod.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace sluice::standalone::kubelet {
namespace {

const Json& pod_list(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json nothing = Json::array();
    const Json* found = find(object, path);
    return found && found->is_array() ? *found : nothing;
}

std::map<std::string, std::string> pod_texts(const Json& object,
                                             std::initializer_list<std::string_view> path) {
    std::map<std::string, std::string> texts;
    const Json* found = find(object, path);
    if (found && found->is_object())
        for (const auto& [key, value] : found->items())
            if (value.is_string()) texts[key] = value.get<std::string>();
    return texts;
}

std::vector<std::string> pod_words(const Json& object, std::string_view key) {
    std::vector<std::string> words;
    for (const auto& word : pod_list(object, {key}))
        if (word.is_string()) words.push_back(word.get<std::string>());
    return words;
}

Duration seconds_at(const Json& object, std::string_view key, long otherwise, long least) {
    return std::chrono::seconds{std::max(least, integer_at(object, {key}, otherwise))};
}

long probe_port(const Json& handler, const Json& container) {
    const Json* port = find(handler, {"port"});
    if (!port) return 0;
    if (port->is_number()) return port->get<long>();
    if (!port->is_string()) return 0;
    const auto text = port->get<std::string>();
    for (const auto& candidate : pod_list(container, {"ports"}))
        if (text_at(candidate, {"name"}) == text) return integer_at(candidate, {"containerPort"});
    return parse_integer(text).value_or(0);
}

std::optional<ProbeSpec> decode_probe(const Json& container, std::string_view field,
                                      std::vector<std::string>& unsupported) {
    const Json* probe = find(container, {field});
    if (!probe || !probe->is_object()) return std::nullopt;
    ProbeSpec spec;
    const Json* http = find(*probe, {"httpGet"});
    const Json* tcp = find(*probe, {"tcpSocket"});
    if (!http && !tcp) {
        unsupported.push_back(concat(field, " is neither httpGet nor tcpSocket"));
        return std::nullopt;
    }
    const Json& handler = http ? *http : *tcp;
    spec.http = http != nullptr;
    spec.https = text_at(handler, {"scheme"}) == "HTTPS";
    spec.host = text_at(handler, {"host"});
    spec.path = text_at(handler, {"path"}, "/");
    if (!spec.path.starts_with('/')) spec.path.insert(0, "/");
    spec.port = probe_port(handler, container);
    for (const auto& header : pod_list(handler, {"httpHeaders"}))
        spec.headers.emplace_back(text_at(header, {"name"}), text_at(header, {"value"}));
    spec.initial_delay = seconds_at(*probe, "initialDelaySeconds", 0, 0);
    spec.period = seconds_at(*probe, "periodSeconds", 10, 1);
    spec.timeout = seconds_at(*probe, "timeoutSeconds", 1, 1);
    spec.failure_threshold = std::max(1L, integer_at(*probe, {"failureThreshold"}, 3));
    spec.success_threshold = std::max(1L, integer_at(*probe, {"successThreshold"}, 1));
    return spec;
}

EnvVar decode_env(const Json& entry, std::vector<std::string>& unsupported) {
    EnvVar var{.name = text_at(entry, {"name"}), .value = text_at(entry, {"value"})};
    const Json* from = find(entry, {"valueFrom"});
    if (!from || !from->is_object()) return var;
    const auto reference = [&](EnvSource source, const Json& ref) {
        var.source = source;
        var.object = text_at(ref, {"name"});
        var.key = text_at(ref, {"key"});
        var.optional = bool_at(ref, {"optional"});
    };
    if (const Json* field = find(*from, {"fieldRef"})) {
        var.source = EnvSource::Field;
        var.value = text_at(*field, {"fieldPath"});
    } else if (const Json* key = find(*from, {"configMapKeyRef"})) {
        reference(EnvSource::ConfigMapKey, *key);
    } else if (const Json* secret = find(*from, {"secretKeyRef"})) {
        reference(EnvSource::SecretKey, *secret);
    } else {
        unsupported.push_back(concat("env ", var.name, " has a valueFrom other than fieldRef, ",
                                     "configMapKeyRef or secretKeyRef"));
    }
    return var;
}

void decode_security(const Json& holder, SecurityContext& security) {
    const Json* context = find(holder, {"securityContext"});
    if (!context || !context->is_object()) return;
    if (find(*context, {"runAsUser"})) security.run_as_user = integer_at(*context, {"runAsUser"});
    if (find(*context, {"runAsGroup"}))
        security.run_as_group = integer_at(*context, {"runAsGroup"});
    security.run_as_non_root = bool_at(*context, {"runAsNonRoot"}, security.run_as_non_root);
    security.no_new_privileges = !bool_at(*context, {"allowPrivilegeEscalation"}, true);
}

// Volumes that a process on the host has anyway, or can do without, are let pass.
void check_mounts(const Json& pod, const Json& container, std::vector<std::string>& unsupported) {
    for (const auto& mount : pod_list(container, {"volumeMounts"}))
        for (const auto& volume : pod_list(pod, {"spec", "volumes"})) {
            if (text_at(volume, {"name"}) != text_at(mount, {"name"})) continue;
            if (find(volume, {"emptyDir"}) || find(volume, {"projected"})) continue;
            unsupported.push_back(concat("volume ", text_at(volume, {"name"}),
                                         " cannot be mounted for a local process"));
        }
}

void decode_pre_stop(const Json& container, ContainerSpec& spec) {
    const Json* hook = find(container, {"lifecycle", "preStop"});
    if (!hook) return;
    if (const Json* sleep = find(*hook, {"sleep"}))
        spec.pre_stop_sleep = std::chrono::seconds{std::max(0L, integer_at(*sleep, {"seconds"}))};
    else
        spec.unsupported.push_back("lifecycle.preStop is not sleep");
}

ContainerSpec decode_container(const Json& pod, const Json& container) {
    ContainerSpec spec{
        .name = text_at(container, {"name"}),
        .image = text_at(container, {"image"}),
        .command = pod_words(container, "command"),
        .args = pod_words(container, "args"),
        .working_dir = text_at(container, {"workingDir"}),
    };
    for (const auto& entry : pod_list(container, {"env"}))
        spec.env.push_back(decode_env(entry, spec.unsupported));
    for (const auto& entry : pod_list(container, {"envFrom"})) {
        const bool secret = find(entry, {"secretRef"}) != nullptr;
        const Json* ref = find(entry, {secret ? "secretRef" : "configMapRef"});
        if (!ref) continue;
        spec.env_from.push_back({secret, text_at(*ref, {"name"}), text_at(entry, {"prefix"}),
                                 bool_at(*ref, {"optional"})});
    }
    spec.readiness = decode_probe(container, "readinessProbe", spec.unsupported);
    spec.liveness = decode_probe(container, "livenessProbe", spec.unsupported);
    spec.startup = decode_probe(container, "startupProbe", spec.unsupported);
    if (const Json* pod_spec = find(pod, {"spec"})) decode_security(*pod_spec, spec.security);
    decode_security(container, spec.security);
    decode_pre_stop(container, spec);
    check_mounts(pod, container, spec.unsupported);
    if (!pod_list(pod, {"spec", "initContainers"}).empty())
        spec.unsupported.push_back("the pod has initContainers");
    return spec;
}

void decode_status(const Json& pod, Pod& decoded) {
    decoded.phase = text_at(pod, {"status", "phase"});
    decoded.start_time = text_at(pod, {"status", "startTime"});
    decoded.ip = text_at(pod, {"status", "podIP"});
    for (const auto& condition : pod_list(pod, {"status", "conditions"}))
        decoded.conditions.push_back({text_at(condition, {"type"}), text_at(condition, {"status"}),
                                      text_at(condition, {"reason"}),
                                      text_at(condition, {"message"}),
                                      text_at(condition, {"lastTransitionTime"})});
    for (const auto& status : pod_list(pod, {"status", "containerStatuses"}))
        if (bool_at(status, {"ready"})) decoded.ready_ids.insert(text_at(status, {"containerID"}));
}

}  // namespace

Pod decode_pod(const Json& pod) {
    Pod decoded{
        .ns = text_at(pod, {"metadata", "namespace"}),
        .name = text_at(pod, {"metadata", "name"}),
        .uid = text_at(pod, {"metadata", "uid"}),
        .labels = pod_texts(pod, {"metadata", "labels"}),
        .annotations = pod_texts(pod, {"metadata", "annotations"}),
        .node = text_at(pod, {"spec", "nodeName"}),
        .service_account = text_at(pod, {"spec", "serviceAccountName"}, "default"),
        .hostname = text_at(pod, {"spec", "hostname"}),
        .restart_policy = text_at(pod, {"spec", "restartPolicy"}, "Always"),
        .grace = std::chrono::seconds{std::max(
            0L, integer_at(pod, {"spec", "terminationGracePeriodSeconds"}, 30))},
    };
    for (const auto& container : pod_list(pod, {"spec", "containers"}))
        decoded.containers.push_back(decode_container(pod, container));
    for (const auto& gate : pod_list(pod, {"spec", "readinessGates"}))
        decoded.readiness_gates.push_back(text_at(gate, {"conditionType"}));
    const auto deletion = parse_rfc3339(text_at(pod, {"metadata", "deletionTimestamp"}));
    if (deletion) decoded.deletion = *deletion;
    if (find(pod, {"metadata", "deletionGracePeriodSeconds"}))
        decoded.deletion_grace =
            std::chrono::seconds{integer_at(pod, {"metadata", "deletionGracePeriodSeconds"})};
    const auto script = decoded.annotations.find(std::string(simulate_annotation));
    if (script != decoded.annotations.end()) {
        const auto simulation = parse_simulation(script->second);
        if (simulation) decoded.simulation = *simulation;
        for (auto& container : decoded.containers)
            if (!simulation) container.unsupported.push_back(simulation.error().message);
    }
    decode_status(pod, decoded);
    return decoded;
}

}  // namespace sluice::standalone::kubelet
