// SPDX-License-Identifier: Apache-2.0
#include "controller/policy/delivery/record.hpp"

#include <nlohmann/json.hpp>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace sluice::policy::delivery {
namespace {

constexpr std::string_view record_schema = "sluice.dev/record/v1";

Json record_checks(const crds::DeliveryStep& step) {
    Json checks = Json::array();
    for (const auto& check : step.checks)
        checks.push_back({{"name", check.name},
                          {"run", check.run},
                          {"query", check.query},
                          {"value", check.value},
                          {"threshold", check.threshold},
                          {"samples", check.samples},
                          {"verdict", check.verdict}});
    return checks;
}

Json record_step(const crds::DeliveryStep& step) {
    Json json = {{"index", step.index},
                 {"weight", step.weight},
                 {"enteredAt", format_rfc3339_micro(step.entered_at)},
                 {"verdict", step.verdict},
                 {"checks", record_checks(step)}};
    if (step.left_at) json["leftAt"] = format_rfc3339_micro(*step.left_at);
    return json;
}

Json record_cause(const crds::DeliveryCause& cause) {
    Json json = {
        {"text", cause.text}, {"at", format_rfc3339_micro(cause.at)}, {"byUser", cause.by_user}};
    if (cause.errored) json["errored"] = true;
    if (cause.step) json["step"] = *cause.step;
    if (cause.weight) json["weight"] = *cause.weight;
    if (cause.check.empty()) return json;
    json["check"] = cause.check;
    json["value"] = cause.value;
    json["threshold"] = cause.threshold;
    json["samples"] = cause.samples;
    return json;
}

void put_record_status(const crds::DeliveryStatus& status, const RecordInput& input, Json& record) {
    if (status.started_at) record["startedAt"] = format_rfc3339_micro(*status.started_at);
    record["steps"] = Json::array();
    if (input.step) {
        record["steps"].push_back(record_step(*input.step));
        return;
    }
    for (const auto& step : status.steps) record["steps"].push_back(record_step(step));
    if (status.finished_at) record["finishedAt"] = format_rfc3339_micro(*status.finished_at);
    if (status.cause) record["cause"] = record_cause(*status.cause);
    if (!status.traffic) return;
    record["traffic"] = {{"before", status.traffic->before}, {"after", status.traffic->after}};
    if (status.traffic->restored_at)
        record["traffic"]["restoredAt"] = format_rfc3339_micro(*status.traffic->restored_at);
}

void put_record_revert(const crds::DeliverySpec& spec, const RecordInput& input, Json& record) {
    using enum crds::DeliveryOpKind;
    if (input.kind != Reverted && input.kind != RevertSkipped) return;
    Json revert = {{"mode", "ScopedRevert"}, {"commits", Json::array()}, {"paths", Json::array()}};
    if (spec.source) {
        revert["commits"].push_back(spec.source->commit);
        revert["paths"].push_back(spec.source->path);
    }
    if (!input.restores.empty()) revert["restores"] = input.restores;
    if (!input.reason.empty()) revert["reason"] = input.reason;
    record["revert"] = std::move(revert);
}

// A cluster's name becomes a folder.
std::string as_path_part(std::string_view name) {
    std::string part;
    for (const char c : name) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                           (c == '.' && !part.empty());
        part += plain ? c : '-';
    }
    return part.empty() ? "-" : part;
}

Json parsed_or_empty(std::string_view text) {
    auto parsed = parse_json(text);
    return parsed.ok() && parsed->is_object() ? std::move(*parsed) : Json::object();
}

}  // namespace

std::string op_id(const Identity& who, const crds::DeliverySpec& spec, crds::DeliveryOpKind kind,
                  std::optional<long> step) {
    std::string key = concat("v1|", who.cluster_id, "|", spec.rollout_uid, "|",
                             spec.source ? spec.source->commit : "", "|", spec.digest, "|",
                             spec.attempt, "|", crds::to_text(kind));
    if (step) key += concat("|", *step);
    return sha256_hex(key).substr(0, 26);
}

crds::DeliveryOp make_op(const Identity& who, const crds::Delivery& delivery,
                         const RecordInput& input, TimePoint now) {
    const auto& spec = delivery.spec;
    const std::optional<long> step = input.step ? std::optional(input.step->index) : std::nullopt;
    Json record = {
        {"schema", record_schema},
        {"opId", op_id(who, spec, input.kind, step)},
        {"kind", crds::to_text(input.kind)},
        {"createdAt", format_rfc3339_micro(now)},
        {"cluster", {{"id", who.cluster_id}, {"name", who.cluster_name}}},
        {"rollout", {{"ns", delivery.ns}, {"name", spec.rollout}, {"uid", spec.rollout_uid}}},
        {"delivery",
         {{"name", delivery.name}, {"attempt", spec.attempt}, {"revision", spec.revision}}},
        {"image", {{"old", spec.old_image}, {"new", spec.new_image}}},
        {"spec", {{"oldDigest", input.old_digest}, {"newDigest", spec.digest}}},
        {"controller", {{"version", who.version}, {"instance", who.instance}}}};
    if (spec.source)
        record["source"] = {
            {"repo", spec.source->repo},     {"ref", concat("refs/heads/", spec.source->branch)},
            {"commit", spec.source->commit}, {"path", spec.source->path},
            {"author", spec.source->author}, {"subject", spec.source->subject}};
    if (!input.prev.empty()) record["prev"] = input.prev;
    put_record_status(delivery.status, input, record);
    put_record_revert(spec, input, record);
    return {.op_id = record["opId"].get<std::string>(),
            .kind = input.kind,
            .created_at = now,
            .record = to_pretty_text(record)};
}

