// SPDX-License-Identifier: Apache-2.0
// What the API objects ask of the proxy: which requests go to which backends, in which shares, and
// which endpoints stand behind a backend. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace sluice::standalone::ingress {

// The documents that one pass works on. Routes are listed before endpoints, so that endpoints are
// never older than the weights.
struct Objects {
    std::vector<Json> ingresses;
    std::vector<Json> virtual_services;
    std::vector<Json> destination_rules;
    std::vector<Json> services;
    std::vector<Json> endpoint_slices;  // for services without a selector
    std::vector<Json> pods;
};

// One address that serves. The pod-template hash is part of it: the same address with other pods
// behind it is another endpoint.
struct Endpoint {
    std::string address;
    int port = 0;
    std::string hash;  // rollouts-pod-template-hash of the pod; empty where there is none
    auto operator<=>(const Endpoint&) const = default;
};

// A service port, or the pods of it that a subset selects. Its text is its identity in the proxy:
// "shop/web:80", "shop/web:80#canary".
struct Share {
    std::string backend;
    int weight = 0;  // parts of whole_share; all shares of a route add up to it
    bool operator==(const Share&) const = default;
};
constexpr int whole_share = 10000;
constexpr size_t most_shares = 4;

// Keys are host + path, where the host may be "*.rest" or "*". Prefix keys match longest first;
// a path prefix of whole elements ends in "/".
struct Desired {
    std::map<std::string, std::vector<Share>> exact;
    std::map<std::string, std::vector<Share>> prefix;
    std::map<std::string, std::set<Endpoint>> backends;
    std::vector<std::string> problems;  // sorted; what was asked for and cannot be served
    bool operator==(const Desired&) const = default;
};

// Whether an Ingress is of our class: nginx, or none.
bool serves_class(const Json& ingress);

// Ingress of class nginx (or none) with the canary and canary-weight annotations; VirtualService
// with prefix and exact uri matches, weights and subsets. Where both claim a key the Ingress has
// it.
Desired render(const Objects& objects);

}  // namespace sluice::standalone::ingress
