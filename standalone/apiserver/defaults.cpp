// SPDX-License-Identifier: Apache-2.0
// Defaults of the built-in kinds: those that kubectl shows or that a controller of the embedded
// cluster reads. Those of custom kinds stand in their schemas.
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/apiserver/admission.hpp"
#include "standalone/apiserver/pod_defaults.hpp"
#include "standalone/apiserver/schema/custom_check.hpp"
#include "standalone/apiserver/schema/fit.hpp"

namespace sluice::standalone::apiserver {
namespace {

void default_service(Json& service) {
    Json& spec = service["spec"];
    if (!spec.is_object()) spec = Json::object();
    set_default(spec, "type", "ClusterIP");
    set_default(spec, "sessionAffinity", "None");
    if (spec["type"] != "ExternalName") {
        set_default(spec, "internalTrafficPolicy", "Cluster");
        set_default(spec, "ipFamilies", {"IPv4"});
        set_default(spec, "ipFamilyPolicy", "SingleStack");
        if (text_at(spec, {"clusterIP"}) == "None") set_default(spec, "clusterIPs", {"None"});
    }
    if (!spec.contains("ports") || !spec["ports"].is_array()) return;
    for (auto& port : spec["ports"]) {
        if (!port.is_object()) continue;
        set_default(port, "protocol", "TCP");
        if (port.contains("port")) set_default(port, "targetPort", port["port"]);
    }
}

Json& spec_of(Json& object) {
    Json& spec = object["spec"];
    if (!spec.is_object()) spec = Json::object();
    return spec;
}

void default_template(Json& spec) {
    Json& pod_template = spec["template"];
    if (!pod_template.is_object()) pod_template = Json::object();
    default_pod_spec(pod_template["spec"], false);
}

void default_deployment(Json& spec) {
    set_default(spec, "replicas", 1);
    set_default(spec, "revisionHistoryLimit", 10);
    set_default(spec, "progressDeadlineSeconds", 600);
    set_default(spec, "strategy", Json::object());
    set_default(spec["strategy"], "type", "RollingUpdate");
    if (spec["strategy"]["type"] == "RollingUpdate") {
        set_default(spec["strategy"], "rollingUpdate", Json::object());
        set_default(spec["strategy"]["rollingUpdate"], "maxSurge", "25%");
        set_default(spec["strategy"]["rollingUpdate"], "maxUnavailable", "25%");
    }
    default_template(spec);
}

void default_endpoint_ports(Json& ports) {
    if (!ports.is_array()) return;
    for (auto& port : ports)
        if (port.is_object()) {
            set_default(port, "name", "");
            set_default(port, "protocol", "TCP");
        }
}

// A Job tells its pods from others' by its uid, unless it says that it has labels of its own.
void select_own_pods(Json& job) {
    Json& spec = job["spec"];
    if (bool_at(spec, {"manualSelector"}) || find(spec, {"selector"})) return;
    const std::string uid = text_at(job, {"metadata", "uid"});
    const std::string name = text_at(job, {"metadata", "name"});
    spec["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
    Json& pod_template = spec["template"];
    if (!pod_template.is_object()) pod_template = Json::object();
    for (const char* prefix : {"", "batch.kubernetes.io/"}) {
        pod_template["metadata"]["labels"][concat(prefix, "controller-uid")] = uid;
        pod_template["metadata"]["labels"][concat(prefix, "job-name")] = name;
    }
}

void default_workload(const Resource& resource, Json& object) {
    if (resource.type == resources::pods) default_pod_spec(object["spec"], true);
    if (resource.type == resources::deployments) default_deployment(spec_of(object));
    if (resource.type == resources::replica_sets) {
        set_default(spec_of(object), "replicas", 1);
        default_template(object["spec"]);
    }
    if (resource.type == resources::jobs) {
        Json& spec = spec_of(object);
        set_default(spec, "backoffLimit", 6);
        set_default(spec, "completionMode", "NonIndexed");
        if (!spec.contains("completions") && !spec.contains("parallelism")) spec["completions"] = 1;
        set_default(spec, "parallelism", 1);
        set_default(spec, "podReplacementPolicy", "TerminatingOrFailed");
        set_default(spec, "suspend", false);
        select_own_pods(object);
        default_template(spec);
    }
}

// What is written as text is stored as bytes.
void encode_string_data(Json& secret) {
    const auto texts = secret.find("stringData");
    if (texts == secret.end()) return;
    const Json plain = *texts;
    secret.erase(texts);
    if (!plain.is_object()) return;
    for (const auto& [key, value] : plain.items())
        if (value.is_string())
            secret["data"][key] = base64_encode(value.get_ref<const std::string&>());
}

}  // namespace

void apply_defaults(const Resource& resource, Json& object) {
    if (resource.custom) {
        if (const SchemaPtr schema = resource.schema_at(resource.type.version)) {
            drop_nulls(*schema, object);
            apply_schema_defaults(*schema, object);
        }
        return;
    }
    if (resource.type == resources::services) default_service(object);
    default_workload(resource, object);
    if (resource.type == resources::endpoint_slices && object.contains("ports"))
        default_endpoint_ports(object["ports"]);
    if (resource.type == resources::horizontal_pod_autoscalers)
        set_default(spec_of(object), "minReplicas", 1);
    if (resource.type == resources::secrets) {
        set_default(object, "type", "Opaque");
        encode_string_data(object);
    }
    if (resource.type == resources::namespaces) {
        object["spec"] = {{"finalizers", {"kubernetes"}}};
        // Upstream's label for selectors over namespaces.
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = object["metadata"]["name"];
    }
}

void initialise_status(const Resource& resource, Json& object, TimePoint now) {
    if (resource.type == resources::pods)
        object["status"] = {{"phase", "Pending"}, {"qosClass", qos_class(object["spec"])}};
    if (resource.type == resources::deployments || resource.type == resources::jobs)
        object["status"] = Json::object();
    if (resource.type == resources::pod_disruption_budgets)
        object["status"] = {{"currentHealthy", 0},
                            {"desiredHealthy", 0},
                            {"disruptionsAllowed", 0},
                            {"expectedPods", 0}};
    if (resource.type == resources::horizontal_pod_autoscalers)
        object["status"] = {{"currentMetrics", nullptr}, {"desiredReplicas", 0}};
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
    Json& names = spec_of(object)["names"];
    if (names.is_object() && names.contains("kind")) {
        set_default(names, "listKind", text_at(names, {"kind"}) + "List");
        set_default(names, "singular", to_lower(text_at(names, {"kind"})));
    }
    set_default(object["spec"], "conversion", {{"strategy", "None"}});
    object["status"] = {{"acceptedNames", names.is_object() ? names : Json::object()},
                        {"storedVersions", stored},
                        {"conditions",
                         {condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                          condition("Established", "InitialNamesAccepted",
                                    "the initial names have been accepted")}}};
}

}  // namespace sluice::standalone::apiserver
