// SPDX-License-Identifier: Apache-2.0
// The two verbs that stay: `standalone`, an embedded cluster with the controller in it, and
// `controller`, the controller alone on a cluster that is there.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace sluice::cli {

struct ServeOptions {
    std::string metrics_listen = "127.0.0.1:8090";
    std::string webhook_listen = "127.0.0.1:8091";
    std::string git_program = "git";
    std::string log_level = "info";
    // Go durations; upstream's flags and defaults.
    bool leader_elect = true;
    std::string lease_duration = "15s", renew_deadline = "10s", retry_period = "2s";
    std::string lease_namespace;  // empty: where this pod, or what it watches, is
};

struct StandaloneOptions {
    ServeOptions serve;
    std::string data_dir;
    std::string images_dir;
    std::string listen = "127.0.0.1:6443";
    std::string ingress_listen = "127.0.0.1:8080";
    std::string haproxy_program = "haproxy";
    std::string durability = "process";
    bool allow_root_pods = false;
    bool simulated_pods = false;
    bool without_controller = false;
};

struct ControllerOptions {
    ServeOptions serve;
    std::string kubeconfig;
    std::string context;
    std::string ns;
    std::string data_dir;
};

void add_standalone(CLI::App& app, StandaloneOptions& options, int& exit_code);
void add_controller(CLI::App& app, ControllerOptions& options, int& exit_code);

}  // namespace sluice::cli
