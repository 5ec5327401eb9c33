// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/shape.hpp"

#include "base/text.hpp"

namespace sluice::sim {
namespace {

Json seconds(long count) {
    return concat(count, "s");
}

Json analysis_step() {
    return {{"analysis",
             {{"templates", Json::array({{{"templateName", "gate"}}})},
              {"args", Json::array({{{"name", "hash"},
                                     {"valueFrom", {{"podTemplateHashValue", "Latest"}}}}})}}}};
}

Json steps(Chance& chance) {
    Json all = Json::array();
    long weight = 0;
    const long count = chance.between(1, 4);
    for (long i = 0; i < count; ++i) {
        if (chance.permille(80))
            all.push_back(Json{{"setCanaryScale", {{"replicas", chance.between(1, 3)}}}});
        if (chance.permille(60))
            all.push_back(Json{{"setCanaryScale", {{"matchTrafficWeight", true}}}});
        weight = std::min(100L, weight + chance.between(5, 60));
        all.push_back({{"setWeight", weight}});
        if (chance.permille(400))
            all.push_back({{"pause", {{"duration", seconds(chance.between(1, 8))}}}});
        if (chance.permille(60)) all.push_back({{"pause", Json::object()}});
        if (chance.permille(500)) all.push_back(analysis_step());
    }
    return all;
}

Json routing(RouterKind router) {
    switch (router) {
        case RouterKind::Nginx: return {{"nginx", {{"stableIngress", "shop"}}}};
        case RouterKind::IstioHosts:
            return {{"istio", {{"virtualService", {{"name", "shop"}, {"routes", {"primary"}}}}}}};
        case RouterKind::IstioSubsets: break;
    }
    return {
        {"istio",
         {{"virtualService", {{"name", "shop"}, {"routes", {"primary"}}}},
          {"destinationRule",
           {{"name", "shop"}, {"stableSubsetName", "stable"}, {"canarySubsetName", "canary"}}}}}};
}

Json object(const ResourceType& type, const std::string& name) {
    return {{"apiVersion", type.api_version()},
            {"kind", type.kind},
            {"metadata", {{"name", name}, {"namespace", "shop"}}}};
}

Json service(const std::string& name) {
    Json made = object(resources::services, name);
    made["spec"] = {
        {"selector", {{"app", "shop"}}},
        {"ports", Json::array({{{"name", "http"}, {"port", 80}, {"targetPort", 8080}}})}};
    return made;
}

Json ingress() {
    Json made = object(resources::ingresses, "shop");
    const Json backend = {{"service", {{"name", "stable"}, {"port", {{"number", 80}}}}}};
    const Json path = {{"path", "/"}, {"pathType", "Prefix"}, {"backend", backend}};
    made["spec"] = {
        {"ingressClassName", "nginx"},
        {"rules",
         Json::array({{{"host", "shop.example"}, {"http", {{"paths", Json::array({path})}}}}})}};
    return made;
}

Json destination(RouterKind router, const std::string& side, long weight) {
    const Json where = router == RouterKind::IstioHosts
                           ? Json{{"host", side}}
                           : Json{{"host", "stable"}, {"subset", side}};
    return {{"destination", where}, {"weight", weight}};
}

Json virtual_service(RouterKind router) {
    Json made = object(resources::virtual_services, "shop");
    made["spec"] = {{"hosts", {"shop.example"}},
                    {"http", Json::array({{{"name", "primary"},
                                           {"route",
                                            {destination(router, "stable", 100),
                                             destination(router, "canary", 0)}}}})}};
    return made;
}

Json destination_rule() {
    Json made = object(resources::destination_rules, "shop");
    made["spec"] = {{"host", "stable"},
                    {"subsets",
                     {{{"name", "stable"}, {"labels", {{"app", "shop"}}}},
                      {{"name", "canary"}, {"labels", {{"app", "shop"}}}}}}};
    return made;
}

Json gate() {
    Json made = object(resources::analysis_templates, "gate");
    made["spec"] = {
        {"args", Json::array({{{"name", "hash"}}})},
        {"metrics", Json::array({{{"name", "success"},
                                  {"interval", "2s"},
                                  {"count", 2},
                                  {"failureLimit", 0},
                                  {"successCondition", "result[0] >= 0.95"},
                                  {"provider",
                                   {{"prometheus",
                                     {{"address", "http://prometheus.test:9090"},
                                      {"query", "success{hash=\"{{args.hash}}\"}"}}}}}}})}};
    return made;
}

Json git_source() {
    Json made = object(resources::git_sources, "app");
    made["spec"] = {{"url", "https://git.example/shop.git"},
                    {"ref", {{"branch", "main"}}},
                    {"paths", {"shop"}},
                    {"interval", "30s"},
                    {"mode", "Apply"},
                    {"writeBack", {{"rollback", {{"mode", "ScopedRevert"}}}}}};
    return made;
}

}  // namespace

Shape::Shape(Chance& chance) {
    router = static_cast<RouterKind>(chance.below(3));
    Json canary = {{"trafficRouting", routing(router)}, {"steps", steps(chance)}};
    if (router != RouterKind::IstioSubsets) {
        canary["stableService"] = "stable";
        canary["canaryService"] = "canary";
    }
    const bool dynamic = chance.permille(350);
    if (dynamic) canary["dynamicStableScale"] = true;
    if (!dynamic && chance.permille(700)) canary["scaleDownDelaySeconds"] = chance.between(1, 8);
    if (chance.permille(400)) canary["abortScaleDownDelaySeconds"] = chance.between(0, 6);
    if (chance.permille(150)) canary["minPodsPerReplicaSet"] = 2;
    if (chance.permille(250)) {
        canary["analysis"] = analysis_step()["analysis"];
        if (chance.permille(300)) canary["analysis"]["startingStep"] = 1;
    }
    strategy = {{"canary", std::move(canary)}};
    rest = {{"revisionHistoryLimit", chance.between(1, 3)},
            {"progressDeadlineSeconds", chance.between(20, 60)},
            {"selector", {{"matchLabels", {{"app", "shop"}}}}}};
    if (chance.permille(300)) rest["minReadySeconds"] = chance.between(1, 3);
    if (chance.permille(400)) rest["progressDeadlineAbort"] = true;
    if (chance.permille(100)) rest["rollbackWindow"] = {{"revisions", chance.between(1, 2)}};
    text = concat(to_text(strategy), " ", to_text(rest));
}

Json Shape::rollout(int version, long replicas) const {
    Json made = object(resources::rollouts, "shop");
    made["spec"] = rest;
    made["spec"]["replicas"] = replicas;
    made["spec"]["strategy"] = strategy;
    made["spec"]["template"] = {
        {"metadata", {{"labels", {{"app", "shop"}}}}},
        {"spec",
         {{"containers", Json::array({{{"name", "shop"},
                                       {"image", concat("shop:v", version)},
                                       {"ports", Json::array({{{"containerPort", 8080}}})}}})}}}};
    return made;
}

void Shape::create(const kube::Client& client) const {
    client.create(resources::namespaces, {{"metadata", {{"name", "shop"}}}}).value();
    client.create(resources::services, service("stable")).value();
    if (router != RouterKind::IstioSubsets)
        client.create(resources::services, service("canary")).value();
    if (router == RouterKind::Nginx) {
        client.create(resources::ingresses, ingress()).value();
    } else {
        client.create(resources::virtual_services, virtual_service(router)).value();
        if (router == RouterKind::IstioSubsets)
            client.create(resources::destination_rules, destination_rule()).value();
    }
    client.create(resources::analysis_templates, gate()).value();
    client.create(resources::git_sources, git_source()).value();
}

Quality quality_of(std::uint64_t seed, int version) {
    Chance chance(seed * 1000 + static_cast<std::uint64_t>(version));
    Quality quality;
    quality.ready_after = chance.between(50ms, 3s);
    if (version == 1 || version >= 1000) return quality;
    quality.fails_analysis = chance.permille(300);
    quality.never_ready = !quality.fails_analysis && chance.permille(120);
    return quality;
}

int version_of(const Json& pod_template) {
    const auto& containers = pod_template.at("spec").at("containers");
    const auto image = containers.at(0).at("image").get<std::string>();
    return static_cast<int>(parse_integer(image.substr(image.find(":v") + 2)).value_or(0));
}

}  // namespace sluice::sim
