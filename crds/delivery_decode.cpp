// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "crds/delivery.hpp"

namespace sluice::crds {
namespace {

constexpr std::array<std::string_view, 5> delivery_phase_names{
    "Progressing", "Promoted", "RolledBack", "Aborted", "Superseded"};
constexpr std::array<std::string_view, 7> delivery_op_names{
    "step", "promoted", "rolledback", "reverted", "aborted", "superseded", "revert-skipped"};

std::string text_or_empty(const Field& field) {
    return field.text().value_or("");
}
TimePoint time_or_epoch(const Field& field) {
    return field.time().value_or(TimePoint{});
}

DeliverySource decode_delivery_source(const Field& from) {
    return {.git_source = text_or_empty(from.at("gitSource")),
            .repo = text_or_empty(from.at("repo")),
            .branch = text_or_empty(from.at("branch")),
            .path = text_or_empty(from.at("path")),
            .commit = text_or_empty(from.at("commit")),
            .author = text_or_empty(from.at("author")),
            .subject = text_or_empty(from.at("subject"))};
}

DeliverySpec decode_delivery_spec(const Field& spec) {
    DeliverySpec decoded{.rollout = spec.at("rollout").at("name").required_text(),
                         .rollout_uid = spec.at("rollout").at("uid").required_text(),
                         .number = spec.at("number").integer().value_or(0),
                         .generation = spec.at("generation").integer().value_or(0),
                         .source = std::nullopt,
                         .digest = text_or_empty(spec.at("digest")),
                         .pod_template_hash = spec.at("podTemplateHash").required_text(),
                         .revision = text_or_empty(spec.at("revision")),
                         .attempt = spec.at("attempt").integer().value_or(1),
                         .old_image = text_or_empty(spec.at("image").at("old")),
                         .new_image = text_or_empty(spec.at("image").at("new"))};
    const Field source = spec.at("source");
    if (source.present()) decoded.source = decode_delivery_source(source);
    return decoded;
}

DeliveryStep decode_delivery_step(const Field& from) {
    DeliveryStep step{.index = from.at("index").integer().value_or(0),
                      .weight = from.at("weight").integer().value_or(0),
                      .entered_at = time_or_epoch(from.at("enteredAt")),
                      .left_at = from.at("leftAt").time(),
                      .verdict = text_or_empty(from.at("verdict")),
                      .checks = {},
                      .op_id = text_or_empty(from.at("opId"))};
    for (const auto& check : from.at("checks").items())
        step.checks.push_back({.name = text_or_empty(check.at("name")),
                               .run = text_or_empty(check.at("run")),
                               .query = text_or_empty(check.at("query")),
                               .value = text_or_empty(check.at("value")),
                               .threshold = text_or_empty(check.at("threshold")),
                               .samples = check.at("samples").integer().value_or(0),
                               .verdict = text_or_empty(check.at("verdict"))});
    return step;
}

DeliveryCause decode_delivery_cause(const Field& from) {
    return {.step = from.at("step").integer(),
            .weight = from.at("weight").integer(),
            .check = text_or_empty(from.at("check")),
            .value = text_or_empty(from.at("value")),
            .threshold = text_or_empty(from.at("threshold")),
            .samples = from.at("samples").integer().value_or(0),
            .text = text_or_empty(from.at("text")),
            .by_user = from.at("byUser").boolean().value_or(false),
            .errored = from.at("errored").boolean().value_or(false),
            .at = time_or_epoch(from.at("at"))};
}

std::vector<DeliveryOp> decode_delivery_outbox(const Field& from) {
    std::vector<DeliveryOp> ops;
    for (const auto& item : from.items()) {
        const std::string kind = item.at("kind").required_text();
        const auto known = parse_delivery_op_kind(kind);
        const Json& record = item.at("record").document();
        DeliveryOp op{.op_id = item.at("opId").required_text(),
                      .kind = known.value_or(DeliveryOpKind::Step),
                      .created_at = time_or_epoch(item.at("createdAt")),
                      .record = record.is_null() ? "" : to_pretty_text(record)};
        if (known)
            ops.push_back(std::move(op));
        else
            item.at("kind").complain(
                concat("expected one of ",
                       join({delivery_op_names.begin(), delivery_op_names.end()}, ", "),
                       ", found \"", kind, "\""));
    }
    return ops;
}

std::optional<DeliveryPhase> decode_delivery_phase(const Field& from) {
    const auto name = from.text();
    if (!name) return std::nullopt;
    for (size_t i = 0; i < delivery_phase_names.size(); ++i)
        if (delivery_phase_names[i] == *name) return static_cast<DeliveryPhase>(i);
    from.complain(concat("expected one of ",
                         join({delivery_phase_names.begin(), delivery_phase_names.end()}, ", "),
                         ", found \"", *name, "\""));
    return std::nullopt;
}

void decode_delivery_results(const Field& from, DeliveryStatus& status) {
    if (const Field write = from.at("lastWrite"); write.present())
        status.last_write = DeliveryWrite{.op_id = text_or_empty(write.at("opId")),
                                          .commit = text_or_empty(write.at("commit")),
                                          .ref = text_or_empty(write.at("ref")),
                                          .at = time_or_epoch(write.at("at"))};
    if (const Field revert = from.at("revert"); revert.present())
        status.revert = DeliveryRevert{.done = revert.at("done").boolean().value_or(false),
                                       .reason = text_or_empty(revert.at("reason")),
                                       .commit = text_or_empty(revert.at("commit")),
                                       .at = time_or_epoch(revert.at("at"))};
    if (const Field quarantine = from.at("quarantine"); quarantine.present())
        status.quarantine =
            DeliveryQuarantine{.digest = text_or_empty(quarantine.at("digest")),
                               .reason = text_or_empty(quarantine.at("reason")),
                               .since = time_or_epoch(quarantine.at("since")),
                               .lifted = quarantine.at("lifted").boolean().value_or(false)};
    for (const auto& condition : from.at("conditions").items())
        status.conditions.push_back({.type = text_or_empty(condition.at("type")),
                                     .status = text_or_empty(condition.at("status")),
                                     .reason = text_or_empty(condition.at("reason")),
                                     .message = text_or_empty(condition.at("message")),
                                     .since = time_or_epoch(condition.at("lastTransitionTime"))});
}

DeliveryStatus decode_delivery_status(const Field& from) {
    DeliveryStatus status;
    status.phase = decode_delivery_phase(from.at("phase"));
    status.message = text_or_empty(from.at("message"));
    status.observed_generation = from.at("observedGeneration").integer().value_or(0);
    status.started_at = from.at("startedAt").time();
    status.finished_at = from.at("finishedAt").time();
    for (const auto& step : from.at("steps").items())
        status.steps.push_back(decode_delivery_step(step));
    if (const Field cause = from.at("cause"); cause.present())
        status.cause = decode_delivery_cause(cause);
    if (const Field traffic = from.at("traffic"); traffic.present())
        status.traffic = DeliveryTraffic{.before = traffic.at("before").integer().value_or(0),
                                         .after = traffic.at("after").integer().value_or(0),
                                         .restored_at = traffic.at("restoredAt").time()};
    status.recorded = from.at("recorded").boolean().value_or(false);
    status.op_id = text_or_empty(from.at("opId"));
    status.outbox = decode_delivery_outbox(from.at("outbox"));
    decode_delivery_results(from, status);
    return status;
}

}  // namespace

std::string_view to_text(DeliveryPhase phase) {
    return delivery_phase_names.at(static_cast<size_t>(phase));
}

std::string_view to_text(DeliveryOpKind kind) {
    return delivery_op_names.at(static_cast<size_t>(kind));
}

std::optional<DeliveryOpKind> parse_delivery_op_kind(std::string_view text) {
    for (size_t i = 0; i < delivery_op_names.size(); ++i)
        if (delivery_op_names[i] == text) return static_cast<DeliveryOpKind>(i);
    return std::nullopt;
}

Delivery decode_delivery(const Json& document, std::vector<Problem>& problems) {
    const Field root(document, problems);
    const Field metadata = root.at("metadata");
    return {.ns = text_or_empty(metadata.at("namespace")),
            .name = text_or_empty(metadata.at("name")),
            .uid = text_or_empty(metadata.at("uid")),
            .resource_version = text_or_empty(metadata.at("resourceVersion")),
            .retry = text_or_empty(metadata.at("annotations").at("sluice.dev/retry")),
            .spec = decode_delivery_spec(root.at("spec")),
            .status = decode_delivery_status(root.at("status"))};
}

void describe_delivery(const Field& root) {
    decode_delivery_spec(root.at("spec"));
    decode_delivery_status(root.at("status"));
}

}  // namespace sluice::crds
