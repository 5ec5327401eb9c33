// SPDX-License-Identifier: Apache-2.0
// What a mesh or ingress must offer: which objects carry its weights, what weight they say, and
// which writes make them say another one. Routers are pure; the shell fetches the objects, asks,
// and applies.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/field.hpp"
#include "base/json.hpp"
#include "base/resource.hpp"
#include "base/result.hpp"
#include "crds/traffic_routing.hpp"

namespace sluice::traffic {

// Whose traffic: a Rollout, its two services and the two revisions behind them.
struct Target {
    std::string ns;
    std::string name;
    std::string uid;  // for owner references
    std::string stable_service;
    std::string canary_service;
    std::string stable_hash;  // rollouts-pod-template-hash; empty where not known
    std::string canary_hash;
    std::vector<std::string> managed_routes;  // names of routes that belong to the Rollout
    bool operator==(const Target&) const = default;
};

// What was fetched; nothing for an object that does not exist.
using Documents = std::map<ObjectRef, std::optional<Json>>;

struct RouteWrite;  // traffic/route_write.hpp

// Stateless: every method may be called from any thread.
class Router {
public:
    virtual ~Router() = default;

    // Upstream's type, as in events: "Nginx", "Istio".
    [[nodiscard]] virtual std::string_view name() const = 0;

    // What to fetch before anything below is asked.
    [[nodiscard]] virtual std::vector<ObjectRef> objects(const Target& target) const = 0;

    // The canary's weight in force, in 0..max; the largest where several objects differ, because
    // that is the most that users may meet. Nothing where no object of ours carries a weight yet.
    [[nodiscard]] virtual Result<std::optional<int>> read(const Documents& documents,
                                                          const Target& target) const = 0;

    // The writes that bring the canary to `weight` of `max_weight`, in the order in which they must
    // be applied; empty when nothing differs. Invalid or NotFound where a reference is broken.
    [[nodiscard]] virtual Result<std::vector<RouteWrite>> write(const Documents& documents,
                                                                const Target& target, int weight,
                                                                int max_weight) const = 0;

    // Broken references, in upstream's words (validation_references of Argo Rollouts).
    [[nodiscard]] virtual std::vector<Problem> problems(const Documents& documents,
                                                        const Target& target) const = 0;

    // The writes that take the managed routes (header, mirror) away.
    [[nodiscard]] virtual Result<std::vector<RouteWrite>> remove(const Documents& documents,
                                                                 const Target& target) const = 0;
};

std::unique_ptr<Router> make_router(const crds::RouterConfig& config);

// One a router, each in its own file.
std::unique_ptr<Router> make_nginx_router(crds::NginxConfig config);
std::unique_ptr<Router> make_istio_router(crds::IstioConfig config);

}  // namespace sluice::traffic
