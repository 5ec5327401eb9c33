// SPDX-License-Identifier: Apache-2.0
// NGINX Ingress: beside each stable Ingress stands a canary clone of ours whose annotations hold
// the weight
// (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary).
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "traffic/documents.hpp"
#include "traffic/router.hpp"

namespace sluice::traffic {
namespace nginx {
namespace {

constexpr std::string_view class_annotation = "kubernetes.io/ingress.class";
constexpr std::string_view suffix = "-canary";
constexpr size_t longest_name = 253;

std::string canary_name(std::string_view rollout, std::string_view stable_ingress) {
    return concat(concat(rollout, "-", stable_ingress).substr(0, longest_name - suffix.size()),
                  suffix);
}

ObjectRef ingress_ref(const Target& target, std::string name) {
    return {resources::ingresses, target.ns, std::move(name)};
}

// One rule with its backends turned to the canary; nothing where no backend of it is the stable
// service.
std::optional<Json> canary_rule(const Json& rule, const Target& target) {
    const Json* paths = find(rule, {"http", "paths"});
    if (!paths || !paths->is_array()) return std::nullopt;
    Json copy = rule;
    bool ours = false;
    for (auto& path : copy["http"]["paths"]) {
        if (text_at(path, {"backend", "service", "name"}) != target.stable_service) continue;
        path["backend"]["service"]["name"] = target.canary_service;
        ours = true;
    }
    if (!ours) return std::nullopt;
    return copy;
}

Json canary_rules(const Json& stable, const Target& target) {
    Json rules = Json::array();
    if (const Json* all = find(stable, {"spec", "rules"}); all && all->is_array())
        for (const auto& rule : *all)
            if (auto copy = canary_rule(rule, target)) rules.push_back(std::move(*copy));
    return rules;
}

std::string no_rules(const std::string& ingress, const Target& target) {
    return concat("ingress `", ingress, "` has no rules using service ", target.stable_service,
                  " backend");
}

Json controller_reference(const Target& target) {
    return {{"apiVersion", resources::rollouts.api_version()},
            {"kind", resources::rollouts.kind},
            {"name", target.name},
            {"uid", target.uid},
            {"controller", true},
            {"blockOwnerDeletion", true}};
}

bool controlled_by(const Json& object, const Target& target) {
    const Json* owners = find(object, {"metadata", "ownerReferences"});
    if (!owners || !owners->is_array()) return false;
    for (const auto& owner : *owners)
        if (bool_at(owner, {"controller"})) return text_at(owner, {"uid"}) == target.uid;
    return false;
}

class Nginx final : public Router {
public:
    explicit Nginx(crds::NginxConfig config) : config_(std::move(config)) {}

    [[nodiscard]] std::string_view name() const override { return "Nginx"; }
    [[nodiscard]] std::vector<ObjectRef> objects(const Target& target) const override;
    [[nodiscard]] Result<std::optional<int>> read(const Documents& documents,
                                                  const Target& target) const override;
    [[nodiscard]] Result<std::vector<RouteWrite>> write(const Documents& documents,
                                                        const Target& target, int weight,
                                                        int max_weight) const override;
    [[nodiscard]] std::vector<Problem> problems(const Documents& documents,
                                                const Target& target) const override;
    [[nodiscard]] Result<std::vector<RouteWrite>> remove(const Documents&,
                                                         const Target&) const override {
        return std::vector<RouteWrite>{};  // nothing but the canary ingress, which stays at weight
                                           // 0
    }

private:
    [[nodiscard]] std::string key(std::string_view name) const {
        return concat(config_.annotation_prefix, "/", name);
    }
    [[nodiscard]] Json annotations(const Json& stable, int weight, int max_weight) const;
    [[nodiscard]] Result<Json> desired(const Json& stable, const std::string& stable_name,
                                       const Target& target, int weight, int max_weight) const;
    [[nodiscard]] std::optional<RouteWrite> difference(const ObjectRef& ref, const Json& live,
                                                       const Json& wanted) const;

