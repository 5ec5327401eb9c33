// SPDX-License-Identifier: Apache-2.0
// From a service, and a subset of it, to the addresses that serve it now. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "standalone/ingress/routes.hpp"

namespace sluice::standalone::ingress {

struct BackendRef {
    std::string ns;
    std::string service;
    std::string port;    // a number or a name; empty: the service's only port
    std::string subset;  // empty: the whole service
};

// "shop/web:80#canary".
std::string to_text(const BackendRef& ref);

using Labels = std::map<std::string, std::string>;

// Endpoints of services. Pods are read directly where the service has a selector: an EndpointSlice
// lags behind a selector that just moved, and a weight that follows it would meet the old pods.
class Directory {
public:
    // Borrows the objects.
    explicit Directory(const Objects& objects);

    // The reference with its port as the service writes it (a number); nothing where the service or
    // the port does not exist.
    [[nodiscard]] std::optional<BackendRef> resolve(BackendRef ref) const;
    // Ready, not terminating. `subset` labels narrow the service's own selector.
    [[nodiscard]] std::set<Endpoint> endpoints(const BackendRef& resolved,
                                               const Labels& subset) const;

private:
    [[nodiscard]] const Json* service(const BackendRef& ref) const;
    [[nodiscard]] std::set<Endpoint> from_slices(const BackendRef& ref, const Json& port) const;

    const Objects& objects_;
    std::map<std::string, const Json*> services_;
    std::multimap<std::string, const Json*> pods_;    // by namespace; ready ones
    std::multimap<std::string, const Json*> slices_;  // by "namespace/service"
};

}  // namespace sluice::standalone::ingress
