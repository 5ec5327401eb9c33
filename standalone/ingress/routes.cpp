// SPDX-License-Identifier: Apache-2.0
#include "standalone/ingress/routes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "base/text.hpp"
#include "standalone/ingress/endpoints.hpp"

namespace sluice::standalone::ingress {
namespace {

constexpr std::string_view annotation_prefix = "nginx.ingress.kubernetes.io/";

const Json::array_t& route_items(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json::array_t none;
    const Json* list = find(object, path);
    return list && list->is_array() ? list->get_ref<const Json::array_t&>() : none;
}

std::string name_of(const Json& object) {
    return key_of(text_at(object, {"metadata", "namespace"}),
                  text_at(object, {"metadata", "name"}));
}

std::string annotation(const Json& ingress, std::string_view name) {
    return text_at(ingress, {"metadata", "annotations", concat(annotation_prefix, name)});
}

// A destination as an object names it, with the weight it gives.
struct Weighted {
    BackendRef ref;
    Labels subset_labels;
    long weight = 0;
};

// Relative weights to parts of the whole that add up exactly.
std::vector<Share> to_shares(const std::vector<std::string>& backends,
                             const std::vector<long>& weights) {
    long total = 0;
    for (const long weight : weights) total += weight;
    std::vector<Share> shares;
    long sum = 0;
    int given = 0;
    for (size_t i = 0; i < backends.size(); ++i) {
        sum += weights[i];
        const int upto = static_cast<int>((2 * sum * whole_share + total) / (2 * total));
        shares.push_back({backends[i], upto - given});
        given = upto;
    }
    return shares;
}

// Builds one Desired. What cannot be served is said, never guessed.
class Renderer {
public:
    explicit Renderer(const Objects& objects) : objects_(objects), directory_(objects) {}

    Desired run() {
        for (const bool canary : {false, true})
            for (const auto& ingress : objects_.ingresses)
                if (serves_class(ingress) && (annotation(ingress, "canary") == "true") == canary)
                    canary ? add_canary(ingress) : add_ingress(ingress);
        for (const auto& service : objects_.virtual_services) add_virtual_service(service);
        std::sort(desired_.problems.begin(), desired_.problems.end());
        return std::move(desired_);
    }

private:
    void complain(const std::string& origin, const std::string& what) {
        desired_.problems.push_back(concat(origin, ": ", what));
    }

    // Registers the backend with its endpoints; nothing where the service or port does not exist.
    std::optional<std::string> add_backend(const std::string& origin, const Weighted& target) {
        const auto resolved = directory_.resolve(target.ref);
        if (!resolved) {
            complain(origin, concat("service ", key_of(target.ref.ns, target.ref.service),
                                    " has no port \"", target.ref.port, "\""));
            return std::nullopt;
        }
        const std::string identity = to_text(*resolved);
        if (!desired_.backends.contains(identity))
            desired_.backends[identity] = directory_.endpoints(*resolved, target.subset_labels);
        return identity;
    }

    // A missing service keeps its share, with nothing behind it: those requests get 503, and nobody
    // else's share grows.
    std::vector<Share> shares(const std::string& origin, const std::vector<Weighted>& targets) {
        std::vector<std::string> backends;
        std::vector<long> weights;
        long total = 0;
        for (const auto& target : targets) {
            if (target.weight < 0) {
                complain(origin, "a weight is negative");
                return {};
            }
            auto backend = add_backend(origin, target);
            if (!backend) {
                backend = to_text(target.ref);
                desired_.backends[*backend];
            }
            backends.push_back(*backend);
            weights.push_back(target.weight);
            total += target.weight;
        }
        if (total == 0 && weights.size() == 1) total = weights[0] = 1;
        if (total == 0) {
            complain(origin, "all weights are 0");
            return {};
        }
        return to_shares(backends, weights);
    }

