// SPDX-License-Identifier: Apache-2.0
// The text of HAProxy's configuration. Hosts, weights and endpoints are in maps and server slots,
// so that they change without a new one (plan.hpp).
#include "base/digest.hpp"
#include "base/text.hpp"
#include "standalone/ingress/haproxy.hpp"
#include "standalone/ingress/plan.hpp"

namespace sluice::standalone::ingress {
namespace {

// One connection to the application a request (http-server-close): an idle one could be closed by
// the application just as it is reused, and a request lost by that must not be repeated. Only a
// refused connection is tried elsewhere, since nothing was sent on it.
constexpr std::string_view defaults_section = R"(
defaults
    mode http
    balance roundrobin
    option http-server-close
    # A proxy that hands over ends a kept connection with an answer, never under a request.
    option idle-close-on-response
    option redispatch 1
    option dontlognull
    option forwardfor
    retries 3
    retry-on conn-failure
    timeout connect 2s
    timeout client 75s
    timeout http-keep-alive 75s
    timeout http-request 15s
    timeout server 1h
    timeout queue 5s
    log global
    log-format "req %b %s %ST %Ta %tsc"
)";

// Looks the key up: exact path first, then the longest prefix of whole elements.
std::string look_up(const std::string& maps, const std::string& host) {
    const std::string missing = " if !{ var(txn.shares) -m found }\n";
    return concat("    http-request set-var(txn.key) ", host, ",concat(,txn.path)", missing,
                  "    http-request set-var(txn.shares) var(txn.key),map_str(", maps, exact_map,
                  ".map)", missing,
                  "    http-request set-var(txn.shares) var(txn.key),concat(/),map_beg(", maps,
                  prefix_map, ".map)", missing);
}

std::string frontend_section(const ProxyConfig& config) {
    const std::string maps = config.folder + "/";
    std::string text =
        concat("\nfrontend ingress\n    bind ", config.listen_host, ":", config.listen_port,
               "\n    http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n"
               "    http-request set-var(txn.path) path\n"
               "    http-request set-var(txn.wild) var(txn.host),regsub(^[^.]*,*)\n"
               // Only so that the runtime API knows this map.
               "    http-request set-var(txn.none) str(-),map_str(",
               maps, backends_map, ".map) if FALSE\n");
    text +=
        look_up(maps, "var(txn.host)") + look_up(maps, "var(txn.wild)") + look_up(maps, "str(*)");
    text += concat(
        "    http-request return status 503 content-type text/plain string \"routes are not read "
        "yet\\n\" if !{ var(txn.shares) -m found } !{ str(",
        ready_key, "),map_str(", maps, exact_map,
        ".map) -m found }\n"
        "    http-request return status 404 content-type text/plain string \"no route\\n\" if !{ "
        "var(txn.shares) -m found }\n"
        "    http-request set-var(txn.random) rand(",
        whole_share, ")\n");
    for (size_t i = 0; i < most_shares; ++i)
        text += concat("    http-request set-var(txn.backend) var(txn.shares),field(", 2 * i + 2,
                       ",:) if !{ var(txn.backend) -m found } { var(txn.shares),field(", 2 * i + 1,
                       ",:),sub(txn.random) -m int gt 0 }\n");
    return text + "    use_backend %[var(txn.backend)]\n\n";
}

std::string global_section(const ProxyConfig& config, const std::string& description) {
    return concat("# Written by sluice: do not edit.\nglobal\n    description ", description,
                  "\n    stats socket ", config.folder,
                  "/haproxy.sock mode 600 level admin expose-fd listeners\n"
                  "    stats timeout 10s\n    nbthread 1\n    fd-hard-limit 20000\n"
                  "    hard-stop-after 30s\n    log 127.0.0.1:",
                  config.log_port, " len 1024 format raw local0\n");
}

// "6b8f_127.64.0.5_8080" on its address, as `add server` would put it.
std::string server_line(const std::string& name) {
    const auto parts = split(name, '_');
    if (parts.size() < 3) return {};
    return concat("    server ", name, " ", parts[parts.size() - 2], ":", parts.back(), "\n");
}

std::string sections(const ProxyConfig& config, const std::string& description,
                     const ProxyState& inherited) {
    std::string text = global_section(config, description);
    text += defaults_section;
    text += frontend_section(config);
    for (int i = 0; i < config.slots; ++i) {
        text += concat("backend ", slot_name(i), "\n");
        const auto known = inherited.servers.find(slot_name(i));
        if (known == inherited.servers.end()) continue;
        // What drains finishes its requests in the old process.
        for (const auto& [name, state] : known->second)
            if (state.admin == ServerState::Admin::Ready) text += server_line(name);
    }
    return text;
}

}  // namespace

std::string config_description(const ProxyConfig& config) {
    return "sluice-" + sha256_hex(sections(config, "", {})).substr(0, 16);
}

std::string config_text(const ProxyConfig& config, const ProxyState& inherited) {
    return sections(config, config_description(config), inherited);
}

}  // namespace sluice::standalone::ingress
