// SPDX-License-Identifier: Apache-2.0
// The environment and command line of a container: pure, given the ConfigMaps and Secrets. Rules:
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/, "env" and "args".
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "standalone/kubelet/pod.hpp"

namespace sluice::standalone::kubelet {

using Variables = std::map<std::string, std::string>;

// "config/<name>" and "secret/<name>" to decoded data; a name that is absent from it does not
// exist.
using ConfigData = std::map<std::string, Variables>;

// Which of them the container names.
std::vector<std::string> config_needs(const ContainerSpec& container);

// $(NAME) becomes its value, $$ a dollar sign; a name that is not known stays as it is written.
std::string expand(std::string_view text, const Variables& variables);

struct EnvironmentInput {
    const Pod& pod;
    const ContainerSpec& container;
    std::string ip;
    std::string home;
    const ConfigData& config;
};

// Invalid names the variable and what is missing.
Result<Variables> container_environment(const EnvironmentInput& input);

}  // namespace sluice::standalone::kubelet