    static bool writable(const std::string& key) {
        return std::all_of(key.begin(), key.end(), [](unsigned char c) {
            return c > ' ' && c < 0x7f && c != ';' && c != '\\' && c != '#' && c != '<';
        });
    }

    using Table = std::map<std::string, std::vector<Share>>;

    void add_route(const std::string& origin, Table& table, const std::string& key,
                   const std::vector<Share>& route) {
        if (route.empty()) return;
        if (!writable(key))
            complain(origin, concat("path of ", key, " has characters not allowed"));
        else if (!table.emplace(key, route).second)
            complain(origin, concat(key, " is already routed by another object"));
    }

    // The tables and keys of an Ingress path.
    struct Key {
        Table* table;
        std::string text;
    };
    Key ingress_key(const Json& rule, const Json& path) {
        std::string host = to_lower(text_at(rule, {"host"}));
        if (host.empty()) host = "*";
        std::string text = text_at(path, {"path"}, "/");
        if (text_at(path, {"pathType"}) == "Exact") return {&desired_.exact, host + text};
        while (!text.empty() && text.back() == '/') text.pop_back();
        return {&desired_.prefix, concat(host, text, "/")};
    }

    static Weighted ingress_target(const Json& ingress, const Json& path) {
        std::string port = text_at(path, {"backend", "service", "port", "name"});
        if (port.empty())
            port = std::to_string(integer_at(path, {"backend", "service", "port", "number"}));
        return {{text_at(ingress, {"metadata", "namespace"}),
                 text_at(path, {"backend", "service", "name"}),
                 port,
                 {}},
                {},
                1};
    }

    void add_ingress(const Json& ingress) {
        const std::string origin = concat("ingress ", name_of(ingress));
        for (const auto& rule : route_items(ingress, {"spec", "rules"}))
            for (const auto& path : route_items(rule, {"http", "paths"})) {
                const Key key = ingress_key(rule, path);
                add_route(origin, *key.table, key.text,
                          shares(origin, {ingress_target(ingress, path)}));
            }
    }

    void add_canary(const Json& ingress) {
        const std::string origin = concat("ingress ", name_of(ingress));
        const std::string text = annotation(ingress, "canary-weight");
        const auto weight = parse_integer(text.empty() ? "0" : text);
        const std::string total_text = annotation(ingress, "canary-weight-total");
        const auto total = parse_integer(total_text.empty() ? "100" : total_text);
        if (!weight || !total || *weight < 0 || *total <= 0) {
            complain(origin, "canary-weight or canary-weight-total is not a whole number");
            return;
        }
        for (const auto& rule : route_items(ingress, {"spec", "rules"}))
            for (const auto& path : route_items(rule, {"http", "paths"})) {
                const Key key = ingress_key(rule, path);
                const auto main = key.table->find(key.text);
                if (main == key.table->end() || main->second.size() != 1) {
                    complain(origin, concat(key.text, " has no single main route for this canary"));
                    continue;
                }
                Weighted canary = ingress_target(ingress, path);
                const auto backend = add_backend(origin, canary);
                if (!backend || *backend == main->second.front().backend) continue;
                const int share =
                    static_cast<int>(std::min(*weight, *total) * whole_share / *total);
                main->second.front().weight = whole_share - share;
                main->second.insert(main->second.begin(), {*backend, share});
            }
    }

    // "web", "web.shop" or "web.shop.svc.cluster.local", seen from a namespace.
    static std::pair<std::string, std::string> service_of(const std::string& host,
                                                          const std::string& ns) {
        const auto parts = split(host, '.');
        return {parts.size() > 1 ? parts[1] : ns, parts.front()};
    }

