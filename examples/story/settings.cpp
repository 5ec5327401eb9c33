// SPDX-License-Identifier: Apache-2.0
#include "examples/story/settings.hpp"

#include "base/text.hpp"

namespace story {

using sluice::concat;

Pace normal_pace() {
    return {};
}

Pace fast_pace() {
    Pace pace;
    pace.rate = 2200;
    pace.limit = std::chrono::seconds{60};
    pace.step_deadline = std::chrono::seconds{30};
    pace.settle = std::chrono::seconds{3};
    // Prometheus takes up to five seconds to hear of a new pod, and a rate needs two scrapes.
    pace.replacements = {{"duration: 15s", "duration: 8s"},
                         {"duration: 10s", "duration: 3s"},
                         {"scaleDownDelaySeconds: 30", "scaleDownDelaySeconds: 10"},
                         {"interval: 4s", "interval: 1s"},
                         {"[10s]", "[4s]"}};
    return pace;
}

std::map<std::string, std::string> shop_versions(bool harmless) {
    return {{"v1", "--latency-ms 2"},
            {"v2", "--latency-ms 2"},
            {"v3", harmless ? "--latency-ms 2" : "--latency-ms 2 --error-rate 0.2"}};
}

std::string prometheus_config(const Places& places, Discovery discovery) {
    const std::string found =
        discovery == Discovery::Kubernetes
            ? concat("kubernetes_sd_configs: [{role: pod, kubeconfig_file: \"", places.kubeconfig,
                     "\"}]")
            : concat("http_sd_configs: [{url: \"http://", places.metrics,
                     "/targets\", refresh_interval: 1s}]");
    return concat(R"(global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: pods
    )",
                  found, R"(
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_container_port_name], regex: http, action: keep}
      - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
      - source_labels: [__meta_kubernetes_pod_label_rollouts_pod_template_hash]
        target_label: rollouts_pod_template_hash
  - job_name: sluice
    static_configs: [{targets: [")",
                  places.metrics, R"("]}]
)");
}

std::string lighttpd_config(const Places& places, const std::string& git_http_backend) {
    const auto colon = places.git.rfind(':');
    return concat(R"(server.modules = ("mod_alias", "mod_setenv", "mod_cgi")
server.bind = ")",
                  places.git.substr(0, colon), R"("
server.port = )",
                  places.git.substr(colon + 1), R"(
server.document-root = ")",
                  places.run, R"(/git"
alias.url = ( "/git" => ")",
                  git_http_backend, R"(" )
$HTTP["url"] =~ "^/git/" {
    cgi.assign = ( "" => "" )
    setenv.set-environment = (
        "GIT_PROJECT_ROOT" => ")",
                  places.run, R"(/git",
        "GIT_HTTP_EXPORT_ALL" => "1",
        "GIT_CONFIG_GLOBAL" => "/dev/null",
        "HOME" => ")",
                  places.run, R"(",
        "PATH" => "/usr/bin:/bin"
    )
}
)");
}

std::string pre_receive_hook(const std::string& ref_log) {
    return concat("#!/bin/sh\nnow=$(date +%s%3N)\n",
                  "while read -r line; do echo \"$now $line\" >>'", ref_log, "'; done\n");
}

std::string post_receive_hook(const std::string& hooks) {
    const auto colon = hooks.rfind(':');
    // Bash speaks TCP by itself: a bare Debian has no curl. Nothing listens there before sluice
    // does.
    return concat("#!/bin/bash\n{ exec 3<>/dev/tcp/", hooks.substr(0, colon), "/",
                  hooks.substr(colon + 1),
                  " && printf 'POST /hooks/git/shop/shop HTTP/1.1\\r\\nHost: ", hooks,
                  "\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n' >&3",
                  " && read -t 2 -r answer <&3; } 2>/dev/null\nexit 0\n");
}

}  // namespace story
