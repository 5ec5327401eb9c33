// SPDX-License-Identifier: Apache-2.0
#include "standalone/apiserver/workload_checks.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "standalone/workloads/selector.hpp"

namespace sluice::standalone::apiserver {
namespace {

const Json& checked_part(const Json& object, std::initializer_list<std::string_view> path) {
    static const Json nothing;
    const Json* found = find(object, path);
    return found ? *found : nothing;
}

void check_not_negative(const Json& spec, const char* field, Causes& causes) {
    const Json* value = find(spec, {field});
    if (value && value->is_number_integer() && value->get<long>() < 0)
        causes.push_back(invalid_value(concat("spec.", field), to_text(*value),
                                       "must be greater than or equal to 0"));
}

void check_selector(const Json& object, const Json* before, Causes& causes) {
    const Json& selector = checked_part(object, {"spec", "selector"});
    const Json& labels = checked_part(object, {"spec", "template", "metadata", "labels"});
    if (before && selector != checked_part(*before, {"spec", "selector"}))
        causes.push_back(invalid_value("spec.selector", to_text(selector), "field is immutable"));
    if (selector.is_null()) causes.push_back(required_value("spec.selector"));
    if (!workloads::matches(workloads::decode_selector(&selector),
                            workloads::decode_labels(&labels)))
        causes.push_back(invalid_value("spec.template.metadata.labels", to_text(labels),
                                       "`selector` does not match template `labels`"));
}

void check_template(const Json& object, bool job, Causes& causes) {
    const std::string at = "spec.template.spec";
    const Json& spec = checked_part(object, {"spec", "template", "spec"});
    check_pod_spec(spec, at, causes);
    const std::string policy = text_at(spec, {"restartPolicy"});
    if (job && policy == "Always")
        causes.push_back(
            required_value(at + ".restartPolicy", "valid values: \"OnFailure\", \"Never\""));
    if (!job && (policy == "OnFailure" || policy == "Never"))
        causes.push_back(
            unsupported_value(at + ".restartPolicy", to_text(Json(policy)), {"Always"}));
}

void check_strategy(const Json& object, Causes& causes) {
    const Json& strategy = checked_part(object, {"spec", "strategy"});
    const std::string type = text_at(strategy, {"type"});
    const Json* rolling = find(strategy, {"rollingUpdate"});
    if (type == "Recreate" && rolling)
        causes.push_back(
            forbidden_value("spec.strategy.rollingUpdate",
                            "may not be specified when strategy `type` is 'Recreate'"));
    if (type != "Recreate" && type != "RollingUpdate")
        // Upstream shows its own structure here, with Go's names.
        causes.push_back(unsupported_value(
            "spec.strategy", concat("{\"Type\":", to_text(Json(type)), ",\"RollingUpdate\":null}"),
            {"Recreate", "RollingUpdate"}));
}

void check_job(const Json& job, const Json* before, Causes& causes) {
    for (const char* field : {"parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                              "ttlSecondsAfterFinished"})
        check_not_negative(checked_part(job, {"spec"}), field, causes);
    check_template(job, true, causes);
    if (text_at(job, {"spec", "completionMode"}) == "Indexed")
        causes.push_back(unsupported_value("spec.completionMode", "\"Indexed\"", {"NonIndexed"}));
    if (!before) return;
    for (const char* field : {"selector", "template", "completionMode"}) {
        const Json& now = checked_part(job, {"spec", field});
        const bool held = bool_at(*before, {"spec", "suspend"}) && field == std::string("template");
        if (!held && now != checked_part(*before, {"spec", field}))
            causes.push_back(
                invalid_value(concat("spec.", field), to_text(now), "field is immutable"));
    }
}

}  // namespace

void check_workload(const Resource& resource, const Json& object, const Json* before,
                    Causes& causes) {
    const Json& spec = checked_part(object, {"spec"});
    if (resource.type == resources::pods) {
        if (before)
            check_pod_change(spec, checked_part(*before, {"spec"}), causes);
        else
            check_pod_spec(spec, "spec", causes);
    }
    if (resource.type == resources::deployments || resource.type == resources::replica_sets) {
        check_not_negative(spec, "replicas", causes);
        check_not_negative(spec, "minReadySeconds", causes);
        check_selector(object, before, causes);
        check_template(object, false, causes);
    }
    if (resource.type == resources::deployments) check_strategy(object, causes);
    if (resource.type == resources::jobs) check_job(object, before, causes);
}

}  // namespace sluice::standalone::apiserver