    crds::NginxConfig config_;
};

std::vector<ObjectRef> Nginx::objects(const Target& target) const {
    std::vector<ObjectRef> refs;
    for (const auto& stable : config_.stable_ingresses) {
        refs.push_back(ingress_ref(target, stable));
        refs.push_back(ingress_ref(target, canary_name(target.name, stable)));
    }
    return refs;
}

Result<std::optional<int>> Nginx::read(const Documents& documents, const Target& target) const {
    std::optional<int> weight;
    for (const auto& stable : config_.stable_ingresses) {
        const Json* canary =
            document(documents, ingress_ref(target, canary_name(target.name, stable)));
        if (!canary || !controlled_by(*canary, target)) continue;
        // A value that is no number routes nothing in ingress-nginx either; write() repairs it.
        const auto here =
            parse_integer(text_at(*canary, {"metadata", "annotations", key("canary-weight")}));
        if (here) weight = std::max(weight.value_or(0), static_cast<int>(*here));
    }
    return weight;
}

Json Nginx::annotations(const Json& stable, int weight, int max_weight) const {
    Json wanted = Json::object();
    const std::string ingress_class =
        text_at(stable, {"metadata", "annotations", class_annotation});
    if (!ingress_class.empty()) wanted[std::string(class_annotation)] = ingress_class;
    for (const auto& [name, value] : config_.additional_ingress_annotations)
        wanted[name.starts_with(config_.annotation_prefix) ? name : key(name)] = value;
    for (const auto& [name, value] : config_.canary_ingress_annotations) wanted[name] = value;
    wanted[key("canary")] = "true";
    wanted[key("canary-weight")] = std::to_string(weight);
    if (max_weight != 100) wanted[key("canary-weight-total")] = std::to_string(max_weight);
    return wanted;
}

Result<Json> Nginx::desired(const Json& stable, const std::string& stable_name,
                            const Target& target, int weight, int max_weight) const {
    Json rules = canary_rules(stable, target);
    if (rules.empty()) return invalid(no_rules(stable_name, target));
    Json spec = {{"rules", std::move(rules)}};
    for (const char* copied : {"tls", "ingressClassName"})
        if (const Json* value = find(stable, {"spec", copied})) spec[copied] = *value;
    return Json{{"apiVersion", resources::ingresses.api_version()},
                {"kind", resources::ingresses.kind},
                {"metadata",
                 {{"name", canary_name(target.name, stable_name)},
                  {"namespace", target.ns},
                  {"annotations", annotations(stable, weight, max_weight)},
                  {"ownerReferences", Json::array({controller_reference(target)})}}},
                {"spec", std::move(spec)}};
}

// Annotations under our prefix, the class and the spec are ours; what others put there stays.
std::optional<RouteWrite> Nginx::difference(const ObjectRef& ref, const Json& live,
                                            const Json& wanted) const {
    Json annotations = wanted["metadata"]["annotations"];
    Json changed = Json::object();
    const Json* found = find(live, {"metadata", "annotations"});
    const Json old = found ? *found : Json::object();
    for (const auto& [name, value] : old.items()) {
        const bool ours = name.starts_with(config_.annotation_prefix) || name == class_annotation;
        if (ours && !annotations.contains(name)) changed[name] = nullptr;
    }
    for (const auto& [name, value] : annotations.items())
        if (!old.contains(name) || old[name] != value) changed[name] = value;
    const Json* live_spec = find(live, {"spec"});
    const Json spec = diff_merge_patch(live_spec ? *live_spec : Json::object(), wanted["spec"]);
    if (changed.empty() && spec.empty()) return std::nullopt;

    const std::string weight = key("canary-weight");
    if (spec.empty() && changed.size() == 1 && changed.contains(weight) && found) {
        GuardedPatch patch;
        patch.guard_version(live);
        patch.set("/metadata/annotations/" + pointer_segment(weight),
                  old.contains(weight) ? &old[weight] : nullptr, changed[weight]);
        return std::move(patch).for_object(ref);
    }
    Json patch = Json::object();
    const std::string version = text_at(live, {"metadata", "resourceVersion"});
    if (!version.empty()) patch["metadata"]["resourceVersion"] = version;
    if (!changed.empty()) patch["metadata"]["annotations"] = changed;
    if (!spec.empty()) patch["spec"] = spec;
    return RouteWrite{RouteWrite::Kind::MergePatch, ref, std::move(patch)};
}

Result<std::vector<RouteWrite>> Nginx::write(const Documents& documents, const Target& target,
                                             int weight, int max_weight) const {
    std::vector<RouteWrite> writes;
    for (const auto& stable_name : config_.stable_ingresses) {
        const Json* stable = document(documents, ingress_ref(target, stable_name));
        if (!stable)
            return not_found(concat("error retrieving stableIngress `", stable_name,
                                    "` from cache: ingress.networking.k8s.io \"", stable_name,
                                    "\" not found"));
        const Json wanted = TRY(desired(*stable, stable_name, target, weight, max_weight));
        const ObjectRef ref = ingress_ref(target, canary_name(target.name, stable_name));
        const Json* canary = document(documents, ref);
        if (!canary) {
            writes.push_back({RouteWrite::Kind::Create, ref, wanted});
            continue;
        }
        if (!controlled_by(*canary, target))
            return invalid(
                concat("canary ingress `", ref.name, "` controlled by different object"));
        if (auto patch = difference(ref, *canary, wanted)) writes.push_back(std::move(*patch));
    }
    return writes;
}

std::vector<Problem> Nginx::problems(const Documents& documents, const Target& target) const {
    const std::string path =
        concat("spec.strategy.canary.trafficRouting.nginx.",
               config_.stable_ingresses.size() == 1 ? "stableIngress" : "stableIngresses");
    std::vector<Problem> found;
    const auto complain = [&](const std::string& ingress, const std::string& what) {
        found.push_back({path, concat("Invalid value: \"", ingress, "\": ", what)});
    };
    for (const auto& name : config_.stable_ingresses) {
        const Json* stable = document(documents, ingress_ref(target, name));
        if (!stable)
            complain(name, concat("ingress.networking.k8s.io \"", name, "\" not found"));
        else if (canary_rules(*stable, target).empty())
            complain(name, no_rules(name, target));
    }
    return found;
}

}  // namespace
}  // namespace nginx

std::unique_ptr<Router> make_nginx_router(crds::NginxConfig config) {
    return std::make_unique<nginx::Nginx>(std::move(config));
}

}  // namespace sluice::traffic
