// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/environment.hpp"

#include "base/text.hpp"
#include "standalone/kubelet/status.hpp"

namespace sluice::standalone::kubelet {
namespace {

constexpr std::string_view default_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string config_key(bool secret, std::string_view name) {
    return concat(secret ? "secret/" : "config/", name);
}

Result<std::string> map_entry(const std::map<std::string, std::string>& map,
                              std::string_view path) {
    const auto open = path.find("['");
    const auto key = path.substr(open + 2, path.size() - open - 4);
    const auto found = map.find(std::string(key));
    return found == map.end() ? std::string{} : found->second;
}

Result<std::string> field_value(const EnvironmentInput& input, const std::string& path) {
    const auto& pod = input.pod;
    if (path == "metadata.name") return pod.name;
    if (path == "metadata.namespace") return pod.ns;
    if (path == "metadata.uid") return pod.uid;
    if (path == "spec.nodeName") return pod.node;
    if (path == "spec.serviceAccountName") return pod.service_account;
    if (path == "status.hostIP" || path == "status.hostIPs") return std::string(host_ip);
    if (path == "status.podIP" || path == "status.podIPs") return input.ip;
    if (path.starts_with("metadata.labels['") && path.ends_with("']"))
        return map_entry(pod.labels, path);
    if (path.starts_with("metadata.annotations['") && path.ends_with("']"))
        return map_entry(pod.annotations, path);
    return invalid(concat("fieldPath \"", path, "\" is not known"));
}

// Nothing: optional, and not there.
Result<std::optional<std::string>> referenced_value(const EnvironmentInput& input,
                                                    const EnvVar& var) {
    const bool secret = var.source == EnvSource::SecretKey;
    const auto kind = secret ? "secret" : "configmap";
    const auto object = input.config.find(config_key(secret, var.object));
    if (object == input.config.end()) {
        if (var.optional) return std::optional<std::string>{};
        return invalid(concat(kind, " \"", var.object, "\" not found"));
    }
    const auto entry = object->second.find(var.key);
    if (entry != object->second.end()) return std::optional(entry->second);
    if (var.optional) return std::optional<std::string>{};
    return invalid(
        concat("couldn't find key ", var.key, " in ", kind, " ", input.pod.ns, "/", var.object));
}

Result<void> add_variable(const EnvironmentInput& input, const EnvVar& var, Variables& variables) {
    if (var.source == EnvSource::Value) {
        variables[var.name] = expand(var.value, variables);
    } else if (var.source == EnvSource::Field) {
        variables[var.name] = TRY(field_value(input, var.value));
    } else if (const auto value = TRY(referenced_value(input, var))) {
        variables[var.name] = *value;
    }
    return {};
}

Result<void> add_all_of(const EnvironmentInput& input, const EnvFrom& from, Variables& variables) {
    const auto object = input.config.find(config_key(from.secret, from.object));
    if (object == input.config.end()) {
        if (from.optional) return {};
        return invalid(
            concat(from.secret ? "secret" : "configmap", " \"", from.object, "\" not found"));
    }
    for (const auto& [key, value] : object->second) variables[from.prefix + key] = value;
    return {};
}

}  // namespace

std::vector<std::string> config_needs(const ContainerSpec& container) {
    std::vector<std::string> needs;
    for (const auto& from : container.env_from)
        needs.push_back(config_key(from.secret, from.object));
    for (const auto& var : container.env)
        if (var.source == EnvSource::ConfigMapKey || var.source == EnvSource::SecretKey)
            needs.push_back(config_key(var.source == EnvSource::SecretKey, var.object));
    return needs;
}

std::string expand(std::string_view text, const Variables& variables) {
    std::string expanded;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '$' || i + 1 == text.size()) {
            expanded += text[i];
            continue;
        }
        if (text[i + 1] == '$') {
            expanded += '$';
            ++i;
            continue;
        }
        const auto end = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
        if (end == std::string_view::npos) {
            expanded += '$';
            continue;
        }
        const auto found = variables.find(std::string(text.substr(i + 2, end - i - 2)));
        expanded +=
            found == variables.end() ? std::string(text.substr(i, end - i + 1)) : found->second;
        i = end;
    }
    return expanded;
}

Result<Variables> container_environment(const EnvironmentInput& input) {
    Variables variables{
        {"PATH", std::string(default_path)},
        {"HOME", input.home},
        {"HOSTNAME", input.pod.hostname.empty() ? input.pod.name : input.pod.hostname},
        {"POD_IP", input.ip},
        {"POD_NAME", input.pod.name},
        {"POD_NAMESPACE", input.pod.ns},
    };
    for (const auto& from : input.container.env_from) TRY(add_all_of(input, from, variables));
    for (const auto& var : input.container.env)
        TRY(add_variable(input, var, variables).while_doing(concat("env ", var.name)));
    return variables;
}

}  // namespace sluice::standalone::kubelet
