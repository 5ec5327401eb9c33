// SPDX-License-Identifier: Apache-2.0
// A thin client of HAProxy's runtime API (https://docs.haproxy.org/2.6/management.html#9.3): one
// connection a command, each with a deadline.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "standalone/ingress/plan.hpp"

namespace sluice::standalone::ingress {

class RuntimeSocket {
public:
    explicit RuntimeSocket(std::string path, Duration deadline = std::chrono::seconds{2})
        : path_(std::move(path)), deadline_(deadline) {}

    // The reply without its last blank lines. Unavailable: nobody listens. Any thread.
    [[nodiscard]] Result<std::string> ask(const std::string& command) const;
    // Internal where the reply is not the one of success.
    [[nodiscard]] Result<void> perform(const Command& command) const;
    // Everything a plan needs to know; `folder` holds the maps.
    [[nodiscard]] Result<ProxyState> read_state(const std::string& folder) const;

private:
    std::string path_;
    Duration deadline_;
};

// The formats of `show map`, `show servers state` and `show servers conn`.
std::map<std::string, std::string> parse_map(std::string_view reply);
void parse_servers_state(std::string_view reply, ProxyState& state);
void parse_servers_conn(std::string_view reply, ProxyState& state);
// A line "name: value" of `show info`.
std::string info_field(std::string_view reply, std::string_view name);

}  // namespace sluice::standalone::ingress
