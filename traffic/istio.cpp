// SPDX-License-Identifier: Apache-2.0
// Istio: weights on the destinations of VirtualServices; with a DestinationRule, the hash label on
// its two subsets decides which pods a side means.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "traffic/documents.hpp"
#include "traffic/istio_routes.hpp"
#include "traffic/router.hpp"

namespace sluice::traffic {
namespace istio {
namespace {

constexpr const char* hash_label = "rollouts-pod-template-hash";
constexpr const char* managed_by = "argo-rollouts.argoproj.io/managed-by-rollouts";
constexpr std::array protocols = {"http", "tls", "tcp"};

class Istio final : public Router {
public:
    explicit Istio(crds::IstioConfig config) : config_(std::move(config)) {}

    [[nodiscard]] std::string_view name() const override { return "Istio"; }
    [[nodiscard]] std::vector<ObjectRef> objects(const Target& target) const override;
    [[nodiscard]] Result<std::optional<int>> read(const Documents& documents,
                                                  const Target& target) const override;
    [[nodiscard]] Result<std::vector<RouteWrite>> write(const Documents& documents,
                                                        const Target& target, int weight,
                                                        int max_weight) const override;
    [[nodiscard]] std::vector<Problem> problems(const Documents& documents,
                                                const Target& target) const override;
    [[nodiscard]] Result<std::vector<RouteWrite>> remove(const Documents& documents,
                                                         const Target& target) const override;

private:
    [[nodiscard]] Sides sides(const Documents& documents, const Target& target) const;
    [[nodiscard]] Result<std::vector<SelectedRoute>> routes(const Json& virtual_service,
                                                            const crds::IstioVirtualService& config,
                                                            const Documents& documents,
                                                            const Target& target) const;
    [[nodiscard]] ObjectRef rule_ref(const Target& target) const;
    [[nodiscard]] Result<std::vector<RouteWrite>> write_weights(const Documents& documents,
                                                                const Target& target, int weight,
                                                                int max_weight) const;
    struct SubsetChange {
        bool stable = false;
        bool canary = false;
        bool guard_version = true;
    };
    [[nodiscard]] Result<std::optional<RouteWrite>> write_subsets(const Documents& documents,
                                                                  const Target& target,
                                                                  SubsetChange change) const;