Result<RecordFacts> read_record(std::string_view text) {
    const Json record = TRY(parse_json(text).while_doing("read record"));
    if (text_at(record, {"schema"}) != record_schema)
        return invalid(concat("read record: expected schema ", record_schema, ", found \"",
                              text_at(record, {"schema"}), "\""));
    const std::string created_at = text_at(record, {"createdAt"});
    // Its place in the branch follows from it.
    if (!parse_rfc3339(created_at).ok())
        return invalid(
            concat("read record: expected a time in createdAt, found \"", created_at, "\""));
    RecordFacts facts{.op_id = text_at(record, {"opId"}),
                      .kind = text_at(record, {"kind"}),
                      .cluster = text_at(record, {"cluster", "name"}),
                      .ns = text_at(record, {"rollout", "ns"}),
                      .rollout = text_at(record, {"rollout", "name"}),
                      .created_at = created_at,
                      .old_image = text_at(record, {"image", "old"}),
                      .new_image = text_at(record, {"image", "new"}),
                      .old_digest = text_at(record, {"spec", "oldDigest"}),
                      .source_commit = text_at(record, {"source", "commit"}),
                      .source_path = text_at(record, {"source", "path"}),
                      .source_subject = text_at(record, {"source", "subject"}),
                      .prev = text_at(record, {"prev"}),
                      .weight = std::nullopt,
                      .check = text_at(record, {"cause", "check"}),
                      .value = text_at(record, {"cause", "value"}),
                      .threshold = text_at(record, {"cause", "threshold"}),
                      .samples = std::nullopt,
                      .cause = text_at(record, {"cause", "text"}),
                      .errored = bool_at(record, {"cause", "errored"}),
                      .verdict_at = text_at(record, {"cause", "at"}),
                      .restored_at = text_at(record, {"traffic", "restoredAt"}),
                      .restores = text_at(record, {"revert", "restores"}),
                      .revert_commit = text_at(record, {"revert", "commit"}),
                      .reason = text_at(record, {"revert", "reason"})};
    if (find(record, {"cause", "weight"})) facts.weight = integer_at(record, {"cause", "weight"});
    if (find(record, {"cause", "samples"}))
        facts.samples = integer_at(record, {"cause", "samples"});
    const Json* steps = find(record, {"steps"});
    if (facts.kind == "step" && steps && !steps->empty())
        facts.weight = integer_at(steps->front(), {"weight"});
    return facts;
}

std::string record_folder(const RecordFacts& facts) {
    return concat("v1/", as_path_part(facts.cluster), "/", facts.ns, "/", facts.rollout);
}

std::string record_path(const RecordFacts& facts) {
    // createdAt is RFC 3339 in UTC: "2026-11-…".
    return concat(record_folder(facts), "/", facts.created_at.substr(0, 4), "/",
                  facts.created_at.substr(5, 2), "/", facts.op_id, ".json");
}

std::string good_path(const RecordFacts& facts, std::string_view path) {
    return concat(record_folder(facts), "/good/", path);
}

std::string with_revert_commit(std::string_view record, std::string_view commit) {
    Json json = parsed_or_empty(record);
    json["revert"]["commit"] = commit;
    return to_pretty_text(json);
}

std::string as_revert_skipped(std::string_view record, std::string_view skipped_id,
                              std::string_view reason) {
    Json json = parsed_or_empty(record);
    json["opId"] = skipped_id;
    json["kind"] = crds::to_text(crds::DeliveryOpKind::RevertSkipped);
    json["revert"]["reason"] = reason;
    return to_pretty_text(json);
}

std::string merge_latest(std::string_view latest, std::string_view record) {
    Json json = parsed_or_empty(latest);
    const Json fresh = parsed_or_empty(record);
    const std::string kind = text_at(fresh, {"kind"});
    const char* slot = "outcome";
    if (kind == "step") slot = "step";
    if (kind == "reverted" || kind == "revert-skipped") slot = "revert";
    json["schema"] = "sluice.dev/latest/v1";
    // Times have one width, so their texts compare as they do.
    if (text_at(json, {slot, "createdAt"}) <= text_at(fresh, {"createdAt"})) json[slot] = fresh;
    return to_pretty_text(json);
}

std::string_view record_readme() {
    return "# Rollout records\n"
           "\n"
           "Sluice writes here what became of each version: every step, promotion and rollback of\n"
           "every Rollout, one JSON file each. Nothing reads this branch to deploy from it.\n"
           "\n"
           "- `v1/<cluster>/<namespace>/<rollout>/latest.json`: the newest step, outcome and "
           "revert\n"
           "- `v1/<cluster>/<namespace>/<rollout>/<year>/<month>/<operation>.json`: one record, "
           "never changed\n"
           "- `v1/<cluster>/<namespace>/<rollout>/good/`: the files of the last promoted version\n";
}

std::string version_of(std::string_view image) {
    std::string_view digest;
    if (const auto at = image.find('@'); at != std::string_view::npos) {
        digest = image.substr(at + 1);
        image = image.substr(0, at);
    }
    const auto slash = image.rfind('/');
    const auto colon = image.rfind(':');
    if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash))
        return std::string(image.substr(colon + 1));
    if (const auto name = digest.find(':'); name != std::string_view::npos)
        return std::string(digest.substr(name + 1, 12));
    return image.empty() ? "" : "latest";
}

}  // namespace sluice::policy::delivery
