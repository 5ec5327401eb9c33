// SPDX-License-Identifier: Apache-2.0
#include "controller/shell/service_release.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "controller/shell/triggers.hpp"

namespace sluice::shell {
namespace {

Result<void> release_service(const kube::Client& client, const ObjectRef& ref,
                             const std::string& rollout, Log& log) {
    const auto live = client.get(ref);
    if (live.failed_with(ErrorKind::NotFound)) return {};
    if (!live.ok()) return live.error();
    if (text_at(*live, {"metadata", "annotations", crds::managed_by_annotation}) != rollout)
        return {};
    Json patch = {{"metadata",
                   {{"resourceVersion", text_at(*live, {"metadata", "resourceVersion"})},
                    {"annotations", {{crds::managed_by_annotation, nullptr}}}}}};
    const auto hash = text_at(*live, {"spec", "selector", crds::pod_template_hash_label});
    if (!hash.empty()) patch["spec"]["selector"][crds::pod_template_hash_label] = nullptr;
    TRY(client.patch(ref, kube::PatchType::Merge, patch));
    log.info("service released", {{"service", key_of(ref.ns, ref.name)},
                                  {"was", hash},
                                  {"because", concat("rollout ", rollout, " no longer uses it")}});
    return {};
}

}  // namespace

std::vector<std::string> services_owed(const World& world, const std::string& key,
                                       const crds::Rollout* rollout) {
    const auto [ns, name] = split_key(key);
    std::vector<std::string> owed;
    world.services.visit_namespace(ns, [&](const std::string&, const ServiceView& service) {
        if (service.managed_by == name && !(rollout && uses_service(*rollout, service.name)))
            owed.push_back(service.name);
    });
    return owed;
}

Result<void> release_services(const kube::Client& client, const std::string& key,
                              const std::vector<std::string>& services, Log& log) {
    if (services.empty()) return {};
    const auto [ns, name] = split_key(key);
    const auto live = client.get({resources::rollouts, ns, name});
    if (!live.ok() && !live.failed_with(ErrorKind::NotFound)) return live.error();
    for (const auto& service : services)
        if (!live.ok() || !uses_service(crds::decode_rollout(*live), service))
            TRY(release_service(client, {resources::services, ns, service}, name, log));
    return {};
}

}  // namespace sluice::shell
