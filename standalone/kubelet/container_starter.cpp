// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/container_starter.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/kubelet/environment.hpp"
#include "standalone/kubelet/image.hpp"

namespace sluice::standalone::kubelet {
namespace {

Variables data_of(const Json& object, bool secret) {
    Variables data;
    const auto add = [&](std::string_view field, bool encoded) {
        const Json* entries = find(object, {field});
        if (!entries || !entries->is_object()) return;
        for (const auto& [key, value] : entries->items()) {
            if (!value.is_string()) continue;
            const auto text = value.get<std::string>();
            data[key] = encoded ? base64_decode(text).value_or("") : text;
        }
    };
    add("data", secret);
    add("stringData", false);
    return data;
}

Result<ConfigData> read_config(const kube::Client& client, const Pod& pod,
                               const ContainerSpec& container) {
    ConfigData config;
    for (const auto& need : config_needs(container)) {
        const bool secret = need.starts_with("secret/");
        const auto name = need.substr(need.find('/') + 1);
        const auto object =
            client.get({secret ? resources::secrets : resources::config_maps, pod.ns, name});
        if (object.failed_with(ErrorKind::NotFound)) continue;
        if (!object.ok()) return object.error();
        config[need] = data_of(*object, secret);
    }
    return config;
}

}  // namespace

Result<ProcessSpec> ContainerStarter::process_spec(const Pod& pod, const ContainerSpec& container,
                                                   const std::string& ip, const std::string& folder,
                                                   const UserId& user) const {
    const auto home = TRY(folders_.work_folder(pod.uid, container.name, user));
    const auto config = TRY(read_config(client_, pod, container));
    const auto variables = TRY(container_environment({pod, container, ip, home, config}));
    ProcessSpec spec{.working_dir = home,
                     .log_path = logs_.path(pod.uid, container.name),
                     .user = user,
                     .enter_as_user = false,
                     .no_new_privileges = container.security.no_new_privileges};
    if (!container.working_dir.empty()) {
        const bool absolute = container.working_dir.starts_with('/');
        spec.working_dir = absolute ? container.working_dir : folder + "/" + container.working_dir;
        spec.enter_as_user = true;
    }
    std::vector<std::string> command;
    std::vector<std::string> args;
    for (const auto& word : container.command) command.push_back(expand(word, variables));
    for (const auto& word : container.args) args.push_back(expand(word, variables));
    spec.command = command_line(folder, command, args);
    for (const auto& [name, value] : variables)
        spec.environment.push_back(concat(name, "=", value));
    return spec;
}

std::variant<PreparedProcess, StartRefusal> ContainerStarter::prepare(
    const Pod& pod, const ContainerSpec& container, const std::string& ip) const {
    if (!container.unsupported.empty())
        return StartRefusal{"CreateContainerConfigError", container.unsupported.front()};
    const auto folder = find_image(images_, container.image);
    if (!folder.ok())
        return StartRefusal{
            folder.failed_with(ErrorKind::Invalid) ? "InvalidImageName" : "ErrImagePull",
            folder.error().message};
    const auto user = choose_user(container.security, starter_);
    if (!user.ok()) return StartRefusal{"CreateContainerConfigError", user.error().message};
    const auto spec = process_spec(pod, container, ip, *folder, *user);
    if (!spec.ok()) return StartRefusal{"CreateContainerConfigError", spec.error().message};
    // Asked beforehand: exec's own "permission denied" does not say which folder on the way
    // refuses. Where we are not root, groups and lists may allow more than the bits say: let exec
    // find out.
    if (starter_.self.uid == 0 && spec->command.front().starts_with('/'))
        if (const auto why = explain_access(spec->command.front(), *user); !why.empty())
            return StartRefusal{"RunContainerError", why};
    logs_.begin(pod.uid, container.name);
    auto prepared = prepare_process(*spec);
    if (!prepared.ok()) return StartRefusal{"RunContainerError", prepared.error().message};
    return std::move(*prepared);
}

}  // namespace sluice::standalone::kubelet
