// SPDX-License-Identifier: Apache-2.0
#include "standalone/kubelet/node.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/kubelet/process.hpp"
#include "standalone/kubelet/status.hpp"

namespace sluice::standalone::kubelet {
namespace {

std::string architecture(const utsname& machine) {
    const std::string name = machine.machine;
    if (name == "x86_64") return "amd64";
    return name == "aarch64" ? "arm64" : name;
}

}  // namespace

Json node_status(const std::string& name, TimePoint since, TimePoint now) {
    utsname machine{};
    ::uname(&machine);
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_kib = ::sysconf(_SC_PAGESIZE) / 1024;
    const Json capacity = {{"cpu", std::to_string(::sysconf(_SC_NPROCESSORS_ONLN))},
                           {"memory", concat(pages * page_kib, "Ki")},
                           {"pods", "1000"}};
    return {{"capacity", capacity},
            {"allocatable", capacity},
            {"addresses", Json::array({{{"type", "InternalIP"}, {"address", host_ip}},
                                       {{"type", "Hostname"}, {"address", name}}})},
            {"conditions", Json::array({{{"type", "Ready"},
                                         {"status", "True"},
                                         {"reason", "KubeletReady"},
                                         {"message", "pods run as local processes"},
                                         {"lastHeartbeatTime", format_rfc3339(now)},
                                         {"lastTransitionTime", format_rfc3339(since)}}})},
            {"nodeInfo",
             {{"architecture", architecture(machine)},
              {"operatingSystem", "linux"},
              {"kernelVersion", machine.release},
              {"osImage", machine.sysname},
              {"bootID", boot_id()},
              {"machineID", ""},
              {"systemUUID", ""},
              {"containerRuntimeVersion", "sluice://processes"},
              {"kubeletVersion", "v1.32.0"},
              {"kubeProxyVersion", ""}}}};
}

Result<void> register_node(const kube::Client& client, const std::string& name, TimePoint since,
                           TimePoint now) {
    const Json node = {
        {"apiVersion", "v1"},
        {"kind", "Node"},
        {"metadata",
         {{"name", name},
          {"labels", {{"kubernetes.io/hostname", name}, {"kubernetes.io/os", "linux"}}}}},
        {"spec", Json::object()}};
    const auto made = client.create(resources::nodes, node);
    if (!made.ok() && !made.failed_with(ErrorKind::AlreadyExists)) return made.error();
    TRY(client.patch({resources::nodes, "", name}, kube::PatchType::Merge,
                     {{"status", node_status(name, since, now)}}, "status"));
    return {};
}

}  // namespace sluice::standalone::kubelet