    // The labels of a subset; nothing where no DestinationRule of that host has it.
    [[nodiscard]] std::optional<Labels> subset_labels(const BackendRef& ref) const {
        for (const auto& rule : objects_.destination_rules) {
            const auto host = service_of(text_at(rule, {"spec", "host"}),
                                         text_at(rule, {"metadata", "namespace"}));
            if (host != std::pair{ref.ns, ref.service}) continue;
            for (const auto& subset : route_items(rule, {"spec", "subsets"})) {
                if (text_at(subset, {"name"}) != ref.subset) continue;
                Labels labels;
                if (const Json* found = find(subset, {"labels"}); found && found->is_object())
                    for (const auto& [key, value] : found->items())
                        if (value.is_string()) labels[key] = value.get<std::string>();
                return labels;
            }
        }
        return std::nullopt;
    }

    std::vector<Weighted> destinations(const std::string& origin, const Json& service,
                                       const Json& route) {
        std::vector<Weighted> targets;
        const auto& list = route_items(route, {"route"});
        for (const auto& item : list) {
            Weighted target;
            const auto host = service_of(text_at(item, {"destination", "host"}),
                                         text_at(service, {"metadata", "namespace"}));
            const long port = integer_at(item, {"destination", "port", "number"});
            target.ref = {host.first, host.second, port == 0 ? "" : std::to_string(port),
                          text_at(item, {"destination", "subset"})};
            target.weight = integer_at(item, {"weight"}, list.size() == 1 ? 100 : 0);
            if (!target.ref.subset.empty()) {
                const auto labels = subset_labels(target.ref);
                if (labels)
                    target.subset_labels = *labels;
                else {
                    complain(origin, concat("no DestinationRule has subset ", to_text(target.ref)));
                    return {};
                }
            }
            targets.push_back(std::move(target));
        }
        if (targets.size() > most_shares) {
            complain(origin, concat("more than ", most_shares, " destinations in one route"));
            return {};
        }
        return targets;
    }

    void add_virtual_service(const Json& service) {
        const std::string origin = concat("virtualservice ", name_of(service));
        // (is a prefix, path) of earlier routes: the first that matches wins in Istio.
        std::vector<std::string> earlier;
        for (const auto& route : route_items(service, {"spec", "http"})) {
            const auto targets = destinations(origin, service, route);
            if (targets.empty()) continue;
            const auto route_shares = shares(origin, targets);
            auto matches = route_items(route, {"match"});
            if (matches.empty()) matches.push_back(Json::object());
            for (const auto& match : matches) {
                if (match.size() > match.count("uri") + match.count("name")) {
                    complain(origin, "a match on something else than uri is not supported");
                    continue;
                }
                const std::string exact = text_at(match, {"uri", "exact"});
                const std::string prefix = text_at(match, {"uri", "prefix"}, "/");
                if (match.contains("uri") && !find(match, {"uri", "exact"}) &&
                    !find(match, {"uri", "prefix"})) {
                    complain(origin, "a uri match by regex is not supported");
                    continue;
                }
                const std::string& path = exact.empty() ? prefix : exact;
                if (std::any_of(earlier.begin(), earlier.end(),
                                [&](const std::string& one) { return path.starts_with(one); }))
                    continue;
                add_for_hosts(origin, service, exact.empty(), path, route_shares);
                if (exact.empty()) earlier.push_back(path);
            }
        }
    }

    void add_for_hosts(const std::string& origin, const Json& service, bool prefix,
                       const std::string& path, const std::vector<Share>& route_shares) {
        for (const auto& host : route_items(service, {"spec", "hosts"}))
            if (host.is_string())
                add_route(origin, prefix ? desired_.prefix : desired_.exact,
                          to_lower(host.get<std::string>()) + path, route_shares);
    }

    const Objects& objects_;
    Directory directory_;
    Desired desired_;
};

}  // namespace

bool serves_class(const Json& ingress) {
    std::string ingress_class = text_at(ingress, {"spec", "ingressClassName"});
    if (ingress_class.empty())
        ingress_class =
            text_at(ingress, {"metadata", "annotations", "kubernetes.io/ingress.class"});
    return ingress_class.empty() || ingress_class == "nginx";
}

Desired render(const Objects& objects) {
    return Renderer(objects).run();
}

}  // namespace sluice::standalone::ingress
