// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/resource.hpp"
#include "crds/delivery.hpp"

namespace sluice::crds {
namespace {

// Empty texts are absent fields, so that decoding gives back the same value.
void put_text(Json& object, const char* key, const std::string& text) {
    if (!text.empty()) object[key] = text;
}

void put_time(Json& object, const char* key, const std::optional<TimePoint>& when) {
    if (when) object[key] = format_rfc3339_micro(*when);
}

Json encode_delivery_step(const DeliveryStep& step) {
    Json json = {{"index", step.index}, {"weight", step.weight}};
    put_time(json, "enteredAt", step.entered_at);
    put_time(json, "leftAt", step.left_at);
    put_text(json, "verdict", step.verdict);
    put_text(json, "opId", step.op_id);
    for (const auto& check : step.checks) {
        Json one = {{"name", check.name}, {"samples", check.samples}};
        put_text(one, "run", check.run);
        put_text(one, "query", check.query);
        put_text(one, "value", check.value);
        put_text(one, "threshold", check.threshold);
        put_text(one, "verdict", check.verdict);
        json["checks"].push_back(std::move(one));
    }
    return json;
}

Json encode_delivery_cause(const DeliveryCause& cause) {
    Json json = {{"byUser", cause.by_user}};
    if (cause.errored) json["errored"] = true;
    if (cause.step) json["step"] = *cause.step;
    if (cause.weight) json["weight"] = *cause.weight;
    put_text(json, "check", cause.check);
    put_text(json, "value", cause.value);
    put_text(json, "threshold", cause.threshold);
    if (cause.samples != 0) json["samples"] = cause.samples;
    put_text(json, "text", cause.text);
    put_time(json, "at", cause.at);
    return json;
}

Json encode_delivery_outbox(const std::vector<DeliveryOp>& ops) {
    Json json = Json::array();
    for (const auto& op : ops) {
        Json one = {{"opId", op.op_id}, {"kind", to_text(op.kind)}};
        put_time(one, "createdAt", op.created_at);
        const auto record = parse_json(op.record);
        if (record.ok()) one["record"] = *record;
        json.push_back(std::move(one));
    }
    return json;
}

void encode_delivery_results(const DeliveryStatus& status, Json& json) {
    if (const auto& write = status.last_write) {
        json["lastWrite"] = {
            {"opId", write->op_id}, {"commit", write->commit}, {"ref", write->ref}};
        put_time(json["lastWrite"], "at", write->at);
    }
    if (const auto& revert = status.revert) {
        json["revert"] = {{"done", revert->done}};
        put_text(json["revert"], "reason", revert->reason);
        put_text(json["revert"], "commit", revert->commit);
        put_time(json["revert"], "at", revert->at);
    }
    if (const auto& quarantine = status.quarantine) {
        json["quarantine"] = {{"digest", quarantine->digest}, {"lifted", quarantine->lifted}};
        put_text(json["quarantine"], "reason", quarantine->reason);
        put_time(json["quarantine"], "since", quarantine->since);
    }
    for (const auto& condition : status.conditions) {
        Json one = {{"type", condition.type}, {"status", condition.status}};
        put_text(one, "reason", condition.reason);
        put_text(one, "message", condition.message);
        put_time(one, "lastTransitionTime", condition.since);
        json["conditions"].push_back(std::move(one));
    }
}

}  // namespace

Json encode_delivery_source(const DeliverySource& source) {
    Json json = Json::object();
    put_text(json, "gitSource", source.git_source);
    put_text(json, "repo", source.repo);
    put_text(json, "branch", source.branch);
    put_text(json, "path", source.path);
    put_text(json, "commit", source.commit);
    put_text(json, "author", source.author);
    put_text(json, "subject", source.subject);
    return json;
}

Json encode_delivery_status(const DeliveryStatus& status) {
    Json json = Json::object();
    if (status.phase) json["phase"] = to_text(*status.phase);
    put_text(json, "message", status.message);
    if (status.observed_generation != 0) json["observedGeneration"] = status.observed_generation;
    put_time(json, "startedAt", status.started_at);
    put_time(json, "finishedAt", status.finished_at);
    for (const auto& step : status.steps) json["steps"].push_back(encode_delivery_step(step));
    if (status.cause) json["cause"] = encode_delivery_cause(*status.cause);
    if (const auto& traffic = status.traffic) {
        json["traffic"] = {{"before", traffic->before}, {"after", traffic->after}};
        put_time(json["traffic"], "restoredAt", traffic->restored_at);
    }
    if (status.recorded) json["recorded"] = true;
    put_text(json, "opId", status.op_id);
    json["outbox"] = encode_delivery_outbox(status.outbox);
    encode_delivery_results(status, json);
    return json;
}

Json encode_delivery(const Delivery& delivery) {
    const DeliverySpec& spec = delivery.spec;
    Json metadata = {
        {"name", delivery.name},
        {"namespace", delivery.ns},
        {"labels", {{"rollouts-pod-template-hash", spec.pod_template_hash}}},
        {"ownerReferences", Json::array({{{"apiVersion", resources::rollouts.api_version()},
                                          {"kind", resources::rollouts.kind},
                                          {"name", spec.rollout},
                                          {"uid", spec.rollout_uid},
                                          {"controller", true},
                                          {"blockOwnerDeletion", true}}})}};
    put_text(metadata, "uid", delivery.uid);
    put_text(metadata, "resourceVersion", delivery.resource_version);
    if (!delivery.retry.empty()) metadata["annotations"] = {{"sluice.dev/retry", delivery.retry}};
    Json body = {{"rollout", {{"name", spec.rollout}, {"uid", spec.rollout_uid}}},
                 {"number", spec.number},
                 {"generation", spec.generation},
                 {"digest", spec.digest},
                 {"podTemplateHash", spec.pod_template_hash},
                 {"attempt", spec.attempt},
                 {"image", Json::object()}};
    put_text(body, "revision", spec.revision);
    put_text(body["image"], "old", spec.old_image);
    put_text(body["image"], "new", spec.new_image);
    if (spec.source) body["source"] = encode_delivery_source(*spec.source);
    return {{"apiVersion", resources::deliveries.api_version()},
            {"kind", resources::deliveries.kind},
            {"metadata", std::move(metadata)},
            {"spec", std::move(body)},
            {"status", encode_delivery_status(delivery.status)}};
}

}  // namespace sluice::crds
