// SPDX-License-Identifier: Apache-2.0
// From what the proxy has to what it should have, as commands of HAProxy's runtime API in the order
// in which no request is lost: endpoints in, then shares, then endpoints out. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "standalone/ingress/routes.hpp"

namespace sluice::standalone::ingress {

// Names of the maps in the configuration.
constexpr const char* exact_map = "exact";
constexpr const char* prefix_map = "prefix";
constexpr const char* backends_map = "backends";
// An entry of the exact map that says that routes are complete: before it an unknown path is
// answered 503, not 404.
constexpr const char* ready_key = "ready";

struct ServerState {
    enum class Admin { Ready, Drain, Maintenance };
    Admin admin = Admin::Ready;
    int connections = 0;  // in use now
    bool operator==(const ServerState&) const = default;
};

// What HAProxy holds now, read back from its runtime API.
struct ProxyState {
    std::map<std::string, std::string> exact;     // key to text of shares
    std::map<std::string, std::string> prefix;    // the same
    std::map<std::string, std::string> backends;  // slot ("b003") to identity ("shop/web:80")
    std::map<std::string, std::map<std::string, ServerState>> servers;  // slot to server name
    bool operator==(const ProxyState&) const = default;
};

struct Command {
    std::string text;
    std::string reply;      // of success; empty: no text at all
    bool may_fail = false;  // a server that still has connections stays until the next pass
    bool operator==(const Command&) const = default;
};

struct Plan {
    std::vector<Command> commands;
    std::vector<std::string> problems;
    std::map<std::string, std::string> backends;  // slot to identity, once performed
    bool draining = false;  // servers wait for their last request: look again soon
    bool operator==(const Plan&) const = default;
};

// `folder` is where the map files lie, `slots` how many spare backends the configuration has.
Plan diff(const Desired& desired, const ProxyState& current, const std::string& folder, int slots);

// "b003".
std::string slot_name(int index);
// "6b8f_127.64.0.5_8080": hash, address and port, so that a log line says which version answered.
std::string server_name(const Endpoint& endpoint);
// The hash in a server's name; empty for anything else.
std::string hash_of_server(std::string_view name);
// "500:b001:10000:b000": upper bounds of a random number below 10000, in order, with their slots.
std::string shares_text(const std::vector<Share>& shares,
                        const std::map<std::string, std::string>& slot_of);

}  // namespace sluice::standalone::ingress
