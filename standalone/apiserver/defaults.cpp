// SPDX-License-Identifier: Apache-2.0
// Defaults of the built-in kinds: those that kubectl shows or that a controller of the embedded
// cluster reads. Documents of the field's CRDs are never touched: upstream's schemas have no
// defaults.
#include <nlohmann/json.hpp>

#include "standalone/apiserver/admission.hpp"

namespace sluice::standalone::apiserver {
namespace {

void set_default(Json& object, const char* key, Json value) {
    if (!object.contains(key) || object[key].is_null()) object[key] = std::move(value);
}

void default_service(Json& service) {
    Json& spec = service["spec"];
    if (!spec.is_object()) spec = Json::object();
    set_default(spec, "type", "ClusterIP");
    set_default(spec, "sessionAffinity", "None");
    if (!spec.contains("ports") || !spec["ports"].is_array()) return;
    for (auto& port : spec["ports"]) {
        if (!port.is_object()) continue;
        set_default(port, "protocol", "TCP");
        if (port.contains("port")) set_default(port, "targetPort", port["port"]);
    }
}

void default_pod(Json& pod) {
    Json& spec = pod["spec"];
    if (!spec.is_object()) spec = Json::object();
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "terminationGracePeriodSeconds", 30);
}

}  // namespace

void apply_defaults(const Resource& resource, Json& object) {
    if (resource.type == resources::services) default_service(object);
    if (resource.type == resources::pods) default_pod(object);
    if (resource.type == resources::replica_sets || resource.type == resources::deployments) {
        if (!object["spec"].is_object()) object["spec"] = Json::object();
        set_default(object["spec"], "replicas", 1);
    }
    if (resource.type == resources::secrets) set_default(object, "type", "Opaque");
    if (resource.type == resources::namespaces) {
        object["spec"] = {{"finalizers", {"kubernetes"}}};
        // Upstream's label for selectors over namespaces.
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = object["metadata"]["name"];
    }
}

void initialise_status(const Resource& resource, Json& object, TimePoint now) {
    if (resource.type == resources::pods) object["status"] = {{"phase", "Pending"}};
    if (resource.type == resources::namespaces) object["status"] = {{"phase", "Active"}};
    if (resource.type == resources::services || resource.type == resources::ingresses)
        object["status"] = {{"loadBalancer", Json::object()}};
    if (resource.type == resources::replica_sets) object["status"] = {{"replicas", 0}};
    if (resource.type != resources::custom_resource_definitions) return;
    const std::string since = format_rfc3339(now);
    const auto condition = [&](const char* type, const char* reason, const char* message) {
        return Json{{"type", type},
                    {"status", "True"},
                    {"lastTransitionTime", since},
                    {"reason", reason},
                    {"message", message}};
    };
    Json stored = Json::array();
    if (const Json* versions = find(object, {"spec", "versions"}); versions && versions->is_array())
        for (const auto& version : *versions)
            if (bool_at(version, {"storage"})) stored.push_back(text_at(version, {"name"}));
    const Json* names = find(object, {"spec", "names"});
    object["status"] = {{"acceptedNames", names ? *names : Json::object()},
                        {"storedVersions", stored},
                        {"conditions",
                         {condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                          condition("Established", "InitialNamesAccepted",
                                    "the initial names have been accepted")}}};
}

}  // namespace sluice::standalone::apiserver