    crds::IstioConfig config_;
};

// "name.namespace" names an object elsewhere.
ObjectRef service_ref(const Target& target, const std::string& configured) {
    const auto dot = configured.find('.');
    if (dot == std::string::npos) return {resources::virtual_services, target.ns, configured};
    return {resources::virtual_services, configured.substr(dot + 1), configured.substr(0, dot)};
}

std::string absent(const ObjectRef& ref) {
    return concat(ref.type.plural, ".", ref.type.group, " \"", ref.name, "\" not found");
}

// Istio's default: a destination without a weight has 0, or all of it where it stands alone.
int weight_of(const Json& destination, size_t destinations) {
    return static_cast<int>(integer_at(destination, {"weight"}, destinations == 1 ? 100 : 0));
}

// Brings one route's destinations to the wanted weights; false where nothing differs.
bool patch_route(GuardedPatch& patch, const SelectedRoute& selected, const Sides& sides, int weight,
                 int max_weight) {
    const std::string base = concat("/spec/", selected.protocol, "/", selected.index);
    const Json& destinations = (*selected.route)["route"];
    std::vector<size_t> rising, falling, strangers;
    for (size_t i = 0; i < destinations.size(); ++i) {
        const Side side = side_of(destinations[i], sides);
        const int old = weight_of(destinations[i], destinations.size());
        const int wanted = side == Side::Canary    ? weight
                           : side == Side::Stable  ? max_weight - weight
                           : side == Side::Foreign ? 0
                                                   : old;
        if (wanted == old) continue;
        if (side == Side::Foreign)
            strangers.push_back(i);
        else
            (wanted > old ? rising : falling).push_back(i);
    }
    if (rising.empty() && falling.empty() && strangers.empty()) return false;
    if (const Json* name = find(*selected.route, {"name"})) patch.test(base + "/name", *name);
    const auto guard = [&](size_t i) {
        const std::string path = concat(base, "/route/", i, "/destination");
        patch.test(path + "/host", destinations[i]["destination"]["host"]);
        if (const Json* subset = find(destinations[i], {"destination", "subset"}))
            patch.test(path + "/subset", *subset);
    };
    rising.insert(rising.end(), falling.begin(), falling.end());
    for (const size_t i : rising) {
        guard(i);
        const Json* old = find(destinations[i], {"weight"});
        const bool canary = side_of(destinations[i], sides) == Side::Canary;
        patch.set(concat(base, "/route/", i, "/weight"), old,
                  canary ? weight : max_weight - weight);
    }
    // From the back, so that the indexes before stay true.
    for (auto i = strangers.rbegin(); i != strangers.rend(); ++i) {
        guard(*i);
        patch.remove(concat(base, "/route/", *i));
    }
    return true;
}

std::vector<ObjectRef> Istio::objects(const Target& target) const {
    std::vector<ObjectRef> refs;
    for (const auto& service : config_.virtual_services)
        refs.push_back(service_ref(target, service.name));
    if (config_.destination_rule) refs.push_back(rule_ref(target));
    return refs;
}

ObjectRef Istio::rule_ref(const Target& target) const {
    return {resources::destination_rules, target.ns, config_.destination_rule->name};
}

Sides Istio::sides(const Documents& documents, const Target& target) const {
    Sides sides{target.stable_service, target.canary_service, {}, {}, {}};
    if (!config_.destination_rule) return sides;
    sides.stable_subset = config_.destination_rule->stable_subset_name;
    sides.canary_subset = config_.destination_rule->canary_subset_name;
    if (const Json* rule = document(documents, rule_ref(target)))
        sides.rule_host = text_at(*rule, {"spec", "host"});
    return sides;
}

Result<std::vector<SelectedRoute>> Istio::routes(const Json& virtual_service,
                                                 const crds::IstioVirtualService& config,
                                                 const Documents& documents,
                                                 const Target& target) const {
    std::vector<SelectedRoute> all;
    for (const char* protocol : protocols) {
        auto some = TRY(select_routes(virtual_service, protocol, config, sides(documents, target),
                                      target.managed_routes));
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

Result<std::optional<int>> Istio::read(const Documents& documents, const Target& target) const {
    std::optional<int> weight;
    const Sides ours = sides(documents, target);
    for (const auto& config : config_.virtual_services) {
        const Json* service = document(documents, service_ref(target, config.name));
        if (!service) continue;
        for (const auto& selected : TRY(routes(*service, config, documents, target))) {
            const Json& destinations = (*selected.route)["route"];
            for (const auto& destination : destinations)
                if (side_of(destination, ours) == Side::Canary)
                    weight =
                        std::max(weight.value_or(0), weight_of(destination, destinations.size()));
        }
    }
    return weight;
}

Result<std::vector<RouteWrite>> Istio::write_weights(const Documents& documents,
                                                     const Target& target, int weight,
                                                     int max_weight) const {
    std::vector<RouteWrite> writes;
    for (const auto& config : config_.virtual_services) {
        const ObjectRef ref = service_ref(target, config.name);
        const Json* service = document(documents, ref);
        if (!service) return not_found(absent(ref));
        GuardedPatch patch;
        patch.guard_version(*service);
        bool differs = false;
        for (const auto& selected : TRY(routes(*service, config, documents, target)))
            differs |= patch_route(patch, selected, sides(documents, target), weight, max_weight);
        if (differs) writes.push_back(std::move(patch).for_object(ref));
    }
    return writes;
}

Result<std::optional<RouteWrite>> Istio::write_subsets(const Documents& documents,
                                                       const Target& target,
                                                       SubsetChange change) const {
    const ObjectRef ref = rule_ref(target);
    const Json* rule = document(documents, ref);
    if (!rule) return not_found(absent(ref));
    GuardedPatch patch;
    if (change.guard_version) patch.guard_version(*rule);
    bool differs = false;
    const auto label = [&](const std::string& subset_name,
                           const std::string& hash) -> Result<void> {
        const Json* subsets = find(*rule, {"spec", "subsets"});
        for (size_t i = 0; subsets && i < subsets->size(); ++i) {
            const Json& subset = (*subsets)[i];
            if (text_at(subset, {"name"}) != subset_name) continue;
            const std::string base = concat("/spec/subsets/", i);
            const Json* old = find(subset, {"labels", hash_label});
            if (old ? *old == hash : hash.empty()) return {};
            differs = true;
            patch.test(base + "/name", subset_name);
            if (!find(subset, {"labels"})) patch.set(base + "/labels", nullptr, Json::object());
            if (hash.empty())
                patch.remove(concat(base, "/labels/", hash_label));
            else
                patch.set(concat(base, "/labels/", hash_label), old, hash);
            return {};
        }
        return invalid(
            concat("DestinationRule `", ref.name, "` has no subset '", subset_name, "'"));
    };
    if (change.stable) TRY(label(config_.destination_rule->stable_subset_name, target.stable_hash));
    if (change.canary) TRY(label(config_.destination_rule->canary_subset_name, target.canary_hash));
    if (change.guard_version &&
        text_at(*rule, {"metadata", "annotations", managed_by}) != target.name) {
        differs = true;
        if (!find(*rule, {"metadata", "annotations"}))
            patch.set("/metadata/annotations", nullptr, Json::object());
        patch.set(concat("/metadata/annotations/", pointer_segment(managed_by)),
                  find(*rule, {"metadata", "annotations", managed_by}), target.name);
    }
    if (!differs) return std::optional<RouteWrite>{};
    return std::optional(std::move(patch).for_object(ref));
}

// Nobody may be sent to pods that the weights were not meant for: the stable label first (it only
// ever moves to a set that is fully there), then whichever of canary label and weight keeps users
// off the canary's new pods until its weight is the new one.
Result<std::vector<RouteWrite>> Istio::write(const Documents& documents, const Target& target,
                                             int weight, int max_weight) const {
    auto weights = TRY(write_weights(documents, target, weight, max_weight));
    if (!config_.destination_rule) return weights;
    const int now = TRY(read(documents, target)).value_or(0);
    std::vector<RouteWrite> writes;
    if (weight >= now) {
        if (auto subsets = TRY(write_subsets(documents, target, {true, true, true})))
            writes.push_back(std::move(*subsets));
        writes.insert(writes.end(), weights.begin(), weights.end());
        return writes;
    }
    auto stable = TRY(write_subsets(documents, target, {true, false, true}));
    const bool written = stable.has_value();
    if (written) writes.push_back(std::move(*stable));
    writes.insert(writes.end(), weights.begin(), weights.end());
    // Its resourceVersion is another one by then where the first patch was written.
    if (auto canary = TRY(write_subsets(documents, target, {false, true, !written})))
        writes.push_back(std::move(*canary));
    return writes;
}

std::vector<Problem> Istio::problems(const Documents& documents, const Target& target) const {
    const std::string base = "spec.strategy.canary.trafficRouting.istio.";
    const std::string path = base + (config_.virtual_services.size() == 1 ? "virtualService.name"
                                                                          : "virtualServices.name");
    std::vector<Problem> found;
    const auto complain = [&](const std::string& where, const std::string& name,
                              const std::string& what) {
        found.push_back({where, concat("Invalid value: \"", name, "\": ", what)});
    };
    for (const auto& config : config_.virtual_services) {
        const ObjectRef ref = service_ref(target, config.name);
        const Json* service = document(documents, ref);
        if (!service) {
            complain(path, ref.name, absent(ref));
            continue;
        }
        bool any = false;
        for (const char* protocol : protocols) {
            any = any || find(*service, {"spec", protocol});
            const auto selected = select_routes(*service, protocol, config,
                                                sides(documents, target), target.managed_routes);
            std::string shout = protocol;
            for (char& c : shout) c = static_cast<char>(c - 'a' + 'A');
            if (!selected.ok())
                complain(path, ref.name,
                         concat("Istio VirtualService has invalid ", shout,
                                " routes. Error: ", selected.error().message));
        }
        if (!any)
            complain(
                path, ref.name,
                "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService");
    }
    if (config_.destination_rule && !document(documents, rule_ref(target)))
        complain(base + "destinationRule.name", config_.destination_rule->name,
                 absent(rule_ref(target)));
    return found;
}

Result<std::vector<RouteWrite>> Istio::remove(const Documents& documents,
                                              const Target& target) const {
    std::vector<RouteWrite> writes;
    const auto& managed = target.managed_routes;
    for (const auto& config : config_.virtual_services) {
        const ObjectRef ref = service_ref(target, config.name);
        const Json* service = document(documents, ref);
        const Json* http = service ? find(*service, {"spec", "http"}) : nullptr;
        if (!http || !http->is_array()) continue;
        GuardedPatch patch;
        patch.guard_version(*service);
        bool any = false;
        for (size_t i = http->size(); i-- > 0;) {
            const std::string name = text_at((*http)[i], {"name"});
            if (name.empty() || std::find(managed.begin(), managed.end(), name) == managed.end())
                continue;
            any = true;
            patch.test(concat("/spec/http/", i, "/name"), name);
            patch.remove(concat("/spec/http/", i));
        }
        if (any) writes.push_back(std::move(patch).for_object(ref));
    }
    return writes;
}

}  // namespace
}  // namespace istio

std::unique_ptr<Router> make_istio_router(crds::IstioConfig config) {
    return std::make_unique<istio::Istio>(std::move(config));
}

}  // namespace sluice::traffic
